"""The zip archives that torch writes, read strictly: every entry plain, whole, and nowhere twice.

zipfile would build an object for each of the millions of entries that a directory can claim, and
believes the later of two equal names. Layout: PKWARE's APPNOTE.TXT, sections 4.3.7 to 4.3.16.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

import numpy as np

from ..errors import CheckpointError, quoted
from ..model import Array

MOST_ENTRIES = 20_000
LARGEST_DIRECTORY = 4 * 2**20  # bytes
LONGEST_COMMENT = 0xFFFF  # bytes at the end of the archive

# Each begins with its signature.
# Disks (2), entries (2), size and offset of the directory, length of the comment.
_END = struct.Struct("<4s4H2IH")
# Disk, offset of the zip64 record, number of disks.
_LOCATOR = struct.Struct("<4sIQI")
# Size of the record, versions (2), disks (2), entries (2), size and offset of the directory.
_END64 = struct.Struct("<4sQ2H2I4Q")
# Versions (2), flags, method, time (2), crc, sizes (2), lengths of name, extra and comment, disk,
# attributes (2), offset.
_ENTRY = struct.Struct("<4s6H3I5H2I")
# Version, flags, method, time (2), crc, sizes (2), lengths of name and extra.
_LOCAL = struct.Struct("<4s5H3I2H")
_END_SIGNATURE = b"PK\x05\x06"
_LOCATOR_SIGNATURE = b"PK\x06\x07"
_END64_SIGNATURE = b"PK\x06\x06"
_ENTRY_SIGNATURE = b"PK\x01\x02"
_LOCAL_SIGNATURE = b"PK\x03\x04"
_FULL = 0xFFFFFFFF  # stands for a number that is kept in the zip64 field
_ZIP64 = 1  # the kind of that field
_ENCRYPTED = 0x2041  # flag bits 0, 6 and 13
_STORED = 0  # the method without compression

DAMAGED = "the file is cut short or damaged ({}); copy or save it again"


@dataclass(frozen=True)
class Entry:
    """One file of the archive: where its local header is, and how many bytes it has."""

    name: str
    offset: int
    size: int
    crc: int
    is_stored: bool


class _Directory(NamedTuple):
    """Where the list of entries is: how many, bytes, place."""

    entries: int
    size: int
    offset: int


class Archive:
    """The entries of an open zip file, by name.

    Raises:
        CheckpointError: the archive is cut, damaged, encrypted, or holds entries that overlap or
            share a name.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        directory = _directory(file)
        if directory.entries > MOST_ENTRIES or directory.size > LARGEST_DIRECTORY:
            raise CheckpointError(
                f"the file is a zip archive of {directory.entries:,} entries; a checkpoint has at "
                f"most {MOST_ENTRIES:,}"
            )
        file.seek(directory.offset)
        self.entries = _entries(file.read(directory.size), directory.entries)
        self._check_overlaps(directory.offset)

    def _check_overlaps(self, directory: int) -> None:
        """Every entry starts after the end of the one before, and all before the directory."""
        end = 0
        for entry in sorted(self.entries.values(), key=lambda entry: entry.offset):
            if entry.offset < end:
                raise CheckpointError(
                    "two entries of the file share their bytes, which torch.save never writes; "
                    "save it again"
                )
            end = entry.offset + _LOCAL.size + len(entry.name) + entry.size
        if end > directory:
            raise CheckpointError(DAMAGED.format("an entry reaches beyond its end"))

    def read(self, name: str, most: int | None = None) -> Array:
        """The bytes of one entry as uint8, having checked its checksum.

        Args:
            name: the entry.
            most: refuse more bytes than this.
        """
        entry = self.entries[name]
        if not entry.is_stored:
            raise CheckpointError(
                "the file is a compressed zip archive; torch.save never compresses weights"
            )
        if most is not None and entry.size > most:
            raise CheckpointError(
                f"{quoted(name)} has {entry.size:,} bytes, expected at most {most:,}; it was "
                "altered"
            )
        self._seek_values(entry)
        data = np.empty(entry.size, np.uint8)
        if self._file.readinto(data.data) != entry.size:  # type: ignore[attr-defined]
            raise CheckpointError(DAMAGED.format(f"{quoted(name)} ends too soon"))
        if zlib.crc32(data.data) != entry.crc:
            raise CheckpointError(
                f"the file is damaged: the checksum of {quoted(name)} does not fit; copy or save "
                "it again"
            )
        return data

    def _seek_values(self, entry: Entry) -> None:
        """Go past the entry's local header, which must name it."""
        misplaced = DAMAGED.format(f"{quoted(entry.name)} is not where the directory says")
        self._file.seek(entry.offset)
        header = self._file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(_LOCAL_SIGNATURE):
            raise CheckpointError(misplaced)
        *_, name_size, extra_size = _LOCAL.unpack(header)
        if self._file.read(name_size) != entry.name.encode():
            raise CheckpointError(misplaced)
        self._file.seek(extra_size, 1)


def _directory(file: BinaryIO) -> _Directory:
    """Where the directory is, from the record that ends the archive."""
    length = file.seek(0, 2)
    file.seek(max(0, length - _END.size - LONGEST_COMMENT))
    tail = file.read()
    at = tail.rfind(_END_SIGNATURE)
    if at < 0 or len(tail) - at < _END.size:
        raise CheckpointError(DAMAGED.format("its directory is missing"))
    *_, count, size, offset, comment = _END.unpack_from(tail, at)
    if at + _END.size + comment != len(tail):
        raise CheckpointError(DAMAGED.format("bytes follow its end"))
    directory = _Directory(count, size, offset)
    locator = tail[max(0, at - _LOCATOR.size) : at]
    if len(locator) == _LOCATOR.size and locator.startswith(_LOCATOR_SIGNATURE):
        _, _, record, _ = _LOCATOR.unpack(locator)
        directory = _zip64_directory(file, min(record, length))
    if directory.offset + directory.size > length:
        raise CheckpointError(DAMAGED.format("its directory lies beyond its end"))
    return directory


def _zip64_directory(file: BinaryIO, offset: int) -> _Directory:
    """The same from the record of large archives."""
    file.seek(offset)
    record = file.read(_END64.size)
    if len(record) < _END64.size or not record.startswith(_END64_SIGNATURE):
        raise CheckpointError(DAMAGED.format("its zip64 record is missing"))
    *_, count, size, directory = _END64.unpack(record)
    return _Directory(count, size, directory)


def _entries(directory: bytes, count: int) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    at = 0
    for _ in range(count):
        entry, at = _entry(directory, at)
        if entry.name in entries:
            raise CheckpointError(
                f"the file holds two entries named {quoted(entry.name)}, which torch.save never "
                "writes; it was altered"
            )
        entries[entry.name] = entry
    if at != len(directory):
        raise CheckpointError(DAMAGED.format("its directory is not as long as it says"))
    return entries


def _entry(directory: bytes, at: int) -> tuple[Entry, int]:
    """The entry that is listed at `at`, and where the next one is listed."""
    if len(directory) - at < _ENTRY.size or directory[at : at + 4] != _ENTRY_SIGNATURE:
        raise CheckpointError(DAMAGED.format("its directory is incomplete"))
    fields = _ENTRY.unpack_from(directory, at)
    flags, method = fields[3:5]
    crc, packed, size, name_size, extra_size, comment_size = fields[7:13]
    name_at = at + _ENTRY.size
    extra_at = name_at + name_size
    comment_at = extra_at + extra_size
    name = directory[name_at:extra_at].decode("utf-8", "backslashreplace")
    extra = directory[extra_at:comment_at]
    size, packed, offset = _wide(extra, size, packed, fields[16])
    if flags & _ENCRYPTED:
        raise CheckpointError("the file is an encrypted zip archive; decrypt it first")
    if method == _STORED and packed != size:
        raise CheckpointError(DAMAGED.format(f"{quoted(name)} has two sizes"))
    return Entry(name, offset, packed, crc, method == _STORED), comment_at + comment_size


def _wide(extra: bytes, *numbers: int) -> list[int]:
    """The numbers; those that do not fit 32 bits stand in the zip64 field, in this order."""
    wide = _zip64_field(extra)
    found: list[int] = []
    for number in numbers:
        if number != _FULL:
            found.append(number)
            continue
        if len(wide) < 8:
            raise CheckpointError(DAMAGED.format("a size is missing"))
        found.append(int.from_bytes(wide[:8], "little"))
        wide = wide[8:]
    return found


def _zip64_field(extra: bytes) -> bytes:
    """The field of wide numbers among an entry's extra fields: kind, size, content."""
    wide = b""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        if kind == _ZIP64:
            wide = extra[at + 4 : at + 4 + size]
        at += 4 + size
    return wide
