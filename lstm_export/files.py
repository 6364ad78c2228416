"""Reading files to an end, and writing them so that a reader finds the old or the new, whole."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import InputError

if sys.platform != "win32":
    import fcntl

MAX_BYTES = 2**32  # of any file that is read whole; callers that know better allow less
PARTIAL = ".partial"
_PART_BYTES = 2**20


def check_output(path: Path, *inputs: Path | None, folder: bool = False) -> None:
    """Refuse an output path before any work is done for it; `folder` says that one is written.

    Raises:
        InputError: the folder around it is missing or read-only, `path` is no ordinary file, or it
            is one of `inputs`.
    """
    try:
        if folder and path.is_dir():
            # Any name that is free: only the folder around it matters.
            path = path.resolve().with_name(PARTIAL)
        _check_output(path, inputs)
    except (OSError, RuntimeError) as error:  # too long a name, a loop of links
        raise _unwritable(path, error) from error


def _check_output(path: Path, inputs: tuple[Path | None, ...]) -> None:
    folder = path.parent
    if not folder.is_dir():
        raise InputError(
            f"cannot write {path}: the folder {folder} does not exist; create it first"
        )
    with suppress(FileNotFoundError):
        path.stat()  # says what the questions below keep to themselves, such as a loop of links
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder; name a file")
    if path.exists() and not path.is_file():
        raise InputError(
            f"cannot write {path}: it is a device or a pipe, and would be replaced by a file; "
            "name a file"
        )
    try:  # root may do everything, and some folders take no file from anybody: only trying tells
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(
            f"cannot write {path}: no file can be made in the folder {folder} "
            f"({error.strerror}); choose another folder"
        ) from error
    for source in inputs:
        if source is not None and _are_same(source, path):
            raise InputError(
                f"{path} is the input itself and would be overwritten; "
                "name another file for what is written"
            )


def _are_same(source: Path, output: Path) -> bool:
    """Whether both name one file; what cannot be read is told where it is read."""
    try:
        return source.samefile(output)
    except (OSError, RuntimeError):
        return False


def check_folder(path: Path, what: str) -> None:
    """Refuse a folder before any work is done for the files that are to be put into it.

    Args:
        path: the folder; where it is missing, it can be made.
        what: it is for, for messages: `the bundles`.

    Raises:
        InputError: it is a file, or no file can be made in it, or it cannot be made.
    """
    if is_folder(path):
        check_output(path / PARTIAL)  # any name that is free
        return
    check_output(path)
    if path.exists():
        raise InputError(f"{path} is a file, expected a folder for {what}; name another")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; put it in place when the block ends well.

    Otherwise it is removed. The file is flushed to disk before it takes the name, so a crash or a
    full disk leaves the old file. Where `path` is a symbolic link, the file that it points to is
    replaced, and the link stays.

    Raises:
        InputError: the file cannot be written; the message carries the system's reason.
    """
    check_output(path)
    try:
        path = path.resolve()
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        partial, lock = _begin(path, _new_file)
    except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
        raise _unwritable(path, error) from error
    try:
        yield partial
        _sync(partial)
        partial.chmod(mode)
        partial.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        partial.unlink(missing_ok=True)
        _unlock(lock)


@contextmanager
def replacing_folder(path: Path, is_ours: Callable[[Path], bool]) -> Iterator[Path]:
    """The same for a folder: yield a new one beside `path`, put in place when the block ends well.

    A folder that is there is replaced if it is empty, or if `is_ours` says that it holds an earlier
    result and nothing else. A reader finds the old one, none for a moment, or the new one, never a
    mixture.

    Raises:
        InputError: the folder cannot be written, or what it holds would be lost.
    """
    check_output(path, folder=True)
    path = path.resolve()
    if path.is_dir() and any(path.iterdir()) and not is_ours(path):
        names = sorted(child.name for child in path.iterdir())
        raise InputError(
            f"{path} holds other files ({', '.join(names[:3])}), which would be lost; "
            "name another with -o"
        )
    try:
        work, lock = _begin(path, _new_folder)
    except OSError as error:
        raise _unwritable(path, error) from error
    new = work / "new"
    old = work / "old"
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
        raise _unwritable(path, error) from error
    finally:
        if old.exists() and not path.exists():  # stopped between the two
            old.rename(path)
        shutil.rmtree(work, ignore_errors=True)
        _unlock(lock)


def _begin(path: Path, new: Callable[[Path], Path]) -> tuple[Path, int | None]:
    """A new `.NAME.*.partial` beside `path`, locked while we write it, and the lock.

    What processes that were killed left there is removed first.
    """
    _remove_abandoned(path)
    while True:
        partial = new(path)
        try:
            lock = _lock(partial)
        except (BlockingIOError, FileNotFoundError):  # another writer takes it for abandoned
            continue
        if partial.exists():
            return partial, lock
        _unlock(lock)


def _prefix(path: Path) -> str:
    """How the names of a file's partial ones begin.

    Those of a partial one, as an export writes to, begin as its own does: whoever removes what was
    left of the file finds both.
    """
    return f"{path.name}." if path.name.endswith(PARTIAL) else f".{path.name}."


def _new_file(path: Path) -> Path:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path), suffix=PARTIAL)
    os.close(handle)
    return Path(name)


def _new_folder(path: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=path.parent, prefix=_prefix(path), suffix=PARTIAL))


def _lock(path: Path) -> int | None:
    """Lock a file or a folder until `_unlock`, or until this process ends, be it killed.

    None where there are no such locks: on Windows, and on some network drives.

    Raises:
        BlockingIOError: another process holds the lock.
    """
    if sys.platform == "win32":
        return None
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:
        os.close(handle)
        return None
    return handle


def _unlock(lock: int | None) -> None:
    if lock is not None:
        os.close(lock)


def _remove_abandoned(path: Path) -> None:
    """Remove every `.NAME.*.partial` beside `path` that no process writes any more.

    What cannot be removed stays: it is no reason not to write.
    """
    for left in path.parent.glob(f"{_literal(_prefix(path))}*{PARTIAL}"):
        try:
            lock = _lock(left) if not left.is_symlink() else None
            if lock is None:
                continue
            if left.is_dir():
                _remove_abandoned_folder(left, path)
            else:
                left.unlink()
            _unlock(lock)
        except OSError:
            continue


def _remove_abandoned_folder(left: Path, path: Path) -> None:
    """Stopped between its two renames, it holds the only copy of the old result: put that back."""
    old = left / "old"
    if old.exists() and not path.exists():
        old.rename(path)
    shutil.rmtree(left)


def _literal(name: str) -> str:
    """A name as a pattern of `glob` that matches it alone."""
    return "".join(f"[{letter}]" if letter in "[?*" else letter for letter in name)


def is_folder(path: Path) -> bool:
    """Whether a path names a folder; a name that no system takes names none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def is_file(path: Path) -> bool:
    """Whether a path names a file; a name that no system takes names none."""
    try:
        return path.is_file()
    except OSError:
        return False


def read_bytes(path: Path, what: str, most: int = MAX_BYTES) -> bytes:
    """The contents of a file; `what` it should be is the next step in the message: `a bundle`.

    Raises:
        InputError: it cannot be read, or has more than `most` bytes; devices without an end do.
    """
    try:
        # A size is asked for first, but not believed: a device has none, and a file can grow.
        if path.stat().st_size > most:
            raise _too_large(path, what, most)
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise unreadable(path, error, what) from error
    if len(data) > most:
        raise _too_large(path, what, most)
    return data


def sha256_of(path: Path, what: str) -> str:
    """The digest of a file of any size, read in parts; `what` it should be as for `read_bytes`.

    Raises:
        InputError: it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while part := file.read(_PART_BYTES):
                digest.update(part)
    except OSError as error:
        raise unreadable(path, error, what) from error
    return digest.hexdigest()


def _too_large(path: Path, what: str, most: int) -> InputError:
    return InputError(f"{path} has more than {most:,} bytes, the most that is allowed; name {what}")


def unreadable(path: Path, error: OSError, what: str) -> InputError:
    """The error for a file that the system does not let us read."""
    return InputError(f"cannot read {path}: {error.strerror or error}; name {what}")


def _unwritable(path: Path, error: OSError | RuntimeError) -> InputError:
    reason = error.strerror if isinstance(error, OSError) else None
    named = _becomes(path)
    return InputError(f"cannot write {named}: {reason or error}; mend that or name another file")


def _becomes(path: Path) -> Path:
    """What a partial file or folder takes the name of, or one in it; other paths as they are."""
    for place in (path, *path.parents):
        name = place.name
        if name.startswith(".") and name.endswith(PARTIAL):
            while name.endswith(PARTIAL):
                name = name.removesuffix(PARTIAL).rpartition(".")[0]
            name = name.removeprefix(".")
            return place.with_name(name) if name else place.parent
    return path


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path` whole or not at all."""
    with replacing(path) as partial:
        partial.write_bytes(data)


def source_date() -> int | None:
    """Seconds since 1970 from SOURCE_DATE_EPOCH, as reproducible builds set it; None without it.

    Raises:
        InputError: it is no such number.
    """
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    try:
        seconds = int(text)
        time.gmtime(seconds)
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(
            f"SOURCE_DATE_EPOCH is {text!r}, expected whole seconds since 1970"
        ) from error
    return seconds


def _sync(path: Path) -> None:
    """Flush a file or a folder entry to the disk; Windows cannot open folders, nor needs it."""
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
