"""Reading files, and writing them so that a reader finds the old one or the new one, never a part."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError


def check_output(path: Path, *inputs: Path | None, folder: bool = False) -> None:
    """Refuse an output path before any work is done for it; with `folder` it is a folder that will be written.

    Raises:
        InputError: the folder is missing or read-only, `path` is no ordinary file, or it is one of `inputs`.
    """
    try:
        if folder and path.is_dir():
            path = path.resolve().with_name(".partial")  # any name that is free: only the folder around it matters
        _check_output(path, inputs)
    except (OSError, RuntimeError) as error:  # too long a name, a loop of links
        raise InputError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error


def _check_output(path: Path, inputs: tuple[Path | None, ...]) -> None:
    folder = path.parent
    if not folder.is_dir():
        raise InputError(f"cannot write {path}: the folder {folder} does not exist; create it first")
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder; name a file")
    if path.exists() and not path.is_file():
        raise InputError(f"cannot write {path}: it is a device or a pipe, and would be replaced by a file; name a file")
    try:  # root may do everything, and some folders take no file from anybody: only trying tells
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"cannot write {path}: no file can be made in the folder {folder} ({error.strerror}); choose another folder"
        ) from error
    for source in inputs:
        if source is not None and source.exists() and path.exists() and source.samefile(path):
            raise InputError(f"{path} is the input itself and would be overwritten; choose another output with -o")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; put it in place when the block ends well, remove it otherwise.

    The file is flushed to disk before it takes the name, so a crash or a full disk leaves the old file. Where `path`
    is a symbolic link, the file that it points to is replaced, and the link stays.

    Raises:
        InputError: the file cannot be written; the message carries the system's reason.
    """
    check_output(path)
    try:
        path = path.resolve()
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
        raise InputError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        _sync(partial)
        partial.chmod(mode)
        partial.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path, is_ours: Callable[[Path], bool]) -> Iterator[Path]:
    """The same for a folder: yield a new one beside `path`, and put it in place when the block ends well.

    A folder that is there is replaced if it is empty, or if `is_ours` says that it holds an earlier result and nothing
    else. A reader finds the old one, none for a moment, or the new one, never a mixture.

    Raises:
        InputError: the folder cannot be written, or what it holds would be lost.
    """
    check_output(path, folder=True)
    path = path.resolve()
    if path.is_dir() and any(path.iterdir()) and not is_ours(path):
        names = sorted(child.name for child in path.iterdir())
        raise InputError(
            f"{path} holds other files ({', '.join(names[:3])}), which would be lost; name another with -o"
        )
    try:
        work = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial"))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    new, old = work / "new", work / "old"
    try:
        new.mkdir()
        yield new
        for child in new.iterdir():
            _sync(child)
        if path.exists():
            path.rename(old)
        new.rename(path)
        _sync(path.parent)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if old.exists() and not path.exists():  # stopped between the two
            old.rename(path)
        shutil.rmtree(work, ignore_errors=True)


def read_bytes(path: Path, what: str, most: int | None = None) -> bytes:
    """The contents of a file; `what` it should be is the next step in the message, such as `a bundle`.

    Raises:
        InputError: it cannot be read, or has more than `most` bytes.
    """
    try:
        if most is not None and path.stat().st_size > most:
            raise InputError(f"{path} has more than {most:,} bytes, the most that is allowed; name {what}")
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error, what) from error


def unreadable(path: Path, error: OSError, what: str) -> InputError:
    """The error for a file that the system does not let us read."""
    return InputError(f"cannot read {path}: {error.strerror or error}; name {what}")


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` whole or not at all."""
    with replacing(path) as partial:
        partial.write_bytes(data)


def _sync(path: Path) -> None:
    """Flush a file or a folder entry to the disk; Windows cannot open folders and needs no such flush."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
