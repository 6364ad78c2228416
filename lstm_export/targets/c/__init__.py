"""Export to plain C, for any device, microcontrollers too.

Writes a folder with NAME.h, NAME.c and a README: C99 and C++11, no library, no allocation. The
weights are constants, the memory is the caller's. Here it is compiled by the system's compiler and
run through ctypes. Opening a C artifact compiles and runs it: open your own only.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ...files import replacing_folder
from .options import DEFAULT_NAME, Options

if TYPE_CHECKING:
    from ...model import Array, Model, Signature
    from .emit.interface import Interface, Record
    from .host.integer_runner import IntegerRunner
    from .host.runner import CRunner
    from .integer.definition import IntegerDefinition

suffix = "_c"
extra = "export"
needs = ""
runs_code = "opening it compiles and runs it"

_MARK = b"/* lstm-export: a model in C"

__all__ = [
    "Options",
    "definition",
    "differs_from",
    "export",
    "export_on",
    "from_model",
    "held",
    "is_export",
    "load",
    "main_file",
    "notes_on",
    "recognises",
    "unavailable",
]


def export(model: Model, path: Path, **options: Any) -> None:
    """Write `model` as a folder with NAME.h, NAME.c and README.md.

    Args:
        model: the chain to write.
        path: the folder to write; one that an earlier export wrote is replaced.
        options: those of `Options`.

    Raises:
        InputError: an option is invalid, or the model is beyond `max_flash` or `max_error`.
        UnsupportedModel: a stage cannot be expressed.
    """
    export_on(model, path, None, **options)


def export_on(model: Model, path: Path, windows: Array | None, **options: Any) -> None:
    """`export`, with real inputs `(n, window, input_size)` where there are any."""
    from .writing import files_of

    files = files_of(model, windows, Options(**options))
    with replacing_folder(path, is_export) as partial:
        for file, text in files.items():
            (partial / file).write_text(text, encoding="utf-8")


def load(data: bytes, providers: tuple[str, ...] = ()) -> CRunner | IntegerRunner:
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
    if record.integer:
        return _compiled_integer(text, record)
    return _compiled(text, record.interface, record.signature)


def from_model(model: Model, artifact: bytes | None = None) -> CRunner | IntegerRunner:
    """Generate, compile and load: how the engine of a bundle is made from its weights.

    Of an artifact in whole numbers nothing but its formats is taken.

    Raises:
        BundleError: its formats do not fit the model.
    """
    from .emit.interface import Interface, Record
    from .emit.source import write
    from .integer.definition import IntegerDefinition

    record = Record.of(_text(artifact)) if artifact else None
    if record and record.integer:
        again, source = IntegerDefinition.of_source(model, record, _text(artifact or b"")).again()
        return _compiled_integer(source, again)
    interface = Interface.of(model, DEFAULT_NAME, self_test=False)
    return _compiled(write(model, interface).c, interface, model.signature)


def held(model: Model, data: bytes) -> Model:
    """The model that an artifact holds: its recurrent weights rounded as stored there."""
    from .emit.interface import Record
    from .emit.layout import BITS, rounded

    record = Record.of(_text(data))
    return model if record.integer else rounded(model, BITS[record.weights])


def definition(model: Model, data: bytes) -> IntegerDefinition | None:
    """What an artifact in whole numbers has to compute, bit for bit; None for one of floats."""
    from .emit.interface import Record
    from .integer.definition import IntegerDefinition

    text = _text(data)
    record = Record.of(text)
    return IntegerDefinition.of_source(model, record, text) if record.integer else None


def differs_from(model: Model, data: bytes) -> str:
    """The first line that is not what this version writes of the model; nothing is compiled."""
    from .written_again import difference

    return difference(model, _text(data))


def notes_on(model: Model, windows: Array | None) -> tuple[str, ...]:
    """What the step of a model of windows means, and what it costs on real ones."""
    from .emit.plan import looks_ahead
    from .stream_cost import stream_cost

    window = model.signature.window
    if window is None or looks_ahead(model):
        return ()
    return (
        "the step in C is an endless stream; the model was trained on windows of "
        f"{window} samples, which NAME_window_push answers as in training",
        *stream_cost(model, windows),
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
    if file is None:
        return False
    names = {child.name for child in folder.iterdir()}
    return names == {file.name, file.with_suffix(".h").name, "README.md"}


def _compiled_integer(text: str, record: Record) -> IntegerRunner:
    from .host.compiler import library
    from .host.integer_runner import IntegerRunner, IntegerStream
    from .integer.source import header

    assert record.integer is not None  # noqa: S101 - load has seen to it
    name = record.interface.name
    source = f"#define {name.upper()}_BATCHES\n{text}"
    files = {f"{name}.c": source, f"{name}.h": header(record.interface, record.integer)}
    runner = IntegerStream if record.interface.streams else IntegerRunner
    return runner(library(files), record.interface, record.integer, record.signature)


def _compiled(text: str, interface: Interface, signature: Signature) -> CRunner:
    from .host.compiler import library
    from .host.runner import CRunner, CStream

    files = {f"{interface.name}.c": text, f"{interface.name}.h": interface.header()}
    return (CStream if interface.streams else CRunner)(library(files), interface, signature)
