"""An integer model while it is written: its nodes so far, and what their values stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ....errors import UnsupportedModel
from ....model import Array, Stage
from ....model.wiring import INPUT
from . import stages as whole
from .arithmetic import GUARD_BITS, LARGEST, float64, nearest, nearest_int16
from .formats import Formats, steps_and_zeros
from .joins import Align, Join, Offset
from .stages import WholeStage
from .whole_model import Node

LARGEST_OFFSET = 2.0**29
LARGEST_WIDE = 2.0**28  # of a count times a multiplier
LARGEST_MULTIPLIER = 2**14 - 1  # times the difference of two int16 it stays in int32
MOST_DOWN = 30  # that int32 is shifted, to be rounded to int16
SMALLEST = 1e-300


@dataclass(frozen=True, eq=False)
class Value:
    """A value between stages: column by column `zero + step * whole number`.

    Attributes:
        index: of the node that gives it, `INPUT` for the counts.
        step, zero: float64 `(width,)`.
        is_wide: whether it is int32; else int16.
        name: of the float stage that it belongs to; empty for the input.
        is_raw: whether it was only picked, moved or scaled since it came in: its steps are those of
            the inputs, and need be no powers of two.
    """

    index: int
    step: Array
    zero: Array
    is_wide: bool
    name: str
    is_raw: bool = False

    @property
    def bits(self) -> Array:
        """`(width,)` bits after the point of a value that is not raw."""
        return nearest(-np.log2(self.step))

    @property
    def common_bits(self) -> int:
        """Those of all columns, which share them."""
        return int(self.bits[0])

    def has_bits(self, bits: Array) -> bool:
        """Whether it is held so, with nothing to add."""
        is_held = self.step == 2.0**-bits  # (width,)
        return bool(is_held.all()) and not self.zero.any()


@dataclass
class Draft:
    """The nodes so far.

    Attributes:
        formats: of the model.
        input_bits: `(input_size,)` bits after the point of x in its own units, as int16.
        titles: of the inputs, for messages.
    """

    formats: Formats
    input_bits: Array
    titles: Sequence[str]
    nodes: list[Node] = field(default_factory=list)
    _narrow: dict[tuple[int, str, bool], Value] = field(default_factory=dict)

    def add_wide(self, stage: WholeStage | Join, taken: Sequence[Value], bits: Array) -> Value:
        """Append a stage that gives int32, with so many bits after the point, `(width,)`.

        Its value has the name of what it takes first.
        """
        index = self._append(stage, taken)
        step = 2.0 ** -float64(bits)
        return Value(index, step, np.zeros_like(step), is_wide=True, name=taken[0].name)

    def add_narrow(self, stage: WholeStage | Join, taken: Sequence[Value], bits: Array) -> Value:
        """The same of a stage that gives int16."""
        return replace(self.add_wide(stage, taken, bits), is_wide=False)

    def _append(self, stage: WholeStage | Join, taken: Sequence[Value]) -> int:
        sources = tuple(value.index for value in taken)
        self.nodes.append(Node(stage, sources))
        return len(self.nodes) - 1

    def keep(self, stage: WholeStage, value: Value) -> Value:
        """Append a stage that leaves columns and what they stand for as they are."""
        return replace(value, index=self._append(stage, [value]))

    def narrow(self, value: Value, alike: bool = False) -> Value:
        """The value in int16 and bits; with `alike` every column in the same format.

        Asked again for the same, it adds nothing.
        """
        key = (value.index, value.name, alike)
        if key not in self._narrow:
            settled = self._settled(value) if value.is_raw else value
            self._narrow[key] = self._narrowed(settled, alike)
        return self._narrow[key]

    def _narrowed(self, value: Value, alike: bool) -> Value:
        differs = len(set(value.bits)) > 1
        if not value.is_wide and not (alike and differs):
            return value
        target = np.minimum(self.target(value), value.bits)
        if not value.is_wide:
            target = np.minimum(target, value.bits.min())
        if alike:
            target = np.full_like(target, target.min())
        target = np.maximum(target, value.bits - MOST_DOWN)
        narrow = whole.Narrow(value.name, value.bits - target)
        return self.add_narrow(narrow, [value], target)

    def target(self, value: Value) -> Array:
        """Bits that were chosen for the values after a stage."""
        if not value.name:
            return self.input_bits
        return np.array(self.formats.after[value.name])

    def _settled(self, value: Value) -> Value:
        """A raw value in bits, narrow unless it is wide and needs no multiplier."""
        target = self.target(value)
        if not value.is_wide:
            if value.has_bits(target):
                return replace(value, is_raw=False)
            return self.scaled(value, target)
        value = self._without_zero(value)
        exponents = np.log2(np.abs(value.step))
        are_powers = (exponents % 1 == 0) & (value.step > 0)  # of two, (width,)
        if are_powers.all():
            return replace(value, is_raw=False)
        surplus = np.ceil(-exponents - target)  # bits beyond those of int16
        shift = np.maximum(surplus, 0).astype(np.int64)
        _check_fine(value, shift, self.titles)
        narrow = self.keep(whole.Narrow(value.name, shift), value)
        narrow = replace(narrow, step=value.step * 2.0**shift, is_wide=False)
        return self.scaled(narrow, target)

    def _without_zero(self, value: Value) -> Value:
        """What is counted from elsewhere counted from 0."""
        if not value.zero.any():
            return value
        offset = np.rint(value.zero / value.step)
        _check_offset(value, offset, self.titles)
        moved = self.keep(Offset(nearest(offset)), value)
        return replace(moved, zero=np.zeros(len(offset)))

    def scaled(self, value: Value, after: Array) -> Value:
        """A narrow value of any step and zero, narrow with so many bits after the point.

        Coarse counts get fewer: as many as a multiplier of int16 holds their step with.
        """
        _check_coarse(value, after, self.titles)
        has_step = np.abs(value.step) > SMALLEST
        step = np.where(has_step, value.step, 1.0)
        at_zero = np.where(has_step, -value.zero / step, 0.0)  # the count of 0
        centre = nearest_int16(at_zero)
        after = np.minimum(after, _bits_of_multiplier(value.step) - GUARD_BITS)
        wide = self._scaled_from(value, centre, after + GUARD_BITS)
        name = "inputs" if value.is_raw else value.name
        narrow = whole.Narrow(name, np.full_like(after, GUARD_BITS))
        return self.add_narrow(narrow, [wide], after)

    def widened(self, value: Value) -> Value:
        """A narrow value of any step and zero, wide with as many bits as int32 has room for."""
        largest = np.abs(value.zero) + np.abs(value.step) * (LARGEST + 1)
        room = np.log2(LARGEST_WIDE / np.maximum(largest, SMALLEST))
        bits = np.minimum(np.floor(room), 30).astype(np.int64)
        return self._scaled_from(value, np.zeros_like(bits), bits)

    def _scaled_from(self, value: Value, centre: Array, bits: Array) -> Value:
        """Wide, by a rounded multiplier that moves no value at `centre`."""
        shift = np.minimum(_bits_of_multiplier(value.step) - bits, 31)
        multiplier = nearest(value.step * 2.0 ** (shift + bits))
        at_centre = value.zero + value.step * centre
        offset = at_centre * 2.0**bits
        _check_offset(value, offset, self.titles)
        scale = whole.Scale(centre, multiplier, shift, nearest(offset))
        return self.add_wide(scale, [value], bits)

    def aligned(self, value: Value, bits: Array, limit: int) -> Value:
        """Wide with so many bits after the point, within a limit."""
        shift = np.maximum(bits - value.bits, -31)  # which leaves nothing, either
        align = Align(value.name or "x", shift, limit)
        return self.add_wide(align, [value], bits)


def _bits_of_multiplier(step: Array) -> Array:
    """Bits after the point that a multiplier of int16 holds steps with."""
    largest = LARGEST_MULTIPLIER / np.maximum(np.abs(step), SMALLEST)
    bits: Array = np.floor(np.log2(largest))
    return bits.astype(np.int64)


def _check_coarse(value: Value, after: Array, titles: Sequence[str]) -> None:
    """Refuse counts that are too coarse."""
    is_coarse = np.abs(value.step) * 2.0**after > 2 * LARGEST
    if is_coarse.any():
        raise UnsupportedModel(
            f"{_title(value, is_coarse, titles)} is too coarse for whole numbers: a count "
            "is worth more than the whole range of its values; choose a finer format"
        )


def _check_fine(value: Value, shift: Array, titles: Sequence[str]) -> None:
    """Refuse counts that are so fine that none of int16 comes near the model's values."""
    if not (shift <= MOST_DOWN).all():
        raise UnsupportedModel(
            f"{_title(value, shift, titles)} is too fine for whole numbers: int16 counts "
            "a small part of its spread; choose a coarser format"
        )


def _check_offset(value: Value, offset: Array, titles: Sequence[str]) -> None:
    """Refuse counts that are too far from the values that the model was made for."""
    if not (np.abs(offset) <= LARGEST_OFFSET).all():  # NaN is no offset, either
        raise UnsupportedModel(
            f"{_title(value, np.abs(offset), titles)} is too far from the model's values "
            "for whole numbers: no count of int16 comes near them; choose a format whose zero is "
            "nearer"
        )


def _title(value: Value, fault: Array, titles: Sequence[str]) -> str:
    """Of the column with the largest fault; those of x itself have names."""
    column = int(np.argmax(fault))
    if value.index == INPUT:
        return titles[column]
    of_what = "input" if value.is_raw else value.name
    return f"{of_what} {column}"


def refusal(stage: Stage, reason: str = "") -> UnsupportedModel:
    """Of a stage that has no integer form."""
    return UnsupportedModel(
        f"c cannot express the stage {stage.name} ({stage.kind}) in whole numbers{reason}; "
        "export it with --arithmetic float"
    )


def raw_input(formats: Formats) -> Value:
    """The counts of the inputs."""
    step, zero = steps_and_zeros(formats.inputs)
    return Value(INPUT, step, zero, is_wide=False, name="", is_raw=True)
