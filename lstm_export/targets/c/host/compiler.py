"""The system's C compiler, and a cache of what it made, found by a hash of all that matters."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from ....errors import InputError, MissingDependency
from .run_compiler import first_error, run_compiler

HOW = (
    "install one (Debian: apt install gcc; macOS: xcode-select --install) "
    "or name it in the environment variable CC"
)
# CFLAGS of the environment comes behind these.
FLAGS = ("-std=c99", "-O3", "-ffp-contract=fast", "-fPIC", "-shared")
NATIVE = "-march=native"
SUFFIX = {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")


def compiler() -> tuple[str, ...]:
    """The command that compiles C: `CC`, else the first of cc, gcc, clang.

    Raises:
        MissingDependency: there is none.
    """
    command = _words("CC")
    if command:
        if not shutil.which(command[0]):
            raise MissingDependency(f"CC names {command[0]!r}, which is no program here; {HOW}")
        return command
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return (name,)
    raise MissingDependency(
        f"running C needs a C compiler, and there is no cc, gcc or clang here; {HOW}"
    )


def _words(variable: str) -> tuple[str, ...]:
    """An environment variable as a shell takes it apart.

    Raises:
        MissingDependency: a quotation in it has no end.
    """
    text = os.environ.get(variable, "")
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise MissingDependency(f"{variable} is {text!r}: {error}; mend or unset it") from error


def unavailable() -> str:
    """Why C cannot be compiled here; empty where it can."""
    try:
        compiler()
    except MissingDependency as error:
        return str(error)
    return ""


def library(files: Mapping[str, str]) -> Path:
    """The shared library of the `.c` file among `files`, name -> text, compiled once.

    Raises:
        MissingDependency: there is no compiler.
        InputError: the compiler fails, its own message follows; or its cache is full.
    """
    command = compiler()
    native, machine = _machine(command)
    flags = (*FLAGS, *native, *_words("CFLAGS"))
    all_that_matters = repr((command, flags, machine, sorted(files.items())))
    digest = hashlib.sha256(all_that_matters.encode()).hexdigest()
    place = _cache() / f"{digest[:40]}{SUFFIX}"
    if not place.exists():
        try:
            _compile([*command, *flags], files, place)
        except OSError as error:
            raise InputError(
                f"what was compiled cannot be kept in {place.parent}: {error.strerror or error}; "
                "free some space there, or name another folder in XDG_CACHE_HOME"
            ) from error
    return place


def _compile(command: Sequence[str], files: Mapping[str, str], place: Path) -> None:
    """In a folder of its own, then renamed: another process finds the whole library or none."""
    source = next(name for name in files if name.endswith(".c"))
    with tempfile.TemporaryDirectory(dir=place.parent) as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, encoding="utf-8")
        built = Path(folder) / place.name
        source_file = str(Path(folder) / source)
        done = run_compiler([*command, "-o", str(built), source_file], command[0])
        if done.returncode or not built.exists():
            said = first_error(done.stderr).replace(f"{folder}{os.sep}", "")
            raise InputError(f"{command[0]} cannot compile {source}: {said}")
        built.replace(place)


@lru_cache(maxsize=4)
def _machine(command: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """The flag for this very processor, where the compiler has one, and all that it then defines.

    The definitions tell which compiler it is and for what it compiles.
    """
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.c"
        empty.write_text("", encoding="utf-8")
        for native in ((NATIVE,), ()):
            done = run_compiler([*command, *native, "-dM", "-E", str(empty)], command[0])
            if not done.returncode:
                return native, done.stdout
    return (), ""


@lru_cache(maxsize=1)
def _cache() -> Path:
    """The user's own folder for it.

    Where that cannot be written, one that lives as long as this process.
    """
    base = (
        os.environ.get("XDG_CACHE_HOME")
        or os.environ.get("LOCALAPPDATA")
        or str(Path("~/.cache").expanduser())
    )
    folder = Path(base) / "lstm-export" / "c"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return _of_this_process()


def _of_this_process() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="lstm-export-")
    _KEPT.append(folder)
    return Path(folder.name)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []
