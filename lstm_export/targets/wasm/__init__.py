"""Export to WebAssembly, for browsers, Node and other hosts.

Writes a folder: NAME.wasm and NAME.plain.wasm, the C of this package compiled with and without
vectors; NAME.mjs, which chooses between them, with NAME.d.mts; index.html, a page that tests the
model and streams a table; package.json and a README. A module imports nothing and carries its
model's record, so that NAME.wasm alone is the artifact.
Here it is run by wasmtime, which lets it reach nothing but memory of its own and ends it when it
does more than its model takes: it may run without the user's permission, as an ONNX file may.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import BundleError, InputError, MissingDependency
from ...files import replacing_folder
from ..target import differences_between
from .options import Options

if TYPE_CHECKING:
    from ...model import Array, Model
    from .integer import WasmDefinition
    from .sandbox import WasmRunner

suffix = "_wasm"
extra = "wasm"
needs = "wasmtime"

__all__ = [
    "Options",
    "cannot_export",
    "definition",
    "differs_from",
    "export",
    "export_on",
    "held",
    "is_export",
    "load",
    "main_file",
    "read",
    "recognises",
]


def export(model: Model, path: Path, **options: Any) -> None:
    """Write `model` as a folder with NAME.wasm and what calls it.

    Args:
        model: the chain to write.
        path: the folder to write; one that an earlier export wrote is replaced.
        options: those of `Options`.

    Raises:
        InputError: the name is no C identifier, an option is invalid, or the two modules answer
            differently.
        MissingDependency: there is no compiler, or no wasmtime.
        UnsupportedModel: a stage cannot be expressed.
    """
    export_on(model, path, None, **options)


def export_on(model: Model, path: Path, windows: Array | None, **options: Any) -> None:
    """`export`, with real inputs `(n, window, input_size)` where there are any."""
    from .writing import files_of

    files = files_of(model, windows, Options(**options))
    with replacing_folder(path, is_export) as partial:
        for file, contents in files.items():
            (partial / file).write_bytes(contents)


def load(data: bytes, providers: tuple[str, ...] = ()) -> WasmRunner:
    """Open a module in a sandbox.

    Raises:
        MissingDependency: there is no wasmtime.
        BundleError: it was not written by this package, or is damaged.
    """
    from .record import Record
    from .sandbox import WasmRunner, WasmStream

    if providers:
        named = ", ".join(providers)
        raise InputError(f"providers are for ONNX Runtime; wasm runs on the CPU, not on {named}")
    return WasmStream(data) if Record.of(data).streams else WasmRunner(data)


def read(data: bytes) -> Model:
    """The model in a module, its weights taken from the memory that the module begins with.

    Raises:
        BundleError: it was not written by this package, or its data differs from its record.
        UnsupportedModel: it is in whole numbers.
    """
    from .weights import model_in

    return model_in(data)


def held(model: Model, data: bytes) -> Model:
    """The model that a module holds: its recurrent weights rounded as stored there."""
    from ..c.emit.layout import rounded
    from .record import Record

    record = Record.of(data)
    return model if record.integer else rounded(model, record.bits)


def definition(model: Model, data: bytes) -> WasmDefinition | None:
    """What a module in whole numbers has to compute, bit for bit; None for one of floats."""
    from .integer import WasmDefinition
    from .record import Record

    record = Record.of(data)
    return WasmDefinition(model, record, data) if record.integer else None


def differs_from(model: Model, data: bytes) -> str:
    """How the float weights in a module differ from the model's; those of whole numbers are held
    against their definition."""
    from .record import Record

    if Record.of(data).integer:
        return ""
    try:
        found = read(data)
    except MissingDependency:  # nor is it run here
        return ""
    return differences_between(held(model, data), found)


def recognises(data: bytes) -> bool:
    """A module with a record of this package."""
    from .sections import MAGIC, custom_section

    if not data.startswith(MAGIC):
        return False
    try:
        return custom_section(data, "lstm-export") is not None
    except BundleError:  # cut off: no artifact of ours
        return False


def cannot_export() -> str:
    """Why nothing can be compiled to WebAssembly here; empty where it can."""
    from .compiler import unavailable

    return unavailable()


def main_file(folder: Path) -> Path | None:
    """NAME.wasm among the files of a folder; None where there is none."""
    for file in sorted(folder.glob("*.wasm")):
        if "." not in file.stem and recognises(file.read_bytes()):
            return file
    return None


def is_export(folder: Path) -> bool:
    """Whether a folder holds what `export` writes and nothing else."""
    from .folder import file_names

    file = main_file(folder)
    if file is None:
        return False
    names = {child.name for child in folder.iterdir()}
    return names == file_names(file.stem)
