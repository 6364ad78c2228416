"""Layers of LSTM, GRU and RNN in whole numbers, as equations that generated C must equal.

Shapes as in torch.nn; `x_t (batch, input_size)` and `h (batch, state_size)` are int16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ....model import Array
from .arithmetic import (
    CELL_BITS,
    CELL_LIMIT,
    GUARD_BITS,
    HALF_STEP,
    SUM_BITS,
    TABLE_BITS,
    VALUE_BITS,
    in_int32,
    narrowed,
    rounded_shift,
    sigmoid,
    tanh,
    tanh_fine,
    times,
)
from .rows import Rows


@dataclass(frozen=True, eq=False)
class CellState:
    """What a layer in one direction carries from step to step, `(batch, size)` each.

    Attributes:
        narrow: h, int16.
        wide: c of an LSTM, h of a GRU, int32 Q7.24; nothing of an RNN.
    """

    narrow: Array
    wide: Array

    @property
    def narrow_size(self) -> int:
        """Values of a row that are int16."""
        size: int = self.narrow.shape[1]
        return size

    @property
    def wide_size(self) -> int:
        """Values of a row that are int32."""
        size: int = self.wide.shape[1]
        return size

    def repeated(self, batch: int) -> CellState:
        """A state of one row for every row of a batch."""
        narrow = np.repeat(self.narrow, batch, axis=0)
        wide = np.repeat(self.wide, batch, axis=0)
        return CellState(narrow, wide)


@dataclass(frozen=True, eq=False)
class Projection:
    """The projection of an LSTM.

    Attributes:
        rows: weight_hr.
        shift: from its sums to h.
    """

    rows: Rows
    shift: int


@dataclass(frozen=True, eq=False)
class LSTMCell:
    """One layer in one direction: gates stacked as torch.nn.LSTM does, i, f, g, o.

    Attributes:
        sum_bits: bits after the point of a gate's sum.
        bias: `(4 * hidden_size,)`, in the same format.
        start: the state before the first step, `(1, size)`.
    """

    rows_ih: Rows
    rows_hh: Rows
    bias: Array
    sum_bits: int
    start: CellState
    projection: Projection | None = None

    gates: ClassVar[int] = 4
    kind: ClassVar[str] = "lstm"

    def step(self, x_t: Array, state: CellState) -> CellState:
        """The state after one step."""
        up = SUM_BITS - self.sum_bits
        sums = self.bias + self.rows_ih.sums(x_t) + self.rows_hh.sums(state.narrow)
        i, f, g, o = np.split(in_int32(sums), 4, axis=1)  # (batch, hidden_size) each
        new = (tanh_fine(g, up) - HALF_STEP) << (CELL_BITS - TABLE_BITS)
        let_in = times(sigmoid(i, up), new)
        held = times(sigmoid(f, up), state.wide)  # Q7.24, as c
        c = np.clip(held + let_in, -CELL_LIMIT - 1, CELL_LIMIT)
        tanh_c = tanh_fine(c >> (CELL_BITS - SUM_BITS)) - HALF_STEP  # Q9.22
        let_out = times(sigmoid(o, up), tanh_c)
        h = rounded_shift(let_out, TABLE_BITS - VALUE_BITS)  # Q0.15
        if self.projection:
            h = narrowed(self.projection.rows.sums(h), self.projection.shift)
        return CellState(h, c)


@dataclass(frozen=True, eq=False)
class GRUCell:
    """One layer in one direction: gates stacked as torch.nn.GRU does, r, z, n.

    Attributes: as of LSTMCell; bias_ih and bias_hh `(3 * hidden_size,)`.
    """

    rows_ih: Rows
    rows_hh: Rows
    bias_ih: Array
    bias_hh: Array
    sum_bits: int
    start: CellState

    gates: ClassVar[int] = 3
    kind: ClassVar[str] = "gru"

    def step(self, x_t: Array, state: CellState) -> CellState:
        """The state after one step."""
        up = SUM_BITS - self.sum_bits
        of_x = in_int32(self.bias_ih + self.rows_ih.sums(x_t))
        of_h = in_int32(self.bias_hh + self.rows_hh.sums(state.narrow))
        r_x, z_x, n_x = np.split(of_x, 3, axis=1)  # (batch, hidden_size) each
        r_h, z_h, n_h = np.split(of_h, 3, axis=1)
        r = sigmoid(in_int32(r_x + r_h), up)
        z = sigmoid(in_int32(z_x + z_h), up)
        new = in_int32(n_x + times(r, n_h))
        n = (tanh_fine(new, up) - HALF_STEP) << (CELL_BITS - TABLE_BITS)
        h = in_int32(n + times(z, state.wide - n))
        return CellState(narrowed(h, CELL_BITS - VALUE_BITS), h)


@dataclass(frozen=True, eq=False)
class RNNCell:
    """One layer of torch.nn.RNN in one direction.

    Attributes: as of LSTMCell, and
        name: of its stage.
        is_relu: whether h is a relu, with `GUARD_BITS` fewer after the point than its sums, of
            which what does not fit is cut; else a tanh, Q0.15.
    """

    name: str
    rows_ih: Rows
    rows_hh: Rows
    bias: Array
    sum_bits: int
    start: CellState
    is_relu: bool

    gates: ClassVar[int] = 1

    @property
    def kind(self) -> str:
        """The function of the C runtime."""
        return "rnn_relu" if self.is_relu else "rnn"

    def step(self, x_t: Array, state: CellState) -> CellState:
        """The state after one step."""
        sums = in_int32(self.bias + self.rows_ih.sums(x_t) + self.rows_hh.sums(state.narrow))
        if self.is_relu:
            h = narrowed(np.maximum(sums, 0), GUARD_BITS)
        else:
            h = tanh(sums, SUM_BITS - self.sum_bits)
        return CellState(h, state.wide)


Cell = LSTMCell | GRUCell | RNNCell
