"""The stages in whole numbers, as equations: the one definition that generated C must equal.

Between stages values are narrow (int16) or wide (int32), `(batch, seq, width)`, or `(batch, width)`
once a step was picked. Every stage maps one to the other; bits after the point are the writer's
affair, and stand in its formats.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from ....model import Array
from .arithmetic import GUARD_BITS, LARGEST, in_int32, narrowed, sigmoid, tanh
from .cells import Cell, CellState, RNNCell
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

    def meet(self, rows: Rows, values: Array) -> None:
        """Take note of what weights are multiplied with; here nobody wants to know."""


class WholeStage(Protocol):
    """A stage of an integer model."""

    def apply(self, values: Array, counter: Counter) -> Array:
        """The values after it."""


@dataclass(frozen=True, eq=False)
class Scale:
    """Narrow to wide, feature by feature: `((v - centre) * multiplier >> shift) + offset`.

    Attributes:
        centre: `(width,)`, int16: near the value that is scaled to 0, so that a rounded multiplier
            does not move the values around it.
        multiplier: `(width,)`, within 15 bits.
        shift: `(width,)`, 0 to 31.
        offset: `(width,)`.
    """

    centre: Array
    multiplier: Array
    shift: Array
    offset: Array

    def apply(self, values: Array, counter: Counter) -> Array:
        scaled = in_int32((values - self.centre) * self.multiplier) >> self.shift
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
        largest = (LARGEST + 0.5) * 2.0**self.shift
        counter.add(self.name, np.abs(values) > largest)
        return narrowed(values, self.shift)


@dataclass(frozen=True, eq=False)
class Linear:
    """torch.nn.Linear, narrow to wide."""

    rows: Rows
    bias: Array

    def apply(self, values: Array, counter: Counter) -> Array:
        counter.meet(self.rows, values)
        return in_int32(self.bias + self.rows.sums(values))


@dataclass(frozen=True, eq=False)
class Recurrent:
    """LSTM, GRU or RNN, narrow to narrow: every h_t of the last layer.

    Attributes:
        layers: by layer its one or two directions; the second one reads the sequence from its end.
        state_bits: by layer the bits after the point of its h.
        factor: `(input width,)`: what the columns of the first layer's weights are multiplied with.
    """

    layers: tuple[tuple[Cell, ...], ...]
    state_bits: tuple[int, ...]
    factor: Array

    def apply(self, values: Array, counter: Counter) -> Array:
        for layer in self.layers:
            ways = []
            for way, cell in enumerate(layer):
                turned = values[:, ::-1] if way else values
                h = through(cell, turned)
                counter.meet(cell.rows_ih, turned)
                counter.meet(cell.rows_hh, h[:, :-1])  # W_hh meets h of the step before
                if isinstance(cell, RNNCell) and cell.is_relu:
                    counter.add(cell.name, h == LARGEST)
                ways.append(h[:, ::-1] if way else h)
            values = np.concatenate(ways, axis=2)  # (batch, seq, directions * state_size)
        return values


def through(cell: Cell, values: Array) -> Array:
    """h after every step, `(batch, seq, state_size)`."""
    return np.stack([state.narrow for state in steps_of(cell, values)], axis=1)


def steps_of(cell: Cell, values: Array) -> list[CellState]:
    """The state after every step."""
    state = cell.start.repeated(len(values))
    states = []
    for t in range(values.shape[1]):
        state = cell.step(values[:, t], state)
        states.append(state)
    return states


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
        piece = (values + 32768) >> 7  # 0 to 511: a piece is 128 counts wide
        # of 128 counts, times the counts into the piece
        start = self.values[piece]
        rise = (self.values[piece + 1] - start) * (values & 127)
        answer: Array = start + ((rise + 64) >> 7)  # to the nearest
        return answer


@dataclass(frozen=True, eq=False)
class PReLU:
    """torch.nn.PReLU, narrow to wide with `GUARD_BITS` more after the point.

    Attributes:
        multiplier: `(width,)`, within 15 bits: of values below 0.
        shift: `(width,)`, 0 to 31: what is then shifted right.
    """

    multiplier: Array
    shift: Array

    def apply(self, values: Array, counter: Counter) -> Array:
        below = in_int32(values * self.multiplier) >> self.shift
        return np.where(values < 0, below, values << GUARD_BITS)


@dataclass(frozen=True, eq=False)
class Replace:
    """Counts of a narrow value that stand for something else.

    Attributes:
        value: `(width,)`: the counts; those beyond int16 never come.
        by: `(width,)`, int16: what takes their place.
    """

    value: Array
    by: Array

    def apply(self, values: Array, counter: Counter) -> Array:
        return np.where(values == self.value, self.by, values)


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
class LastSteps:
    """The last steps of a sequence.

    Attributes:
        count: how many.
    """

    count: int

    def apply(self, values: Array, counter: Counter) -> Array:
        last: Array = values[:, -self.count :]
        return last


@dataclass(frozen=True, eq=False)
class Flatten:
    """The steps that LastSteps kept as one row, step after step.

    Attributes:
        count: how many.
    """

    count: int

    def apply(self, values: Array, counter: Counter) -> Array:
        return values.reshape(len(values), -1)


@dataclass(frozen=True, eq=False)
class FinalState:
    """The state of a layer after the last step, both directions side by side.

    It takes what the recurrent stage takes, and goes through its layers once more: generated C
    finds the state where it was left.

    Attributes:
        layer: from 0.
        is_wide: whether it is c of an LSTM; else h.
    """

    recurrent: Recurrent
    layer: int
    is_wide: bool

    def apply(self, values: Array, counter: Counter) -> Array:
        layers = self.recurrent.layers[: self.layer]
        below = replace(self.recurrent, layers=layers)
        values = below.apply(values, counter)
        finals = []
        for way, cell in enumerate(self.recurrent.layers[self.layer]):
            last = steps_of(cell, values[:, ::-1] if way else values)[-1]
            finals.append(last.wide if self.is_wide else last.narrow)
        return np.concatenate(finals, axis=1)
