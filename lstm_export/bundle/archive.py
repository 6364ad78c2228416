"""A zip that is the same bytes every time, and a reader that refuses every other zip.

Nothing is ever extracted to disk: entries are read by name into memory, after all names and sizes
were checked. What was read is packed again, and has to give the very bytes that came: nothing can
hide in a header that nobody reads, or between two entries.
"""

from __future__ import annotations

import io
import stat
import struct
import time
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from ..errors import BundleError
from ..files import source_date

MAX_ENTRIES = 64
MAX_BYTES = 256 * 2**20

# The end record, appnote.txt 4.3.16 (pkware.com): signature, four counts of disks and entries, size
# and offset of the directory, length of the comment.
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_ENTRY_SIGNATURE = b"PK\x03\x04"
_ZIP64_LOCATOR_SIGNATURE = b"PK\x06\x07"
_ZIP64_LOCATOR_BYTES = 20
_MAX_DIRECTORY_ENTRY_BYTES = 1024  # 46 fixed, the rest is the name
_MAX_NAME = _MAX_DIRECTORY_ENTRY_BYTES // 2
_ENCRYPTED = 0x2041  # flag bits 0, 6 and 13: encrypted, strongly, with a masked directory
_MODE = stat.S_IFREG | 0o644
_UNIX = 3

# What zipfile raises over damaged bytes: bad magic, bad offsets, bad names, unknown versions.
_DAMAGE = (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError, struct.error)

Date: TypeAlias = "tuple[int, int, int, int, int, int]"  # year to second
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
    return _zipped({name: files[name] for name in names}, _date())


def _zipped(files: Mapping[str, bytes], date: Date) -> bytes:
    """The zip of `files` in their order, each with the same date."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, date)
            info.create_system = _UNIX  # whatever system this runs on
            info.external_attr = _MODE << 16
            archive.writestr(info, content)
    return buffer.getvalue()


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
    count = _check_end(data, max_entries)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) != count:  # a comment can swallow the entries that follow it
                raise BundleError(
                    f"the archive is damaged: {len(entries)} of its {count} entries can be found"
                )
            _check_entries(entries, max_entries, fold_case)
            # read() checks the CRC.
            files = {entry.orig_filename: archive.read(entry) for entry in entries}
    except _DAMAGE as error:
        raise BundleError(f"the archive is damaged: {error}; copy or download it again") from error
    _check_every_byte(data, files, entries)
    return files


def _check_entries(entries: Sequence[zipfile.ZipInfo], max_entries: int, fold_case: bool) -> None:
    # `filename` is what zipfile made of the name, cut at a NUL for example.
    _check_names([entry.orig_filename for entry in entries], max_entries, fold_case)
    for entry in entries:
        _check_entry(entry)
    _check_total(sum(entry.file_size for entry in entries))


def _check_every_byte(
    data: bytes, files: Mapping[str, bytes], entries: Sequence[zipfile.ZipInfo]
) -> None:
    """The archive must be what `pack` makes of its files, in their order, at their date."""
    date = entries[0].date_time if entries else EARLIEST
    try:
        expected = _zipped(files, date)
    except _DAMAGE as error:  # a month 0, for example
        raise BundleError(f"the archive is damaged: {error}; copy it again") from error
    if data != expected:
        raise BundleError(
            "the archive holds bytes that this tool does not write; "
            "copy it again, or package the model again"
        )


def _check_end(data: bytes, max_entries: int) -> int:
    """Judge the directory's size before zipfile makes an object of each entry; their number."""
    if not data.startswith((_ENTRY_SIGNATURE, _END_SIGNATURE)):
        raise BundleError(
            "this is no zip archive; expected a file written by `lstm-export package`"
        )
    end = len(data) - _END.size
    if end < 0 or data[end : end + 4] != _END_SIGNATURE:
        raise BundleError(
            "the archive is cut short, or something was added after its end; copy it again"
        )
    _, _, _, _, count, size, offset, _ = _END.unpack(data[end:])
    locator = max(end - _ZIP64_LOCATOR_BYTES, 0)
    if data[locator : locator + 4] == _ZIP64_LOCATOR_SIGNATURE:
        raise BundleError("the archive is in zip64 form, which no bundle needs")
    if count > max_entries or size > max_entries * _MAX_DIRECTORY_ENTRY_BYTES:
        raise BundleError(
            f"the archive holds {count} entries in {size} bytes, at most {max_entries} are allowed"
        )
    if offset + size != end:
        raise BundleError(
            "the archive is damaged: its directory is not where its end record says; copy it again"
        )
    return int(count)


def _check_total(size_bytes: int) -> None:
    if size_bytes > MAX_BYTES:
        raise BundleError(f"the archive holds {size_bytes} bytes, at most {MAX_BYTES} are allowed")


def _check_names(names: Sequence[str], max_entries: int, fold_case: bool) -> None:
    """Names must be safe on every file system, even though nothing here writes them to one."""
    if len(names) > max_entries:
        raise BundleError(
            f"the archive holds {len(names)} entries, at most {max_entries} are allowed"
        )
    for name in names:
        reason = _name_fault(name)
        if reason:
            raise BundleError(
                f"the archive holds an entry named {name[:_MAX_NAME]!a}, which is refused: {reason}"
            )
    counts = Counter(name.lower() if fold_case else name for name in names)
    for name, count in counts.items():
        if count > 1:
            but = " but for case" if fold_case else ""
            raise BundleError(f"the archive holds {count} entries named {name!a}{but}")


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
    return next((reason for reason, found in faults.items() if found), "")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if stat.S_ISLNK(kind):
        raise BundleError(f"{name} is a symlink, refused")
    if kind not in (0, stat.S_IFREG):
        raise BundleError(f"{name} is a special file, refused")
    if entry.flag_bits & _ENCRYPTED:
        raise BundleError(f"{name} is encrypted, which no bundle is")
    if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
        raise BundleError(
            f"{name} is compressed, bundles are stored plain; package the model again"
        )


def _date() -> Date:
    """The date of every entry: SOURCE_DATE_EPOCH where it is set."""
    seconds = source_date()
    if seconds is None:
        return EARLIEST
    return min(max(time.gmtime(seconds)[:6], EARLIEST), LATEST)
