"""A zip that is the same bytes every time, and a reader that refuses what it would not have written.

Nothing is ever extracted to disk: entries are read by name into memory, after all names and sizes were checked.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import time
import zipfile
from collections import Counter
from collections.abc import Mapping

from ..errors import BundleError, InputError

MAX_ENTRIES = 64
MAX_BYTES = 256 * 2**20

# The end record as zip ends: signature, four counts of disks and entries, size and offset of the directory, comment.
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE, _ZIP64_LOCATOR = b"PK\x05\x06", b"PK\x06\x07"
_MAX_DIRECTORY_ENTRY = 1024  # bytes: 46 fixed, the rest is the name
_MODE = stat.S_IFREG | 0o644

# What zipfile raises over damaged bytes, by experience: bad magic, bad offsets, bad names, unknown versions.
_DAMAGE = (zipfile.BadZipFile, EOFError, OSError, RuntimeError, ValueError, struct.error)


def pack(
    files: Mapping[str, bytes], *, first: str = "", max_entries: int = MAX_ENTRIES, fold_case: bool = True
) -> bytes:
    """Zip `files`, names to contents, sorted but for the `first`; equal files give equal bytes.

    Raises:
        BundleError: `unpack` would refuse the result.
    """
    _check_names(list(files), max_entries, fold_case)
    _check_total(sum(map(len, files.values())))
    buffer, date = io.BytesIO(), _date()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(files.items(), key=lambda item: (item[0] != first, item[0])):
            info = zipfile.ZipInfo(name, date)
            info.create_system = 3  # Unix, whatever system this runs on
            info.external_attr = _MODE << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def unpack(data: bytes, *, max_entries: int = MAX_ENTRIES, fold_case: bool = True) -> dict[str, bytes]:
    """The inverse of `pack`: every entry's name and contents.

    Args:
        data: the archive.
        max_entries: more are refused.
        fold_case: whether names that differ in case alone are one name, as on Windows and macOS.

    Raises:
        BundleError: the archive is damaged, too large, or holds a name or a kind of entry that is not safe.
    """
    _check_total(len(data))
    count = _check_end(data, max_entries)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) != count:  # a comment can swallow the entries behind it
                raise BundleError(f"the archive is damaged: {len(entries)} of its {count} entries can be found")
            # `filename` is what zipfile made of the name, cut at a NUL for one; `orig_filename` is what stands there.
            _check_names([entry.orig_filename for entry in entries], max_entries, fold_case)
            for entry in entries:
                _check_entry(entry)
            _check_total(sum(entry.file_size for entry in entries))
            return {entry.orig_filename: archive.read(entry) for entry in entries}  # read() checks the CRC
    except _DAMAGE as error:
        raise BundleError(f"the archive is damaged: {error}; copy or download it again") from error


def _check_end(data: bytes, max_entries: int) -> int:
    """Judge the directory's size before zipfile builds an object for each of its entries; their number."""
    if not data.startswith((b"PK\x03\x04", _END_SIGNATURE)):
        raise BundleError("this is no zip archive; expected a file written by `lstm-export package`")
    if len(data) < _END.size or data[-_END.size :][:4] != _END_SIGNATURE:
        raise BundleError("the archive is cut short, or something was added after its end; copy it again")
    _, _, _, _, count, size, offset, _ = _END.unpack(data[-_END.size :])
    if data[-_END.size - 20 :][:4] == _ZIP64_LOCATOR:
        raise BundleError("the archive is in zip64 form, which no bundle needs")
    if count > max_entries or size > max_entries * _MAX_DIRECTORY_ENTRY:
        raise BundleError(f"the archive holds {count} entries in {size} bytes, at most {max_entries} are allowed")
    if offset + size + _END.size != len(data):
        raise BundleError("the archive is damaged: its directory is not where its end record says; copy it again")
    return int(count)


def _check_total(size_bytes: int) -> None:
    if size_bytes > MAX_BYTES:
        raise BundleError(f"the archive holds {size_bytes} bytes, at most {MAX_BYTES} are allowed")


def _check_names(names: list[str], max_entries: int, fold_case: bool) -> None:
    """Names must be safe on every file system, even though nothing here writes them to one."""
    if len(names) > max_entries:
        raise BundleError(f"the archive holds {len(names)} entries, at most {max_entries} are allowed")
    for name in names:
        reason = _name_fault(name)
        if reason:
            raise BundleError(f"the archive holds an entry named {name!a}, which is refused: {reason}")
    counts = Counter(name.lower() if fold_case else name for name in names)
    name, count = (counts.most_common(1) or [("", 0)])[0]
    if count > 1:
        raise BundleError(f"the archive holds {count} entries named {name!a}{' but for case' * fold_case}")


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
        "it is too long": len(name) > _MAX_DIRECTORY_ENTRY // 2,
    }
    return next((reason for reason, found in faults.items() if found), "")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise BundleError(f"{entry.orig_filename} is a {'symlink' if stat.S_ISLNK(kind) else 'special file'}, refused")
    if entry.flag_bits & 0x2041:  # bits 0, 6 and 13: encrypted, strongly, with a masked directory
        raise BundleError(f"{entry.orig_filename} is encrypted, which no bundle is")
    if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
        raise BundleError(f"{entry.orig_filename} is compressed, bundles are stored plain; package the model again")


def _date() -> tuple[int, int, int, int, int, int]:
    """The date of every entry: SOURCE_DATE_EPOCH where it is set, as reproducible builds do, else 1980-01-01."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return (1980, 1, 1, 0, 0, 0)
    try:
        date = time.gmtime(int(text))[:6]
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(f"SOURCE_DATE_EPOCH is {text!r}, expected whole seconds since 1970") from error
    return min(max(date, (1980, 1, 1, 0, 0, 0)), (2107, 12, 31, 23, 59, 58))  # all that zip can express
