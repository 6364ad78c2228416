"""The stages in whole numbers, as equations: the one definition that generated C must equal.

Between stages values are narrow (int16) or wide (int32), `(batch, seq, width)`, or `(batch, width)`
once a step was picked. Every stage maps one to the other; bits after the point are the writer's
affair, and stand in its formats.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ....model import Array
from .arithmetic import LARGEST, in_int32, narrowed, sigmoid, tanh
from .cells import Cell, CellState
from .rows import Rows


@dataclass
class Counter:
    """Values that did not fit and were cut, and how many there were, by stage."""

    cut: dict[str, int] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, were_cut: Array) -> None:
        """Count what a stage cut."""
        self.cut[name] = self.cut.get(name, 0) + int(were_cut.sum())
        self.seen[name] = self.seen.get(name, 0) + were_cut.size


class WholeStage(Protocol):
    """A stage of an integer model."""

    def apply(self, values: Array, counter: Counter) -> Array:
        """The values after it."""


@dataclass(frozen=True, eq=False)
class Scale:
    """Narrow to wide, feature by feature: `((v - centre) * factor >> shift) + offset`.

    Attributes:
        centre: `(width,)`, int16: near the value that is scaled to 0, so that a rounded factor does
            not move the values around it.
        factor: `(width,)`, within 15 bits.
        shift: `(width,)`, 0 to 31.
        offset: `(width,)`.
    """

    centre: Array
    factor: Array
    shift: Array
    offset: Array

    def apply(self, values: Array, counter: Counter) -> Array:
        scaled = in_int32((values - self.centre) * self.factor) >> self.shift
        return in_int32(scaled + self.offset)


@dataclass(frozen=True, eq=False)
class Narrow:
    """Wide to narrow: divided by 2^shift; what does not fit is cut.

    Attributes:
        name: of the stage whose values these are.
        shift: `(width,)`, 0 to 30.
    """

    name: str
    shift: Array

    def apply(self, values: Array, counter: Counter) -> Array:
        narrow = narrowed(values, self.shift)
        counter.add(self.name, np.abs(values) > (LARGEST + 0.5) * 2.0**self.shift)
        return narrow


@dataclass(frozen=True, eq=False)
class Linear:
    """torch.nn.Linear, narrow to wide."""

    rows: Rows
    bias: Array

    def apply(self, values: Array, counter: Counter) -> Array:
        return in_int32(self.bias + self.rows.sums(values))


@dataclass(frozen=True, eq=False)
class Recurrent:
    """LSTM or GRU, narrow to narrow: every h_t of the last layer.

    Attributes:
        layers: by layer its one or two directions; the second one reads the sequence from its end.
    """

    layers: tuple[tuple[Cell, ...], ...]

    def apply(self, values: Array, counter: Counter) -> Array:
        for layer in self.layers:
            ways = []
            for way, cell in enumerate(layer):
                turned = values[:, ::-1] if way else values
                h = through(cell, turned)
                ways.append(h[:, ::-1] if way else h)
            values = np.concatenate(ways, axis=2)
        return values


def through(cell: Cell, values: Array) -> Array:
    """h after every step, `(batch, seq, state_size)`."""
    batch = len(values)
    state = CellState(
        np.repeat(cell.start.narrow, batch, axis=0), np.repeat(cell.start.wide, batch, axis=0)
    )
    steps = []
    for t in range(values.shape[1]):
        state = cell.step(values[:, t], state)
        steps.append(state.narrow)
    return np.stack(steps, axis=1)


@dataclass(frozen=True, eq=False)
class Gate:
    """tanh or sigmoid, wide to narrow Q0.15.

    Attributes:
        function: `tanh` or `sigmoid`.
        down, up: the values have `SUM_BITS + down - up` bits after the point; one of them is 0.
    """

    function: str
    down: int
    up: int

    def apply(self, values: Array, counter: Counter) -> Array:
        sums = values >> self.down
        if self.function == "tanh":
            return tanh(sums, self.up)
        return sigmoid(sums, self.up) >> 1


@dataclass(frozen=True, eq=False)
class Table:
    """Any function, narrow to narrow, by 512 linear pieces over all of int16.

    Attributes:
        values: `(513,)`, within int16: at -32768, -32640, ..., 32768.
    """

    values: Array

    def apply(self, values: Array, counter: Counter) -> Array:
        piece = (values + 32768) >> 7
        rise = (self.values[piece + 1] - self.values[piece]) * (values & 127)
        answer: Array = self.values[piece] + ((rise + 64) >> 7)
        return answer


@dataclass(frozen=True, eq=False)
class Clamp:
    """Wide: values below `low` become `low`, values above `high` become `high`; `(width,)` each."""

    low: Array
    high: Array

    def apply(self, values: Array, counter: Counter) -> Array:
        return np.clip(values, self.low, self.high)


@dataclass(frozen=True, eq=False)
class LastStep:
    """The last time step."""

    def apply(self, values: Array, counter: Counter) -> Array:
        last: Array = values[:, -1]
        return last


@dataclass(frozen=True, eq=False)
class BothEnds:
    """A bidirectional stage's last step of the forward direction beside its first of the reverse.

    Attributes:
        size: of one direction.
    """

    size: int

    def apply(self, values: Array, counter: Counter) -> Array:
        return np.concatenate([values[:, -1, : self.size], values[:, 0, self.size :]], axis=1)


NORM_BITS = 14  # of a normalised value: int32, Q17.14


@dataclass(frozen=True, eq=False)
class LayerNorm:
    """torch.nn.LayerNorm without weight and bias, narrow to wide Q17.14.

    Attributes:
        eps: in the format of the squared values.
    """

    eps: int

    def apply(self, values: Array, counter: Counter) -> Array:
        size = values.shape[-1]
        mean = (values.sum(axis=-1, keepdims=True) + size // 2) // size
        centred = np.clip(values - mean, -LARGEST, LARGEST)
        squares = (centred**2).sum(axis=-1, keepdims=True) // size
        variance = np.clip(squares + self.eps, 1, 2**31 - 1)
        up = np.zeros_like(variance)
        for _ in range(15):  # to 2^29 and more, so that the root has its full 15 or 16 bits
            is_small = variance < 2**29
            variance = np.where(is_small, variance << 2, variance)
            up = np.where(is_small, up + 1, up)
        root = np.floor(np.sqrt(variance.astype(np.float64))).astype(np.int64)
        inverse = 2**30 // root  # 2^(30 - up) over the standard deviation
        norm: Array = in_int32(centred * inverse) >> (30 - NORM_BITS - up)
        return norm
