"""A table of a FlatBuffer, read by the numbers of its fields.

Format: https://flatbuffers.dev/internals. A table begins with the signed distance back to its
vtable, a list of uint16: its own size, the table's, then where each field lies in the table.
Everything else is found by unsigned distances forward.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from ...errors import BundleError

_DISTANCE = "<I"
_MOST_READ = 4  # times the size of the file: a few strings are read twice
MOST_TABLES = 50_000  # in a vector of a file, all together; they could overlap, too


class _Source:
    """The bytes of a file, and how many more of its vectors are read: they could overlap."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._left = _MOST_READ * len(data)
        self._tables_left = MOST_TABLES

    def at(self, first: int, size: int) -> bytes:
        """A few bytes."""
        if first < 0 or first + size > len(self.data):
            raise damaged("a distance in it leads out of the file")
        return self.data[first : first + size]

    def vector(self, first: int, size: int) -> bytes:
        """The bytes of a vector."""
        self._left -= size
        if self._left < 0:
            raise damaged("its vectors overlap")
        return self.at(first, size)

    def count_tables(self, count: int) -> None:
        """So many more tables are read."""
        self._tables_left -= count
        if self._tables_left < 0:
            raise damaged(f"it lists more than {MOST_TABLES:,} tables, as no model does")


class Table:
    """One table of a file; fields count from 0.

    Attributes:
        at: where it begins in the data.
    """

    def __init__(self, source: _Source, at: int) -> None:
        self._source = source
        self.at = at

    @classmethod
    def root(cls, data: bytes) -> Table:
        """The table that a file is."""
        source = _Source(data)
        return cls(source, cls(source, 0)._after(0))

    @property
    def vtable(self) -> int:
        """Where its vtable begins in the data."""
        return self.at - self._read("<i", self.at)

    def place_of(self, field: int) -> int:
        """Where what a field points to begins in the data."""
        place = self._place(field)
        if not place:
            raise damaged(f"field {field} of a table is missing")
        return self._after(place)

    def has(self, field: int) -> bool:
        """Whether a field is there."""
        return bool(self._place(field))

    def count(self, field: int) -> int:
        """How many entries a vector has; 0 where it is absent."""
        return self._vector(field)[1]

    def number(self, field: int, kind: str = "<i") -> int:
        """A whole number as `struct` names its kind; 0 where it is absent."""
        place = self._place(field)
        return self._read(kind, place) if place else 0

    def real(self, field: int) -> float:
        """A float32; 0 where it is absent."""
        place = self._place(field)
        if not place:
            return 0.0
        (value,) = struct.unpack("<f", self._source.at(place, 4))
        return float(value)

    def table(self, field: int) -> Table:
        """A table that has to be there."""
        return Table(self._source, self.place_of(field))

    def tables(self, field: int) -> Iterator[Table]:
        """A vector of tables; nothing where it is absent."""
        for place in self._entries(field):
            yield Table(self._source, place)

    def texts(self, field: int) -> tuple[str, ...]:
        """A vector of strings; none where it is absent."""
        return tuple(self._text(place) for place in self._entries(field))

    def structs(self, field: int, kind: struct.Struct) -> Iterator[tuple[int, ...]]:
        """A vector of structs of whole numbers; nothing where it is absent."""
        first, count = self._vector(field)
        yield from kind.iter_unpack(self._source.vector(first, kind.size * count))

    def numbers(self, field: int) -> tuple[int, ...]:
        """A vector of int64."""
        first, count = self._vector(field)
        data = self._source.vector(first, 8 * count)
        return struct.unpack(f"<{count}q", data)

    def raw(self, field: int) -> bytes:
        """A vector of bytes."""
        return self._source.vector(*self._vector(field))

    def text(self, field: int) -> str:
        """A string; empty where it is absent."""
        place = self._place(field)
        return self._text(self._after(place)) if place else ""

    def _text(self, start: int) -> str:
        """The string that begins there, with its length."""
        size = self._read(_DISTANCE, start)
        try:
            return self._source.vector(start + 4, size).decode()
        except UnicodeDecodeError as error:
            raise damaged("a text in it is not UTF-8") from error

    def _entries(self, field: int) -> Iterator[int]:
        """Where each entry of a vector of tables or strings begins in the data."""
        first, count = self._vector(field)
        self._source.count_tables(count)
        for place in range(first, first + 4 * count, 4):
            yield self._after(place)

    def _place(self, field: int) -> int:
        """Where a field lies in the data; 0 where it is absent."""
        slot = 4 + 2 * field
        if slot >= self._read("<H", self.vtable):
            return 0
        offset = self._read("<H", self.vtable + slot)
        return self.at + offset if offset else 0

    def _vector(self, field: int) -> tuple[int, int]:
        """The place of a vector's first entry, and how many there are."""
        place = self._place(field)
        if not place:
            return 0, 0
        start = self._after(place)
        return start + 4, self._read(_DISTANCE, start)

    def _after(self, place: int) -> int:
        return place + self._read(_DISTANCE, place)

    def _read(self, kind: str, place: int) -> int:
        size = struct.calcsize(kind)
        (value,) = struct.unpack(kind, self._source.at(place, size))
        return int(value)


def damaged(what: str) -> BundleError:
    """The error for a file that is not as the format has it."""
    return BundleError(f"the .ort file is damaged: {what}; copy it again, or export it again")
