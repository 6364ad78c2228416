"""A layer of an LSTM, a GRU or an RNN in one direction: one matrix, and a few operations in place.

Columns are the rows of the batch. A layer reads `inputs (input_size + 1 + size, batch)`: x_t, then
a row of ones, then h, so that one product gives the sums of all gates with their biases.
sigmoid(a) is 0.5 * tanh(a / 2) + 0.5, and halving is exact: with the rows of such gates halved
beforehand, one tanh serves several gates. Equations: torch.nn.LSTM, torch.nn.GRU and torch.nn.RNN.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from ...errors import UnsupportedModel
from ...model import GRU, LSTM, RNN, Array, Cell, Recurrent
from ...model.gates import PYTORCH_GATES, PYTORCH_GRU_GATES, gate_slices, reorder_gates

LSTM_ROWS = ("input", "forget", "output", "cell")  # the sigmoids side by side
HALF = np.float32(0.5)

Step = Callable[[], None]


class Layer(NamedTuple):
    """A cell prepared for steps, shared by all batches.

    Attributes:
        cell: as the model has it.
        matrix: float32 `(4 * hidden_size, input_size + 1 + size)`; of an RNN hidden_size rows.
        step: makes the step of a batch from `matrix`, `weight_hr`, `inputs`, h and c, which it
            changes in place.
    """

    cell: Cell
    matrix: Array
    step: Callable[[Array, Array | None, Array, Array, Array], Step]

    def on(self, inputs: Array, h: Array, c: Array) -> Step:
        """The step on `h (size, batch)`, last in `inputs`, and on `c (hidden_size, batch)`."""
        return self.step(self.matrix, self.cell.weight_hr, inputs, h, c)


def layer_of(stage: Recurrent, cell: Cell) -> Layer:
    """Prepare one cell.

    Raises:
        UnsupportedModel: this engine knows no such stage.
    """
    if isinstance(stage, LSTM):
        return Layer(cell, _lstm_matrix(cell), _lstm_step)
    if isinstance(stage, GRU):
        return Layer(cell, _gru_matrix(cell), _gru_step)
    if isinstance(stage, RNN):
        squash = np.tanh if stage.nonlinearity == "tanh" else _relu
        bias = cell.bias_ih + cell.bias_hh
        matrix = np.column_stack([cell.weight_ih, bias, cell.weight_hh])
        return Layer(cell, matrix, partial(_rnn_step, squash))
    raise UnsupportedModel(
        f"the numpy engine cannot express {stage.name} ({stage.kind}); choose another engine"
    )


def _lstm_matrix(cell: Cell) -> Array:
    """Rows in the order of LSTM_ROWS, those of sigmoids halved."""
    bias = cell.bias_ih + cell.bias_hh
    columns = np.column_stack([cell.weight_ih, bias, cell.weight_hh])
    # (4 * hidden_size, input_size + 1 + size)
    matrix = reorder_gates(columns, PYTORCH_GATES, LSTM_ROWS)
    hidden_size = len(matrix) // 4
    matrix[: 3 * hidden_size] *= HALF  # the rows of the three sigmoids
    return matrix


def _lstm_step(matrix: Array, weight_hr: Array | None, inputs: Array, h: Array, c: Array) -> Step:
    hidden_size, batch = c.shape
    gates = np.empty((4 * hidden_size, batch), np.float32)  # the rows of LSTM_ROWS
    i, f, o, g = np.split(gates, 4)  # views of (hidden_size, batch): the step writes through them
    sigmoids = gates[: 3 * hidden_size]
    squashed = np.empty_like(c)  # tanh(c_t)
    multiply = np.multiply  # looked up once: a step of a small layer is as short as its look-ups
    tanh = np.tanh
    project = None if weight_hr is None else partial(np.dot, weight_hr, squashed, h)
    answer = h if weight_hr is None else squashed  # where o * tanh(c_t) goes

    def step() -> None:
        np.dot(matrix, inputs, gates)  # (4 * hidden_size, batch), biases included
        tanh(gates, gates)
        multiply(sigmoids, HALF, sigmoids)  # sigmoid(a) = 0.5 * tanh(a / 2) + 0.5
        np.add(sigmoids, HALF, sigmoids)
        multiply(f, c, c)  # c_t = f * c + i * g, in place
        multiply(i, g, g)
        np.add(c, g, c)
        tanh(c, squashed)
        multiply(o, squashed, answer)  # h_t, or what weight_hr projects
        if project:
            project()

    return step


def _relu(sums: Array, h: Array) -> None:
    np.maximum(sums, np.float32(0), out=h)


def _rnn_step(
    squash: Callable[[Array, Array], object],
    matrix: Array,
    _: Array | None,
    inputs: Array,
    h: Array,
    c: Array,
) -> Step:
    sums = np.empty(h.shape, np.float32)

    def step() -> None:
        np.dot(matrix, inputs, sums)
        squash(sums, h)

    return step


def _gru_matrix(cell: Cell) -> Array:
    """Rows: reset and update, halved; then what x gives the new gate; then what h gives it."""
    columns = np.column_stack([cell.weight_ih, cell.bias_ih + cell.bias_hh, cell.weight_hh])
    hidden_size = len(columns) // 3
    input_size = cell.weight_ih.shape[1]
    new = gate_slices(PYTORCH_GRU_GATES, hidden_size)["new"]
    # The two parts of the new gate stay apart: the reset gate acts on what h gives it.
    from_x = columns[new].copy()  # (hidden_size, input_size + 1 + hidden_size)
    from_x[:, input_size] = cell.bias_ih[new]
    from_x[:, input_size + 1 :] = 0.0  # h gives nothing to these rows
    from_h = columns[new].copy()  # the same shape
    from_h[:, :input_size] = 0.0  # x gives nothing to these
    from_h[:, input_size] = cell.bias_hh[new]
    reset_update = columns[: new.start] * HALF
    return np.concatenate([reset_update, from_x, from_h])  # 4 * hidden_size rows


def _gru_step(matrix: Array, _: Array | None, inputs: Array, h: Array, c: Array) -> Step:
    hidden_size, batch = h.shape
    sums = np.empty((4 * hidden_size, batch), np.float32)  # r, z, then both sums of n apart
    r, z, n, from_h = np.split(sums, 4)  # views of (hidden_size, batch)
    sigmoids = sums[: 2 * hidden_size]
    multiply = np.multiply
    tanh = np.tanh

    def step() -> None:
        np.dot(matrix, inputs, sums)
        tanh(sigmoids, sigmoids)
        multiply(sigmoids, HALF, sigmoids)
        np.add(sigmoids, HALF, sigmoids)
        multiply(r, from_h, from_h)  # r * (W_hn h + b_hn)
        np.add(n, from_h, n)
        tanh(n, n)  # n = tanh(W_in x + b_in + r * (W_hn h + b_hn))
        np.subtract(h, n, h)  # h_t = n + z * (h - n)
        multiply(z, h, h)
        np.add(n, h, h)

    return step
