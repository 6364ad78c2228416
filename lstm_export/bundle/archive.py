"""A zip that is the same bytes every time, and a reader that refuses every other zip.

Nothing is ever extracted to disk: entries are read by name into memory, after all names and sizes
were checked. What was read is packed again, and has to give the very bytes that came: nothing can
hide in a header that nobody reads, or between two entries.
"""

from __future__ import annotations

import stat
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from ..errors import BundleError
from ..files import source_date
from .stored_zip import (
    END,
    END_SIGNATURE,
    LOCAL_SIGNATURE,
    STORED,
    Date,
    Entry,
    Moment,
    entries_in,
    zipped,
)

MAX_ENTRIES = 64
MAX_BYTES = 256 * 2**20

_ZIP64_LOCATOR_SIGNATURE = b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES = 20
_MAX_DIRECTORY_ENTRY_BYTES = 1024  # 46 fixed, the rest is the name
_MAX_NAME = _MAX_DIRECTORY_ENTRY_BYTES // 2
AGAIN = "copy it again, or make it again"
_ENCRYPTED = 0x2041  # flag bits 0, 6 and 13: encrypted, strongly, with a masked directory
EARLIEST: Date = (1980, 1, 1, 0, 0, 0)
LATEST: Date = (2107, 12, 31, 23, 59, 58)


def pack(
    files: Mapping[str, bytes],
    *,
    first: str = "",
    max_entries: int = MAX_ENTRIES,
    fold_case: bool = True,
) -> bytes:
    """Zip `files`, names to contents, sorted but for the `first`; equal files give equal bytes.

    Raises:
        BundleError: `unpack` would refuse the result.
    """
    _check_names(list(files), max_entries, fold_case)
    _check_total(sum(len(content) for content in files.values()))
    names = sorted(files, key=lambda name: (name != first, name))
    in_order = {name: files[name] for name in names}
    return zipped(in_order, Moment.of(_date()))


def unpack(
    data: bytes, *, max_entries: int = MAX_ENTRIES, fold_case: bool = True
) -> dict[str, bytes]:
    """The inverse of `pack`: every entry's name and contents.

    Args:
        data: the archive.
        max_entries: more are refused.
        fold_case: whether names that differ in case alone are one name, as on Windows and macOS.

    Raises:
        BundleError: the archive is damaged, too large, holds a name or a kind of entry that is not
            safe, or a byte that `pack` would not have written.
    """
    _check_total(len(data))
    entries = _entries(data, max_entries)
    _check_names([entry.name for entry in entries], max_entries, fold_case)
    for entry in entries:
        _check_entry(entry)
    _check_total(sum(entry.size for entry in entries))
    try:
        files = {entry.name: entry.contents(data) for entry in entries}
    except ValueError as error:
        raise _damaged(error) from error
    _check_every_byte(data, files, entries)
    return files


def _entries(data: bytes, max_entries: int) -> list[Entry]:
    """The entries in the directory, which must be as many as the end record says."""
    directory, count = _directory_of(data, max_entries)
    try:
        entries = list(entries_in(directory))
    except ValueError as error:
        raise _damaged(error) from error
    if len(entries) != count:  # a comment can swallow the entries that follow it
        raise BundleError(
            f"the archive is damaged: {len(entries)} of its {count} entries can be found; {AGAIN}"
        )
    return entries


def _damaged(error: Exception) -> BundleError:
    return BundleError(f"the archive is damaged: {error}; copy or download it again")


def _check_every_byte(data: bytes, files: Mapping[str, bytes], entries: Sequence[Entry]) -> None:
    """The archive must be what `pack` makes of its files, in their order, at their date."""
    moment = entries[0].moment if entries else Moment.of(EARLIEST)
    if data != zipped(files, moment):
        raise BundleError(f"the archive holds bytes that this tool does not write; {AGAIN}")


def _directory_of(data: bytes, max_entries: int) -> tuple[bytes, int]:
    """The directory, its size judged before an object of each entry is made; their number."""
    if not data.startswith((LOCAL_SIGNATURE, END_SIGNATURE)):
        raise BundleError(
            "this is no zip archive; expected a file written by `lstm-export package`"
        )
    end = len(data) - END.size
    if end < 0 or data[end : end + 4] != END_SIGNATURE:
        raise BundleError(
            "the archive is cut short, or something was added after its end; copy it again"
        )
    _, _, _, _, count, size, offset, _ = END.unpack(data[end:])
    locator = max(end - _ZIP64_LOCATOR_BYTES, 0)
    if data[locator : locator + 4] == _ZIP64_LOCATOR_SIGNATURE:
        raise BundleError(f"the archive is in zip64 form, which no bundle needs; {AGAIN}")
    if count > max_entries or size > max_entries * _MAX_DIRECTORY_ENTRY_BYTES:
        raise BundleError(
            f"the archive holds {count} entries in {size} bytes, at most {max_entries} are "
            f"allowed; {AGAIN}"
        )
    if offset + size != end:
        raise BundleError(
            "the archive is damaged: its directory is not where its end record says; copy it again"
        )
    return data[offset:end], int(count)


def _check_total(size_bytes: int) -> None:
    if size_bytes > MAX_BYTES:
        raise BundleError(
            f"the archive holds {size_bytes} bytes, at most {MAX_BYTES} are allowed; "
            "package fewer targets, or a smaller model"
        )


def _check_names(names: Sequence[str], max_entries: int, fold_case: bool) -> None:
    """Names must be safe on every file system, even though nothing here writes them to one."""
    if len(names) > max_entries:
        raise BundleError(
            f"the archive holds {len(names)} entries, at most {max_entries} are allowed; {AGAIN}"
        )
    for name in names:
        reason = _name_fault(name)
        if reason:
            raise BundleError(
                f"the archive holds an entry named {name[:_MAX_NAME]!a}, which is refused: "
                f"{reason}; {AGAIN}"
            )
    counts = Counter(name.lower() if fold_case else name for name in names)
    for name, count in counts.items():
        if count > 1:
            but = " but for case" if fold_case else ""
            raise BundleError(f"the archive holds {count} entries named {name!a}{but}; {AGAIN}")


def _name_fault(name: str) -> str:
    """Why an entry's name is refused; empty for a good one."""
    parts = name.split("/")
    faults = {
        "it holds a NUL": "\0" in name,
        "it holds a backslash": "\\" in name,
        "it is an absolute path": name.startswith("/"),
        "it names a drive": ":" in name,
        "it climbs out with '..'": ".." in parts,
        "it is a folder": name.endswith("/"),
        "it has an empty or '.' part": "" in parts or "." in parts,
        "only printable ASCII is allowed": not (name.isascii() and name.isprintable()),
        "it is too long": len(name) > _MAX_NAME,
    }
    return next((fault for fault, is_so in faults.items() if is_so), "")


def _check_entry(entry: Entry) -> None:
    name = entry.name
    kind = stat.S_IFMT(entry.mode)
    if stat.S_ISLNK(kind):
        raise BundleError(f"{name} is a symlink, which no bundle holds; {AGAIN}")
    if kind not in (0, stat.S_IFREG):
        raise BundleError(f"{name} is a special file, which no bundle holds; {AGAIN}")
    if entry.flags & _ENCRYPTED:
        raise BundleError(f"{name} is encrypted, which no bundle is; {AGAIN}")
    if entry.method != STORED or entry.packed_size != entry.size:
        raise BundleError(
            f"{name} is compressed, bundles are stored plain; package the model again"
        )


def _date() -> Date:
    """The date of every entry: SOURCE_DATE_EPOCH where it is set."""
    seconds = source_date()
    if seconds is None:
        return EARLIEST
    return min(max(time.gmtime(seconds)[:6], EARLIEST), LATEST)
