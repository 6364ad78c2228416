"""Export to plain C, for any device, microcontrollers too.

Writes a folder with NAME.h, NAME.c and a README: C99 and C++11, no library, no allocation. The
weights are constants, the memory is the caller's. Here it is compiled by the system's compiler and
run through ctypes. Opening a C artifact compiles and runs it: open your own only.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError
from ...files import replacing_folder

if TYPE_CHECKING:
    from ...model import Model, Signature
    from .emit.interface import Interface
    from .host.runner import CRunner

suffix = "_c"
extra = "export"
needs = ""
runs_code = "opening it compiles and runs it"

DEFAULT_NAME = "model"
_MARK = b"/* lstm-export: a model in C"

__all__ = [
    "export",
    "from_model",
    "held",
    "is_export",
    "load",
    "main_file",
    "notes_on",
    "recognises",
    "unavailable",
]


def export(  # noqa: PLR0913 - the options of a command
    model: Model,
    path: Path,
    *,
    name: str = DEFAULT_NAME,
    weights: str = "float32",
    self_test: bool = False,
    max_flash: str = "",
) -> None:
    """Write `model` as a folder with NAME.h, NAME.c and README.md.

    Args:
        model: the chain to write.
        path: the folder to write; one that an earlier export wrote is replaced.
        name: What every symbol and both files begin with.
        weights: How recurrent weights are stored: float32, int16 (half the size, faster where
            large) or int8.
        self_test: Compile in NAME_self_test(), which says whether the model computes on a board
            what it must.
        max_flash: Refuse a model that needs more flash than this, such as 256kB.

    Raises:
        InputError: the name is no C identifier, the storage is unknown, or the model is too large
            for `max_flash`.
        UnsupportedModel: a stage cannot be expressed.
    """
    from .emit.interface import Interface
    from .emit.layout import known_storage
    from .emit.names import checked

    known_storage(weights)
    interface = Interface.of(model, checked(name), self_test)
    files = _files(model, interface, weights, max_flash)
    with replacing_folder(path, is_export) as partial:
        for file, text in files.items():
            (partial / file).write_text(text, encoding="utf-8")


def _files(model: Model, interface: Interface, weights: str, max_flash: str) -> dict[str, str]:
    """What `export` writes, name -> text."""
    from .emit.readme import check_flash, readme
    from .emit.self_test import golden_text
    from .emit.source import write

    golden = golden_text(model, interface.prefix, weights) if interface.self_test else ""
    source = write(model, interface, weights, golden)
    check_flash(source, max_flash)
    page = readme(model, interface, weights, source)
    return {f"{interface.name}.h": source.h, f"{interface.name}.c": source.c, "README.md": page}


def load(data: bytes, providers: tuple[str, ...] = ()) -> CRunner:
    """Compile the C source of an artifact, unless that was done before, and load it.

    Raises:
        MissingDependency: there is no C compiler.
        InputError: the source does not compile, or was not written by this package.
    """
    from .emit.interface import Record

    if providers:
        raise InputError(
            f"providers are for ONNX Runtime; C runs on the CPU, not on {', '.join(providers)}"
        )
    text = _text(data)
    record = Record.of(text)
    return _compiled(text, record.interface, record.signature)


def from_model(model: Model) -> CRunner:
    """Generate, compile and load: how the engine of a bundle is made from its weights."""
    from .emit.interface import Interface
    from .emit.source import write

    interface = Interface.of(model, DEFAULT_NAME, self_test=False)
    return _compiled(write(model, interface).c, interface, model.signature)


def held(model: Model, data: bytes) -> Model:
    """The model that an artifact holds: its recurrent weights rounded as stored there."""
    from .emit.interface import Record
    from .emit.layout import BITS, rounded

    return rounded(model, BITS[Record.of(_text(data)).weights])


def notes_on(model: Model) -> tuple[str, ...]:
    """What the step of a model of windows means."""
    from .emit.plan import looks_ahead

    window = model.signature.window
    if window is None or looks_ahead(model):
        return ()
    return (
        "the step in C is an endless stream; the model was trained on windows of "
        f"{window} samples, which NAME_window_push answers as in training",
    )


def unavailable() -> str:
    """Why C cannot be compiled here; empty where it can."""
    from .host.compiler import unavailable as reason

    return reason()


def recognises(data: bytes) -> bool:
    """The first line of every NAME.c."""
    return data.startswith(_MARK)


def _text(data: bytes) -> str:
    return data.decode("utf-8", errors="replace")


def main_file(folder: Path) -> Path | None:
    """NAME.c among the files of a folder; None where there is none."""
    for file in sorted(folder.glob("*.c")):
        with file.open("rb") as opened:
            if recognises(opened.read(len(_MARK))):
                return file
    return None


def is_export(folder: Path) -> bool:
    """Whether a folder holds what `export` writes and nothing else."""
    file = main_file(folder)
    return file is not None and {child.name for child in folder.iterdir()} == {
        file.name,
        file.with_suffix(".h").name,
        "README.md",
    }


def _compiled(text: str, interface: Interface, signature: Signature) -> CRunner:
    from .host.compiler import library
    from .host.runner import CRunner, CStream

    files = {f"{interface.name}.c": text, f"{interface.name}.h": interface.header()}
    return (CStream if interface.streams else CRunner)(library(files), interface, signature)
