"""Stages that take several values, and those that pick columns or pool steps, in whole numbers.

Equations that generated C must equal. A row `(batch, width)` beside a sequence `(batch, seq,
width)` goes to every step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....model import Array
from .arithmetic import VALUE_BITS, aligned, in_int32
from .cells import CellState
from .stages import Counter

MOST_STEPS = 65_535  # that a sum counts: it stays in int32, and later ones are left out
LOWEST = -32_768


@dataclass(frozen=True, eq=False)
class Align:
    """Narrow or wide to wide: times 2^shift, so that values can be added.

    Attributes:
        name: of the stage whose values these are.
        shift: `(width,)`, -31 to 30; -31 leaves nothing.
        limit: what is beyond is cut.
    """

    name: str
    shift: Array
    limit: int

    def apply(self, values: Array, counter: Counter) -> Array:
        exact = np.abs(values) * 2.0**self.shift
        counter.add(self.name, exact > self.limit + 0.5)
        return aligned(values, self.shift, self.limit)


@dataclass(frozen=True, eq=False)
class Offset:
    """Wide: `(width,)` added."""

    offset: Array

    def apply(self, values: Array, counter: Counter) -> Array:
        return in_int32(values + self.offset)


@dataclass(frozen=True, eq=False)
class Slice:
    """Columns of a narrow or a wide value, in any order."""

    features: tuple[int, ...]

    def apply(self, values: Array, counter: Counter) -> Array:
        picked: Array = values[..., list(self.features)]
        return picked


@dataclass(frozen=True, eq=False)
class Pool:
    """One row of all steps: a narrow mean, to the nearest, largest or first; else a wide one.

    Attributes:
        mode: `mean`, `max`, `first`, `sum`, or `corrected_mean`, whose divisor is one step less.
        size: columns.
    """

    mode: str
    size: int

    @property
    def start(self) -> CellState:
        """What it carries before the first step: a row, and but for the largest a count."""
        row = np.zeros((1, self.size), np.int64)
        nothing = np.zeros((1, 0), np.int64)
        if self.mode == "max":
            return CellState(row + LOWEST, nothing)  # so that the first step is the largest so far
        if self.mode == "first":
            return CellState(row, np.zeros((1, 1), np.int64))
        return CellState(nothing, np.zeros((1, self.size + 1), np.int64))

    @property
    def adds_up(self) -> bool:
        """Whether it carries a sum, which counts `MOST_STEPS` at most."""
        return self.mode not in {"max", "first"}

    def apply(self, values: Array, counter: Counter) -> Array:
        if self.mode == "first":
            first: Array = values[:, 0]
            return first
        if self.mode == "max":
            largest: Array = values.max(axis=1)
            return largest
        counted = values[:, :MOST_STEPS]
        total: Array = in_int32(counted.sum(axis=1))
        steps = counted.shape[1]
        if self.mode == "sum":
            return total
        if self.mode == "corrected_mean":
            divisor = max(steps - 1, 1)
            # half a divisor more rounds to the nearest
            size: Array = (np.abs(total) + divisor // 2) // divisor
            return np.where(total < 0, -size, size)
        mean: Array = (total + steps // 2) // steps
        return mean


class Join(ABC):
    """A stage of several values."""

    @abstractmethod
    def join(self, taken: Sequence[Array]) -> Array:
        """The one value that they make."""


class Add(Join):
    """Wide values, aligned so that their sum stays in int32."""

    def join(self, taken: Sequence[Array]) -> Array:
        first, second = _side_by_side(taken)
        return in_int32(first + second)


class Subtract(Join):
    """The first of two such values less the second."""

    def join(self, taken: Sequence[Array]) -> Array:
        first, second = _side_by_side(taken)
        return in_int32(first - second)


class Multiply(Join):
    """Two narrow values to wide."""

    def join(self, taken: Sequence[Array]) -> Array:
        first, second = _side_by_side(taken)
        return in_int32(first * second)


class Divide(Join):
    """Two narrow values to wide, the first with `VALUE_BITS` more after the point.

    To the nearest; a divisor of 0, which is less than half a count, is taken for 1.
    """

    def join(self, taken: Sequence[Array]) -> Array:
        first, second = _side_by_side(taken)
        divisor = np.maximum(np.abs(second), 1)
        # half a divisor more rounds to the nearest
        size = ((np.abs(first) << VALUE_BITS) + (divisor >> 1)) // divisor
        quotient: Array = np.where((first < 0) != (second < 0), -size, size)
        return quotient


class Concat(Join):
    """Columns side by side, of values that are all narrow or all wide."""

    def join(self, taken: Sequence[Array]) -> Array:
        return np.concatenate(_side_by_side(taken), axis=-1)


def _side_by_side(taken: Sequence[Array]) -> list[Array]:
    """The values, a row repeated for every step where another one is a sequence."""
    steps = max((value.shape[:-1] for value in taken), key=len)
    alike = []
    for value in taken:
        is_row = value.ndim <= len(steps)
        over_steps = value[:, np.newaxis] if is_row else value
        alike.append(np.broadcast_to(over_steps, (*steps, value.shape[-1])))
    return alike
