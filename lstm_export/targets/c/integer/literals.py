"""Whole numbers as C arrays, and how weights lie in them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from ....model import Array
from ..emit.avr import AVR_ARRAY, AVR_BYTES, another_array, function
from ..emit.names import Prefix, distinct
from ..emit.runtime import symbols
from .rows import Rows

IN_WORD = {16: 2, 8: 4}  # columns in a word of 32 bits
PER_LINE = 16
C_BITS = {"int8_t": 8, "uint8_t": 8, "int16_t": 16, "uint16_t": 16, "int32_t": 32}
_ARRAY = re.compile(
    r" const (u?int\d+_t) (\w+)\[\d*\](?: \w+)* = \{((?:[ \n]*-?[0-9]{1,10},)*)[ \n]*\};"
)

_REST = re.compile(r"#if defined\(__AVR__\)\n};\n\nstatic const \w+ \w+\[\] \w+ \w+ = {\n#endif\n")


@dataclass
class Constants:
    """Arrays written so far.

    Attributes:
        weight_bits: 16 or 8.
        is_split: whether weights that an AVR cannot have in an array go into two there.
        text: their definitions.
        bytes: that they take.
        largest: bytes of the largest.
    """

    prefix: Prefix
    weight_bits: int
    is_split: bool = False
    text: list[str] = field(default_factory=list)
    bytes: int = 0
    largest: int = 0
    taken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.taken |= symbols()

    def add(self, title: str, kind: str, values: Array, comment: str) -> str:
        """Define an array; its name in C."""
        name = self.named(title)
        places = f"{self.prefix.macro('FLASH')} {self.prefix.macro('ALIGNED')}"
        declared = f"static const {kind} {name}[{values.size}] {places}"
        self.text.append(f"/* {comment} */\n{declared} = {{\n{lines(values)}}};\n\n")
        size = values.size * C_BITS[kind] // 8
        self.bytes += size
        self.largest = max(self.largest, size)
        return name

    def add_weights(self, title: str, values: Array, parts: int, comment: str) -> str:
        """The same for weights, which are read in so many parts of the same size: rows or units."""
        size = values.size * self.weight_bits // 8
        if self.is_split and size > AVR_ARRAY:
            self.bytes += size
            first = parts * AVR_ARRAY // size  # parts in the first array
            return self._add_split(title, values, first * (values.size // parts), comment)
        return self.add(title, f"int{self.weight_bits}_t", values, comment)

    def _add_split(self, title: str, values: Array, at: int, comment: str) -> str:
        """Define weights that an AVR has in two arrays, and `model_following`, which goes on there.

        No second array of a model is as large: an AVR has no room for it.
        """
        name = self.named(title)
        rest = self.named(f"{title}_rest")
        kind = f"static const int{self.weight_bits}_t"
        places = f"{self.prefix.macro('FLASH')} {self.prefix.macro('ALIGNED')}"
        between = another_array(f"{kind} {rest}[] {places}")
        numbers = f"{lines(values[:at])}{between}{lines(values[at:])}"
        self.text.append(f"/* {comment} */\n{kind} {name}[] {places} = {{\n{numbers}}};\n\n")
        pointer = f"const {self.prefix.symbol('weight')} *"
        declared = f"{pointer}{self.prefix.symbol('following')}({pointer}w)"
        body = f"    return w == {name} + {at} ? {rest} : w;\n"
        self.text.append(function(self.prefix, declared, body))
        return name

    @property
    def gains_by_splitting(self) -> bool:
        """Whether an AVR has room for all of it, but not in one array each."""
        return self.bytes <= AVR_BYTES and self.largest > AVR_ARRAY

    @property
    def is_far(self) -> bool:
        """Whether an AVR would compile arrays that it cannot reach."""
        return self.bytes > AVR_BYTES and self.largest <= AVR_ARRAY

    def named(self, title: str) -> str:
        """A name that is free."""
        short = distinct(title, self.taken)
        self.taken.add(short)
        return self.prefix.symbol(short)


def lines(values: Array) -> str:
    """The values of an array, some a line, a comma behind each."""
    numbers = [str(int(value)) for value in values.ravel()]
    rows = []
    for start in range(0, len(numbers), PER_LINE):
        row = ", ".join(numbers[start : start + PER_LINE])
        rows.append(f"    {row},\n")
    return "".join(rows)


def arrays_in(source: str) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Every array of whole numbers in C that this package wrote, by name: its type and values."""
    found = {}
    for kind, name, values in _ARRAY.findall(_REST.sub("", source)):
        numbers = values.split(",")[:-1]  # a comma stands behind the last
        found[name] = (kind, tuple(map(int, numbers)))
    return found


def block(weight: Array, bits: int) -> Array:
    """Rows side by side: `(rows, columns)` as [word of columns][row][column in the word].

    The last word is filled up with zeros. Of four columns of int8 the middle two change places, so
    that a processor widens every other byte into a pair.
    """
    in_word = IN_WORD[bits]
    rows, columns = weight.shape
    padded = np.pad(weight, ((0, 0), (0, -columns % in_word)))
    words = padded.reshape(rows, -1, in_word)  # (rows, words, columns in a word)
    if in_word == 4:
        words = words[:, :, [0, 2, 1, 3]]
    flat: Array = words.swapaxes(0, 1).ravel()  # word by word, in each the rows
    return flat


def matrix_of(rows: Rows, bits: int) -> Array:
    """All rows of a matrix, one behind the other."""
    return np.concatenate([block(row[np.newaxis], bits) for row in rows.weight])


def unit_by_unit(x: Rows, h: Rows, gates: int, bits: int) -> tuple[Array, Array]:
    """Weights and shifts of a layer: of each unit its gates' rows for x, then those for h.

    torch.nn stacks rows gate by gate.
    """
    size = len(x.weight) // gates
    weights = []
    shifts = []
    for unit in range(size):
        at = unit + size * np.arange(gates)  # this unit's row of every gate
        for rows in (x, h):
            weights.append(block(rows.weight[at], bits))
            shifts.append(rows.shift[at])
    return np.concatenate(weights), np.concatenate(shifts)
