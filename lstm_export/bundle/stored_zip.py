"""Zip archives of plain entries, written to the byte and found again: what zipfile does, in less.

Layout: PKWARE's appnote.txt, sections 4.3.7, 4.3.12 and 4.3.16. A bundle holds three archives of
dozens of entries, and every one is packed again when it is opened: zipfile's objects took a tenth
of the time that opening takes.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

LOCAL_SIGNATURE = b"PK\x03\x04"
END_SIGNATURE = b"PK\x05\x06"
_DIRECTORY_SIGNATURE = b"PK\x01\x02"

# Each begins with its signature.
# Version, flags, method, time, date, crc, sizes packed and unpacked, lengths of name and extra.
_LOCAL = struct.Struct("<4s5H3I2H")
# Version and system that wrote it, version and system to read it, flags, method, time, date, crc,
# sizes packed and unpacked, lengths of name, extra and comment, disk, attributes inside and
# outside, offset of the local header.
_ENTRY = struct.Struct("<4s4B4H3I5H2I")
# Four counts of disks and entries, size and offset of the directory, length of the comment.
END = struct.Struct("<4s4H2IH")

_VERSION = 20  # 2.0, the first with folders
_UNIX = 3
_MODE = stat.S_IFREG | 0o644
STORED = 0  # the method without compression

Date: TypeAlias = "tuple[int, int, int, int, int, int]"  # year to second


class Moment(NamedTuple):
    """A time and a date as two words of 16 bits."""

    time: int
    date: int

    @classmethod
    def of(cls, date: Date) -> Moment:
        """Seconds are told by twos, years from 1980 on."""
        year, month, day, hour, minute, second = date
        time_word = hour << 11 | minute << 5 | second // 2
        date_word = (year - 1980) << 9 | month << 5 | day
        return cls(time_word, date_word)


class Entry(NamedTuple):
    """A file as the directory lists it.

    Attributes:
        name: each byte a character.
        flags: bits of its local header.
        method: of compression.
        moment: when it was changed.
        crc: CRC-32 of its contents.
        packed_size, size: bytes, compressed and not.
        mode: as of `stat`; 0 where it has none.
        offset: of its local header.
    """

    name: str
    flags: int
    method: int
    moment: Moment
    crc: int
    packed_size: int
    size: int
    mode: int
    offset: int

    def contents(self, data: bytes) -> bytes:
        """The file's bytes, which may be fewer than `size` says.

        Raises:
            ValueError: the local header is of another name, or the checksum differs.
        """
        start = self.offset + _LOCAL.size
        end = start + len(self.name)
        if data[start:end] != self.name.encode("latin-1"):
            raise ValueError(f"the two names of {self.name!a} differ")
        contents = data[end : end + self.size]
        if zlib.crc32(contents) != self.crc:
            raise ValueError(f"the CRC-32 of {self.name!a} is not that of its contents")
        return contents


def zipped(files: Mapping[str, bytes], moment: Moment) -> bytes:
    """The zip of `files`, ASCII names to contents, in their order, each changed at that moment."""
    parts = []
    directory = []
    offset = 0
    for name, content in files.items():
        encoded = name.encode("ascii")
        size = len(content)
        sizes = (zlib.crc32(content), size, size, len(encoded), 0)  # packed is as large as unpacked
        local = _LOCAL.pack(LOCAL_SIGNATURE, _VERSION, 0, STORED, *moment, *sizes)
        parts += [local, encoded, content]
        versions = (_VERSION, _UNIX, _VERSION, 0)
        place = (0, 0, 0, _MODE << 16, offset)
        listed = _ENTRY.pack(_DIRECTORY_SIGNATURE, *versions, 0, STORED, *moment, *sizes, *place)
        directory += [listed, encoded]
        offset += len(local) + len(encoded) + len(content)
    directory_size = sum(map(len, directory))
    count = len(files)
    end = END.pack(END_SIGNATURE, 0, 0, count, count, directory_size, offset, 0)
    return b"".join((*parts, *directory, end))


def entries_in(directory: bytes) -> Iterator[Entry]:
    """The entries that a directory lists, in its order.

    Raises:
        ValueError: something else stands there.
    """
    place = 0
    while place < len(directory):
        if len(directory) - place < _ENTRY.size:
            raise ValueError("its directory is cut short")
        signature, *fields = _ENTRY.unpack_from(directory, place)
        if signature != _DIRECTORY_SIGNATURE:
            raise ValueError("its directory holds something else than entries")
        flags, method, time, date, crc, packed_size, size = fields[4:11]  # after the versions
        name_length, extra_length, comment_length = fields[11:14]
        attributes, offset = fields[16:]  # after the disk and the attributes inside
        place += _ENTRY.size
        name = directory[place : place + name_length].decode("latin-1")
        moment = Moment(time, date)
        mode = attributes >> 16
        yield Entry(name, flags, method, moment, crc, packed_size, size, mode, offset)
        place += name_length + extra_length + comment_length
