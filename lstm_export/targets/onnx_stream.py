"""Export to ONNX with state, for samples one by one.

The graph of the onnx target, which also takes the state and gives it back:
`(x, h, c) -> (y, h_n, c_n)`.
Batch and sequence are free: a step is a sequence of 1. A chain that picks the last step answers for
a chunk's last. Names, sizes and learned initial values of the state stand in the file's metadata.
Where there are projections, the state is the whole hidden state that they project.
Law: `read(export(model)) == lowered(model)`, bit for bit; only projections are lowered.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..files import write_bytes
from .onnx import DEFAULT_OPSET, check_opset
from .onnx import lowered as onnx_lowered

if TYPE_CHECKING:
    from ..device import OnnxStreamRunner
    from ..model import Model

suffix = ".stream.onnx"
extra = "export"
needs = "onnxruntime"


def export(model: Model, path: Path, *, opset: int = DEFAULT_OPSET) -> None:
    """Write `model` as one ONNX file: inputs x and the state, outputs y and the state after it.

    Args:
        model: the chain to write; no layer of it may be bidirectional.
        path: the file to write.
        opset: version of the ONNX operators, 13 or newer; a newer one needs a newer runtime.

    Raises:
        UnsupportedModel: a layer is bidirectional.
        InputError: this opset is not known to the installed onnx package, or older than 13.
    """
    from .onnx.writer import to_bytes

    check_opset(opset)
    write_bytes(path, to_bytes(model, opset, stateful=True))


def lowered(model: Model) -> tuple[Model, tuple[str, ...]]:
    """The chain as the graph holds it, without projections, and what a user should know of it."""
    chain, notes = onnx_lowered(model)
    if notes:
        carried = "the state that the graph carries is the whole hidden state, before weight_hr"
        notes = (*notes, carried)
    return chain, notes


def load(data: bytes, providers: tuple[str, ...] = ()) -> OnnxStreamRunner:
    """Open the artifact in onnxruntime.

    It runs whole sequences from the initial state, or chunks, `advance` by `advance`.
    """
    from ..device import load_onnx_stream

    return load_onnx_stream(data, providers)


def read(data: bytes) -> Model:
    """The model in the file: from its graph and initialisers, and learned states from its metadata.

    Raises:
        UnsupportedModel: the graph is not one that `export` writes, or its metadata says something
            else.
    """
    from .onnx.reader import from_bytes

    return from_bytes(data, stateful=True)


def check_form(data: bytes) -> None:
    """Refuse a graph that `export` does not write.

    Raises:
        UnsupportedModel: it is one; the message says where.
    """
    from .onnx.reader import check_form as checked

    checked(data, stateful=True)


def recognises(data: bytes) -> bool:
    """An ONNX file whose metadata describes a state."""
    from ..device.onnx_metadata import carries_state

    return carries_state(data)
