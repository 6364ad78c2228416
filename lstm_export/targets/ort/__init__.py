"""Export to ONNX Runtime's own format, for phones.

Writes a folder: model.ort, and model.required_operators.config, the operators that such a build
has to hold. ONNX Runtime itself makes the file of what the onnx target writes, without optimizing;
its list of operators is put in order, so that the same model is the same file.
No guard reads this format before ONNX Runtime does: open your own only.
Law: `read(export(model)) == lowered(model)`, bit for bit; only projections are lowered.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import LstmExportError
from ...files import replacing_folder
from ..onnx import DEFAULT_OPSET
from ..onnx import lowered as onnx_lowered
from ..target import differences_between

if TYPE_CHECKING:
    from ...device import OnnxRunner
    from ...model import Model

suffix = "_ort"
extra = "export"
needs = "onnxruntime"
runs_code = "ONNX Runtime opens it unchecked"

FILE = "model.ort"
CONFIG = "model.required_operators.config"

_IDENTIFIER = b"ORTM"  # bytes 4 to 8


def export(model: Model, path: Path, *, lengths: bool = False) -> None:
    """Write `model` as a folder with model.ort and the list of its operators.

    Args:
        model: the chain to write.
        path: the folder to write; one that an earlier export wrote is replaced.
        lengths: also take int32 lengths (batch,), the steps of each row of a padded batch that
            count.
    """
    from ..onnx.writer import to_bytes
    from .converting import converted
    from .reader import required_operators

    data = converted(to_bytes(model, DEFAULT_OPSET, lengths=lengths))
    with replacing_folder(path, is_export) as partial:
        (partial / FILE).write_bytes(data)
        (partial / CONFIG).write_text(required_operators(data, FILE), encoding="ascii")


def lowered(model: Model) -> tuple[Model, tuple[str, ...]]:
    """The chain as the graph holds it, without projections, and what a user should know of it."""
    return onnx_lowered(model)


def load(data: bytes, providers: tuple[str, ...] = ()) -> OnnxRunner:
    """Open the artifact in onnxruntime."""
    from .converting import opened

    return opened(data, providers)


def read(data: bytes) -> Model:
    """The model in the file, taken from its graph and its constants.

    Raises:
        BundleError: it is damaged.
        UnsupportedModel: the graph is not one that `export` writes, or its metadata says something
            else.
    """
    return _held(data)


def differs_from(model: Model, data: bytes) -> str:
    """How the model in the file differs from its bundle's, without ONNX Runtime."""
    try:
        found = _held(data)
    except LstmExportError as error:
        return str(error)
    return differences_between(lowered(model)[0], found)


def _held(data: bytes) -> Model:
    """The model in the file; ONNX Runtime is not asked."""
    from ..onnx.reader import model_in
    from .reader import graph_in

    return model_in(graph_in(data))


def recognises(data: bytes) -> bool:
    """A file with the identifier of the format."""
    return data[4:8] == _IDENTIFIER


def main_file(folder: Path) -> Path | None:
    """model.ort in a folder; None where there is none."""
    file = folder / FILE
    return file if file.is_file() else None


def is_export(folder: Path) -> bool:
    """Whether a folder holds what `export` writes and nothing else."""
    return {child.name for child in folder.iterdir()} == {FILE, CONFIG}
