"""Export to WebAssembly, for browsers, Node and other hosts.

Writes a folder: NAME.wasm and NAME.plain.wasm, the C of this package compiled with and without
vectors; NAME.mjs, which chooses between them, with NAME.d.ts; index.html, a page that tests the
model and streams a table; package.json and a README. A module imports nothing and carries its
model's record, so that NAME.wasm alone is the artifact.
Here it is run by wasmtime, which lets it reach nothing but memory of its own and ends it when it
does more than its model takes: it may run without the user's word, as an ONNX file may.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import BundleError, InputError
from ...files import replacing_folder

if TYPE_CHECKING:
    from ...model import Model
    from .sandbox import WasmRunner

suffix = "_wasm"
extra = "wasm"
needs = "wasmtime"

DEFAULT_NAME = "model"

__all__ = [
    "cannot_export",
    "export",
    "held",
    "is_export",
    "load",
    "main_file",
    "read",
    "recognises",
]


def export(
    model: Model,
    path: Path,
    *,
    name: str = DEFAULT_NAME,
    weights: str = "float32",
    single_file: bool = False,
) -> None:
    """Write `model` as a folder with NAME.wasm and what calls it.

    Args:
        model: the chain to write.
        path: the folder to write; one that an earlier export wrote is replaced.
        name: What every file begins with.
        weights: How recurrent weights are stored: float32, int16 (half the size) or int8.
        single_file: Put both modules into NAME.mjs, as text, so that it needs no other file.

    Raises:
        InputError: the name is no C identifier, the storage is unknown, or the two modules answer
            differently.
        MissingDependency: there is no compiler, or no wasmtime.
        UnsupportedModel: a stage cannot be expressed.
    """
    from ..c.emit.layout import known_storage
    from ..c.emit.names import checked
    from .folder import Modules, files_of
    from .module import module_of

    checked(name)
    known_storage(weights)
    modules = Modules(module_of(model, True, weights), module_of(model, False, weights), weights)
    _check_alike(modules.simd, modules.plain)
    with replacing_folder(path, is_export) as partial:
        for file, contents in files_of(model, name, modules, single_file).items():
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
    """
    from .module import constant_names
    from .sandbox import Sandbox
    from .weights import model_of

    sandbox = Sandbox(data)
    count = len(constant_names(sandbox.record.blank(), sandbox.record.weights))
    return model_of(sandbox.record, sandbox.memory(), sandbox.places(count))


def held(model: Model, data: bytes) -> Model:
    """The model that a module holds: its recurrent weights rounded as stored there."""
    from ..c.emit.layout import rounded
    from .record import Record

    return rounded(model, Record.of(data).bits)


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
    return file is not None and {child.name for child in folder.iterdir()} == file_names(file.stem)


def _check_alike(simd: bytes, plain: bytes) -> None:
    """Refuse two modules of which one is not verified by verifying the other.

    Raises:
        InputError: a weight or a bit of an answer differs.
    """
    import numpy as np

    from ...parity import golden_sets

    model = read(simd)
    if read(plain) != model:
        raise InputError("the plain module holds other weights; use another compiler")
    with_vectors = load(simd)
    without = load(plain)
    for golden in golden_sets(model):
        if not np.array_equal(with_vectors(golden.x), without(golden.x), equal_nan=True):
            found = f"answer {golden.name} in different bits"
            raise InputError(f"the modules with and without vectors {found}; use another compiler")
