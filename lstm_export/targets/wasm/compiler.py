"""The compiler that makes WebAssembly of C: clang with wasm-ld, or Zig's, which pip installs."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from ...errors import InputError, MissingDependency
from ..c.host.run_compiler import first_error, run_compiler

HOW = (
    "install clang and lld (Debian: apt install clang lld), or the Zig compiler, "
    "on any system: pip install ziglang"
)
# Contraction off: the same bits on every engine. No relaxed SIMD, whose bits engines choose.
FLAGS = ("-std=c99", "-Os", "-ffp-contract=off", "-nostdlib", "-fno-builtin")
# LLVM's loop strength reduction would add up every address, where a load can hold its offset.
LOOPS = ("-mllvm", "-disable-lsr")
LINK = ("-Wl,--no-entry", "-Wl,--strip-all", "-Wl,--export=__heap_base")
STACK_BYTES = 2**16


def compiler() -> tuple[str, ...]:
    """The command that compiles and links, without options.

    Raises:
        MissingDependency: there is none.
    """
    if shutil.which("wasm-ld") and _clang_has_wasm():
        return ("clang", "--target=wasm32")
    if importlib.util.find_spec("ziglang"):
        return (sys.executable, "-m", "ziglang", "cc", "--target=wasm32-freestanding")
    raise MissingDependency(f"WebAssembly needs a compiler, and there is none here; {HOW}")


def unavailable() -> str:
    """Why nothing can be compiled here; empty where it can."""
    try:
        compiler()
    except MissingDependency as error:
        return str(error)
    return ""


def compiled(files: Mapping[str, str], simd: bool, stack_bytes: int, exported: str) -> bytes:
    """The module of the `.c` file among `files`, name -> text.

    Args:
        files: the source and its header.
        simd: whether vectors of 128 bits are used.
        stack_bytes: what functions keep on the stack, beside what the compiler saves.
        exported: a constant whose address is exported.

    Raises:
        MissingDependency: there is no compiler.
        InputError: it fails; its own message follows.
    """
    command = compiler()
    options = [*FLAGS, *LOOPS, *_machine(simd, command), *LINK, f"-Wl,--export={exported}"]
    options.append(f"-Wl,-z,stack-size={_stack(stack_bytes)}")
    source = next(name for name in files if name.endswith(".c"))
    with tempfile.TemporaryDirectory(prefix="lstm-export-") as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        built = Path(folder) / "built.wasm"
        files_named = ("-o", str(built), str(Path(folder) / source))
        said = _run([*command, *options, *files_named])
        if not built.exists():
            reason = first_error(said).replace(f"{folder}/", "")
            raise InputError(f"{_name(command)} cannot compile the model: {reason}")
        return built.read_bytes()


def _machine(simd: bool, command: Sequence[str]) -> tuple[str, ...]:
    """The first version of WebAssembly, and vectors where they are wanted."""
    if _is_zig(command):
        return ("-mcpu=mvp+simd128" if simd else "-mcpu=mvp",)
    vectors = ("-msimd128",) if simd else ()
    # Before the data, the stack cannot grow into them. Zig's cc has no such option.
    return ("-mcpu=mvp", *vectors, "-Wl,--stack-first")


def _is_zig(command: Sequence[str]) -> bool:
    return "ziglang" in command


def _stack(needed: int) -> int:
    """Twice what is known to be needed, in whole pages."""
    return STACK_BYTES * (1 + -(-2 * needed // STACK_BYTES))


@lru_cache(maxsize=1)
def _clang_has_wasm() -> bool:
    """Whether there is a clang that knows the processor; Apple's does not."""
    if not shutil.which("clang"):
        return False
    return "wasm32" in _run(["clang", "--print-targets"])


def _name(command: Sequence[str]) -> str:
    return "zig" if _is_zig(command) else command[0]


def _run(command: Sequence[str]) -> str:
    """What a command says."""
    done = run_compiler(command, _name(command))
    return done.stdout + done.stderr
