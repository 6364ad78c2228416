"""The constants of NAME.c: weights, scales and features, each an array with its shape."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ....model import (
    GRU,
    LSTM,
    RNN,
    Affine,
    Array,
    Cell,
    LayerNorm,
    Linear,
    Model,
    PReLU,
    Recurrent,
    RMSNorm,
    Slice,
)
from . import avr
from .carried import initial_values
from .layout import BITS, cell_arrays
from .names import Prefix, distinct, plain
from .numbers import floats, words
from .runtime import symbols

GATES = {LSTM: "i, f, o, g", GRU: "r, z, n", RNN: "h"}


@dataclass
class Arrays:
    """The constants.

    Attributes:
        prefix: what their names begin with.
        bits: of a recurrent weight.
        text: their definitions in C.
        names: their C names by stage and array.
        bytes: what they take on a microcontroller.
        is_split: whether a layer that an AVR cannot have in one array goes into several.
        largest: bytes of the layer with the largest weights.
        taken: what follows the prefix in names that are in use.
    """

    prefix: Prefix
    bits: int
    text: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    bytes: int = 0
    is_split: bool = False
    largest: int = 0
    taken: set[str] = field(default_factory=lambda: set(symbols()))

    def add(self, key: str, title: str, array: Array, comment: str, spare: bool = False) -> None:
        """One plain array; with `spare`, some more zeros where vectors read past its end.

        Args:
            key: stage and array, as the walk asks for it.
            title: what its name in C is made of, plain.
            array: float32, or uint32.
            comment: what it is, plain.
            spare: whether vectors read past its end.
        """
        is_whole = array.dtype.kind == "u"
        kind = "unsigned" if is_whole else "float"
        values = words(array) if is_whole else floats(array)
        size = str(array.size)
        if spare:
            size = f"{size} + {self.prefix.macro('SPARE')}"
        name = self._named(key, title)
        self._define(f"{title}: {comment} {_shape(array)}", f"{kind} {name}[{size}]", values)
        self.bytes += array.size * 4

    def add_groups(self, key: str, title: str, groups: tuple[Array, ...], comment: str) -> None:
        """The weights of a layer, row by row of every group.

        Where there are vectors, rows are filled up, to a multiple of 16 values at most.
        """
        name = self._named(key, title)
        kind = self.prefix.symbol("stored")
        rests = self._rests(title, groups) if self.is_split else {}
        values = ""
        place = 0  # of a group, in values behind the first
        for group in groups:
            if place in rests:
                values += avr.another_array(self._declared(f"{kind} {rests[place]}[]"))
            values += self._rows(group)
            place += group.size
        self._define(f"{title}: {comment}", f"{kind} {name}[]", values)
        if rests:
            self.text.append(self._weights_at(name, rests))
        self.bytes += place * 4
        self.largest = max(self.largest, place * 4)

    @property
    def gains_by_splitting(self) -> bool:
        """Whether an AVR has room for all of it, but not for a layer in one array."""
        return self.bytes <= avr.AVR_BYTES and self.largest > avr.AVR_ARRAY

    def add_initial(self, array: Array) -> None:
        """The state before the first step, under the name by which the runtime knows it."""
        static = self.prefix.macro("STATIC")
        flash = self.prefix.macro("FLASH")
        declared = f"{static} const float {self.prefix.symbol('initial')}[{array.size}] {flash}"
        comment = "/* the state before the first step */"
        self.text.append(f"{comment}\n{declared} = {{\n{floats(array)}}};\n\n")
        self.bytes += array.size * 4

    def _rows(self, group: Array) -> str:
        """The values of a group, `(rows, sums)`."""
        literals = words if group.dtype == np.uint32 else floats
        return "".join(literals(row) + self._pad(len(row)) for row in group)

    def _rests(self, title: str, groups: tuple[Array, ...]) -> dict[int, str]:
        """An AVR's arrays behind the first, by the place of the group that each begins with."""
        sizes = [group.size * 4 for group in groups]
        return {
            place // 4: self.prefix.symbol(self._free(f"{title}_rest")) for place in avr.cuts(sizes)
        }

    def _weights_at(self, name: str, rests: Mapping[int, str]) -> str:
        """Where the weights of the split layer go on; an AVR has no room for two such layers."""
        pointer = f"const {self.prefix.symbol('stored')} *"
        body = ""
        for place, rest in sorted(rests.items(), reverse=True):
            body += f"    if (w == {name} && place >= {place}) {{\n"
            body += f"        return {rest} + (place - {place});\n    }}\n"
        declared = f"{pointer}{self.prefix.symbol('weights_at')}({pointer}w, size_t place)"
        return avr.function(self.prefix, declared, f"{body}    return w + place;\n")

    def _named(self, key: str, title: str) -> str:
        """The C name of a new array."""
        self.names[key] = self.prefix.symbol(self._free(title))
        return self.names[key]

    def _free(self, title: str) -> str:
        """A title, or the next like it that is free."""
        short = distinct(title, self.taken)
        self.taken.add(short)
        return short

    def _define(self, comment: str, declared: str, values: str) -> None:
        self.text.append(f"/* {comment} */\n{self._declared(declared)} = {{\n{values}}};\n\n")

    def _declared(self, array: str) -> str:
        """An array in flash."""
        places = f"{self.prefix.macro('FLASH')} {self.prefix.macro('ALIGNED')}"
        return f"static const {array} {places}"

    def _pad(self, lanes: int) -> str:
        """Zeros up to a multiple of 16, where rows have them."""
        missing = -lanes % 16
        # the bits of what is missing: PAD_8 and PAD_4 are twelve zeros, or none without vectors
        pads = [self.prefix.macro(f"PAD_{part}") for part in (8, 4, 2, 1) if missing & part]
        return f"    {' '.join(pads)}\n" if pads else ""


def arrays_of(model: Model, prefix: Prefix, weights: str) -> Arrays:
    """All constants of a model, split where an AVR gains by it.

    `weights` is a key of `layout.BITS`.
    """
    arrays = _filled(Arrays(prefix, BITS[weights]), model)
    if not arrays.gains_by_splitting:
        return arrays
    return _filled(Arrays(prefix, BITS[weights], is_split=True), model)


def _filled(arrays: Arrays, model: Model) -> Arrays:
    for stage in model.stages:
        title = plain(stage.name) or "stage"
        if isinstance(stage, Recurrent):
            for cell in stage.cells():
                _add_cell(arrays, stage, cell, title)
        elif isinstance(stage, Slice):
            features = np.asarray(stage.features, np.uint32)
            arrays.add(f"{stage.name}.features", f"{title}_features", features, "columns picked")
        elif isinstance(stage, Linear | Affine | LayerNorm | RMSNorm | PReLU):
            for key, array in stage.arrays.items():
                arrays.add(f"{stage.name}.{key}", f"{title}_{key}", array, key)
    if any(stage.has_initial_state for stage in model.recurrent):
        arrays.add_initial(initial_values(model))
    return arrays


def _add_cell(arrays: Arrays, stage: Recurrent, cell: Cell, title: str) -> None:
    """One layer in one direction."""
    held = cell_arrays(stage, cell, arrays.bits)
    of_cell = f"{title}{cell.suffix}"
    rows = f"rows of {cell.weight_ih.shape[1]} inputs, {cell.weight_hh.shape[1]} of h"
    comment = f"in groups of 16 units (the last 9 to 24), {rows}; in a row {GATES[type(stage)]}"
    arrays.add_groups(f"{stage.name}.weights{cell.suffix}", of_cell, held.weights, comment)
    if held.scale is not None:
        key = f"{stage.name}.scale{cell.suffix}"
        arrays.add(key, f"{of_cell}_scale", held.scale, "scale of every sum", spare=True)
    if held.bias is not None:
        key = f"{stage.name}.bias{cell.suffix}"
        arrays.add(key, f"{of_cell}_bias", held.bias, "biases", spare=True)
    if cell.weight_hr is not None:
        key = f"{stage.name}.weight_hr{cell.suffix}"
        arrays.add(key, f"{title}_weight_hr{cell.suffix}", cell.weight_hr, "projection")


def _shape(array: Array) -> str:
    return "".join(f"[{size}]" for size in array.shape)
