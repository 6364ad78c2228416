"""Export to ONNX, for onnxruntime on any device.

Written straight from the weights, without torch's exporters.
One LSTM, GRU or RNN node a layer, dynamic batch and sequence, no external data, Y_h for the last
step.
Law: `read(export(model)) == lowered(model)`, bit for bit; only projections are lowered.
Two exports of one model give identical bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ...files import write_bytes

if TYPE_CHECKING:
    from ...device import OnnxRunner
    from ...model import Model, Runner

suffix = ".onnx"
extra = "export"
needs = "onnxruntime"

# Opset 17 with IR 8 loads on every ONNX Runtime from 1.15 on.
DEFAULT_OPSET = 17
OLDEST_OPSET = 13  # the first whose Squeeze has its axes as an input


def export(model: Model, path: Path, *, opset: int = DEFAULT_OPSET, lengths: bool = False) -> None:
    """Write `model` as one ONNX file with inputs `x (batch, seq, input_size)` and output `y`.

    Args:
        model: the chain to write.
        path: the file to write.
        opset: version of the ONNX operators, 13 or newer; a newer one needs a newer runtime.
        lengths: also take int32 lengths (batch,), the steps of each row of a padded batch that
            count.

    Raises:
        InputError: this opset is not known to the installed onnx package, or older than 13.
    """
    from .writer import to_bytes

    check_opset(opset)
    write_bytes(path, to_bytes(model, opset, lengths=lengths))


def check_opset(opset: int) -> None:
    """Refuse an opset that cannot be written.

    Raises:
        InputError: it is not known to the installed onnx package, or older than 13.
    """
    from .writer import newest_opset

    newest = newest_opset()
    if not OLDEST_OPSET <= opset <= newest:
        known = f"{OLDEST_OPSET} to {newest}"
        raise InputError(f"opset {opset} cannot be written; choose {known}")


def lowered(model: Model) -> tuple[Model, tuple[str, ...]]:
    """The chain as the graph holds it, without projections, and what a user should know of it."""
    from ...model.lowering import lower_projections, lowering_notes

    return lower_projections(model), tuple(lowering_notes(model))


def load(data: bytes, providers: tuple[str, ...] = ()) -> OnnxRunner:
    """Open the artifact in onnxruntime, set up for small models."""
    from ...device import load_onnx

    return load_onnx(data, providers)


def read(data: bytes) -> Model:
    """The model in the file, taken from its graph and initialisers.

    Raises:
        UnsupportedModel: the graph is not one that `export` writes, or its metadata says something
            else.
    """
    from .reader import from_bytes

    return from_bytes(data)


def check_form(data: bytes) -> None:
    """Refuse a graph that `export` does not write: other operators, another order, other shapes.

    Raises:
        UnsupportedModel: it is one; the message says where.
    """
    from .reader import check_form as checked

    checked(data)


def conditions(data: bytes) -> Iterator[tuple[str, Runner]]:
    """The artifact as ONNX Runtime computes it with less optimisation and with more threads."""
    from .settings import conditions as under_settings

    return under_settings(data)


def probes(data: bytes) -> Iterator[Runner]:
    """The artifact giving the output of its first recurrent layer, of its second, and so on."""
    from .settings import probes as opened_up

    return opened_up(data)


def broken(data: bytes, kind: str) -> bytes | None:
    """The artifact with a bug of the catalogue; None where its graph has no place for it."""
    from .graph_bugs import broken as edited

    return edited(data, kind)


def recognises(data: bytes) -> bool:
    """An ONNX file that carries no state.

    It starts with field 1, the IR version, as a varint below 128.
    """
    from ...device.onnx_metadata import carries_state

    is_onnx = len(data) > 2 and data[0] == 0x08 and data[1] < 0x80
    return is_onnx and not carries_state(data)
