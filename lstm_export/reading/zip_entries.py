"""The zip archives that torch writes, read strictly: every entry plain, whole, and nowhere twice.

zipfile would build an object for each of the millions of entries that a directory can claim, and believes the later of
two equal names. Layout: PKWARE's APPNOTE.TXT, sections 4.3.7 to 4.3.16.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from ..errors import CheckpointError, quoted
from ..model import Array

MOST_ENTRIES = 20_000
LARGEST_DIRECTORY = 4 * 2**20  # bytes

# Signatures first. END: disks, entries, size and offset of the directory, comment. ENTRY: versions, flags, method,
# time, crc, sizes, lengths of name, extra and comment, disk, attributes, offset. LOCAL: the same, before the data.
_END = struct.Struct("<4s4H2IH")
_LOCATOR = struct.Struct("<4sIQI")
_END64 = struct.Struct("<4sQ2H2I4Q")
_ENTRY = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")
_FULL = 0xFFFFFFFF  # stands for a number that is kept in the zip64 field

DAMAGED = "the file is cut short or damaged ({}); copy or save it again"


@dataclass(frozen=True)
class Entry:
    """One file of the archive: where its local header is, and how many bytes it has."""

    name: str
    offset: int
    size: int
    crc: int
    is_stored: bool


class Archive:
    """The entries of an open zip file, by name.

    Raises:
        CheckpointError: the archive is cut, damaged, encrypted, or holds entries that overlap or share a name.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        count, size, self._directory = _end(file)
        if count > MOST_ENTRIES or size > LARGEST_DIRECTORY:
            raise CheckpointError(
                f"the file is a zip archive of {count:,} entries; a checkpoint has at most {MOST_ENTRIES:,}"
            )
        file.seek(self._directory)
        self.entries = _entries(file.read(size), count)
        self._check_overlaps()

    def _check_overlaps(self) -> None:
        ends = 0
        for entry in sorted(self.entries.values(), key=lambda entry: entry.offset):
            if entry.offset < ends:
                raise CheckpointError("two entries of the file share their bytes, which torch.save never writes")
            ends = entry.offset + _LOCAL.size + len(entry.name) + entry.size
        if ends > self._directory:
            raise CheckpointError(DAMAGED.format("an entry reaches beyond its end"))

    def read(self, name: str, most: int | None = None) -> Array:
        """The bytes of one entry as uint8, having checked its checksum.

        Args:
            name: the entry.
            most: refuse more bytes than this.
        """
        entry = self.entries[name]
        if not entry.is_stored:
            raise CheckpointError("the file is a compressed zip archive; torch.save never compresses weights")
        if most is not None and entry.size > most:
            raise CheckpointError(f"{quoted(name)} has {entry.size:,} bytes, expected at most {most:,}; it was altered")
        self._file.seek(entry.offset)
        header = self._file.read(_LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
            raise CheckpointError(DAMAGED.format(f"{quoted(name)} is not where the directory says"))
        *_, name_size, extra_size = _LOCAL.unpack(header)
        if self._file.read(name_size) != name.encode():
            raise CheckpointError(DAMAGED.format(f"{quoted(name)} is not where the directory says"))
        self._file.seek(extra_size, 1)
        data = np.empty(entry.size, np.uint8)
        if self._file.readinto(data.data) != entry.size:  # type: ignore[attr-defined]
            raise CheckpointError(DAMAGED.format(f"{quoted(name)} ends too soon"))
        if zlib.crc32(data.data) != entry.crc:
            raise CheckpointError(
                f"the file is damaged: the checksum of {quoted(name)} does not fit; copy or save it again"
            )
        return data


def _end(file: BinaryIO) -> tuple[int, int, int]:
    """Number of entries, size and offset of the directory, from the record that ends the archive."""
    length = file.seek(0, 2)
    start = max(0, length - _END.size - 0xFFFF)
    file.seek(start)
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise CheckpointError(DAMAGED.format("its directory is missing"))
    *_, count, size, offset, comment = _END.unpack_from(tail, at)
    if at + _END.size + comment != len(tail):
        raise CheckpointError(DAMAGED.format("bytes follow its end"))
    if at >= _LOCATOR.size and tail[at - _LOCATOR.size :].startswith(b"PK\x06\x07"):
        count, size, offset = _end64(file, _LOCATOR.unpack_from(tail, at - _LOCATOR.size)[2])
    if offset + size > length:
        raise CheckpointError(DAMAGED.format("its directory lies beyond its end"))
    return count, size, offset


def _end64(file: BinaryIO, offset: int) -> tuple[int, int, int]:
    file.seek(min(offset, file.seek(0, 2)))
    record = file.read(_END64.size)
    if len(record) < _END64.size or not record.startswith(b"PK\x06\x06"):
        raise CheckpointError(DAMAGED.format("its zip64 record is missing"))
    *_, count, size, directory = _END64.unpack(record)
    return count, size, directory


def _entries(directory: bytes, count: int) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    at = 0
    for _ in range(count):
        if len(directory) - at < _ENTRY.size or directory[at : at + 4] != b"PK\x01\x02":
            raise CheckpointError(DAMAGED.format("its directory is incomplete"))
        fields = _ENTRY.unpack_from(directory, at)
        flags, method, crc, packed, size = fields[3], fields[4], *fields[7:10]
        name_size, extra_size, comment_size = fields[10:13]
        at += _ENTRY.size
        name = directory[at : at + name_size].decode("utf-8", "backslashreplace")
        extra = directory[at + name_size : at + name_size + extra_size]
        at += name_size + extra_size + comment_size
        size, packed, offset = _wide(extra, size, packed, fields[16])
        if flags & 0x2041:  # bits 0, 6 and 13
            raise CheckpointError("the file is an encrypted zip archive; decrypt it first")
        if name in entries:
            raise CheckpointError(
                f"the file holds two entries named {quoted(name)}, which torch.save never writes; it was altered"
            )
        if method == 0 and packed != size:
            raise CheckpointError(DAMAGED.format(f"{quoted(name)} has two sizes"))
        entries[name] = Entry(name, offset, packed, crc, method == 0)
    if at != len(directory):
        raise CheckpointError(DAMAGED.format("its directory is not as long as it says"))
    return entries


def _wide(extra: bytes, *numbers: int) -> list[int]:
    """The numbers, those that do not fit 32 bits taken from the zip64 field, in which they stand in this order."""
    at, wide = 0, b""
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            wide = extra[at + 4 : at + 4 + size]
        at += 4 + size
    found = []
    for number in numbers:
        if number == _FULL:
            if len(wide) < 8:
                raise CheckpointError(DAMAGED.format("a size is missing"))
            number, wide = int.from_bytes(wide[:8], "little"), wide[8:]  # noqa: PLW2901
        found.append(number)
    return found
