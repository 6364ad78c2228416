"""An integer model while it is written: its nodes so far, and what their values stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ....errors import UnsupportedModel
from ....model import Array, Stage
from ....model.wiring import INPUT
from . import stages as whole
from .arithmetic import GUARD_BITS, LARGEST
from .formats import Formats
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
        found: Array = np.rint(-np.log2(self.step)).astype(np.int64)
        return found

    @property
    def common_bits(self) -> int:
        """Those of all columns, which share them."""
        return int(self.bits[0])

    def has_bits(self, bits: Array) -> bool:
        """Whether it is held so, with nothing to add."""
        return bool((self.step == 2.0**-bits).all()) and not self.zero.any()


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

    def add(
        self, stage: WholeStage | Join, taken: Sequence[Value], bits: Array, is_wide: bool
    ) -> Value:
        """Append a stage, whose value has so many bits after the point; named as what it takes."""
        self.nodes.append(Node(stage, tuple(value.index for value in taken)))
        step = 2.0 ** -np.asarray(bits, np.float64)
        name = taken[0].name
        return Value(len(self.nodes) - 1, step, np.zeros(len(step)), is_wide, name)

    def keep(self, stage: WholeStage, value: Value) -> Value:
        """Append a stage that leaves columns and what they stand for as they are."""
        self.nodes.append(Node(stage, (value.index,)))
        return replace(value, index=len(self.nodes) - 1)

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
        if not value.is_wide and not (alike and len(set(value.bits)) > 1):
            return value
        target = np.minimum(self.target(value), value.bits)
        if not value.is_wide:
            target = np.minimum(target, value.bits.min())
        if alike:
            target = np.full_like(target, target.min())
        target = np.maximum(target, value.bits - MOST_DOWN)
        return self.add(whole.Narrow(value.name, value.bits - target), [value], target, False)

    def target(self, value: Value) -> Array:
        """Bits that were chosen for the values after a stage."""
        return np.array(self.formats.after[value.name]) if value.name else self.input_bits

    def _settled(self, value: Value) -> Value:
        """A raw value in bits, narrow unless it is wide and needs no multiplier."""
        target = self.target(value)
        if not value.is_wide:
            is_settled = value.has_bits(target)
            return replace(value, is_raw=False) if is_settled else self.scaled(value, target)
        value = self._without_zero(value)
        exponents = np.log2(np.abs(value.step))
        if (exponents % 1 == 0).all() and (value.step > 0).all():
            return replace(value, is_raw=False)
        shift = np.maximum(np.ceil(-exponents - target), 0).astype(np.int64)
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
        moved = self.keep(Offset(offset.astype(np.int64)), value)
        return replace(moved, zero=np.zeros(len(offset)))

    def scaled(self, value: Value, after: Array) -> Value:
        """A narrow value of any step and zero, narrow with so many bits after the point.

        Coarse counts get fewer: as many as a multiplier of int16 holds their step with.
        """
        _check_coarse(value, after, self.titles)
        with np.errstate(divide="ignore"):
            safe = np.where(np.abs(value.step) > SMALLEST, value.step, 1.0)
        zero = np.where(np.abs(value.step) > SMALLEST, -value.zero / safe, 0.0)
        centre = np.rint(np.clip(zero, -LARGEST, LARGEST)).astype(np.int64)
        after = np.minimum(after, _bits_of_multiplier(value.step) - GUARD_BITS)
        wide = self._scaled_from(value, centre, after + GUARD_BITS)
        name = "inputs" if value.is_raw else value.name
        narrow = whole.Narrow(name, np.full_like(after, GUARD_BITS))
        return self.add(narrow, [wide], after, False)

    def widened(self, value: Value) -> Value:
        """A narrow value of any step and zero, wide with as many bits as int32 has room for."""
        largest = np.abs(value.zero) + np.abs(value.step) * (LARGEST + 1)
        bits = np.floor(np.log2(LARGEST_WIDE / np.maximum(largest, SMALLEST)))
        bits = np.minimum(bits, 30).astype(np.int64)
        return self._scaled_from(value, np.zeros_like(bits), bits)

    def _scaled_from(self, value: Value, centre: Array, bits: Array) -> Value:
        """Wide, by a rounded multiplier that moves no value at `centre`."""
        shift = np.minimum(_bits_of_multiplier(value.step) - bits, 31)
        multiplier = np.rint(value.step * 2.0 ** (shift + bits)).astype(np.int64)
        offset = (value.zero + value.step * centre) * 2.0**bits
        _check_offset(value, offset, self.titles)
        scale = whole.Scale(centre, multiplier, shift, np.rint(offset).astype(np.int64))
        return self.add(scale, [value], bits, True)

    def aligned(self, value: Value, bits: Array, limit: int) -> Value:
        """Wide with so many bits after the point, within a limit."""
        shift = np.maximum(bits - value.bits, -31)  # which leaves nothing, either
        return self.add(Align(value.name or "x", shift, limit), [value], bits, True)


def _bits_of_multiplier(step: Array) -> Array:
    """Bits after the point that a multiplier of int16 holds steps with."""
    found: Array = np.floor(np.log2(LARGEST_MULTIPLIER / np.maximum(np.abs(step), SMALLEST)))
    return found.astype(np.int64)


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
    return f"{'input' if value.is_raw else value.name} {column}"


def refusal(stage: Stage, reason: str = "") -> UnsupportedModel:
    """Of a stage that has no integer form."""
    return UnsupportedModel(
        f"c cannot express the stage {stage.name} ({stage.kind}) in whole numbers{reason}; "
        "export it with --arithmetic float"
    )


def raw_input(formats: Formats) -> Value:
    """The counts of the inputs."""
    step = np.array([entry.step for entry in formats.inputs])
    zero = np.array([entry.zero for entry in formats.inputs])
    return Value(INPUT, step, zero, False, "", is_raw=True)
