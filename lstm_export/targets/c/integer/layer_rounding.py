"""From the float weights of LSTM, GRU and RNN layers to whole numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ....errors import UnsupportedModel
from ....model import LSTM, RNN, Array, Recurrent, Stage
from ....model import Cell as FloatCell
from .arithmetic import (
    CELL_BITS,
    CELL_LIMIT,
    GUARD_BITS,
    LARGEST,
    SUM_BITS,
    VALUE_BITS,
    float64,
    nearest,
)
from .cells import Cell, CellState, GRUCell, LSTMCell, Projection, RNNCell
from .rows import (
    FINE_CHUNK,
    LAYER_CHUNK,
    REACH,
    Rows,
    Storage,
    reach,
    row_bits,
    whole_bias,
    whole_rows,
)


@dataclass(frozen=True)
class LayerFormats:
    """The formats around the cells of a layer.

    Attributes:
        storage: of the weights.
        input_bits: `(input width,)` bits after the point of x.
        state_bits: of h.
    """

    storage: Storage
    input_bits: Array
    state_bits: int


def whole_layers(
    stage: Recurrent, input_bits: Array, storage: Storage, after: int
) -> Iterator[tuple[tuple[Cell, ...], LayerFormats]]:
    """Every layer of a stage, one or two directions each, and the formats around it.

    A relu, which has no bound, gets `after` bits after the point, or fewer.

    Raises:
        UnsupportedModel: sums of a gate leave int32.
    """
    for layer in stage.layers():
        formats = LayerFormats(storage, input_bits, after)
        state_bits = min(_state_bits(stage, cell, formats) for cell in layer)
        formats = replace(formats, state_bits=state_bits)
        yield tuple(_cell(stage, cell, formats) for cell in layer), formats
        # (directions * state_size,): h is the next layer's input
        input_bits = np.full(len(layer) * stage.state_size, state_bits)


def _cell(stage: Recurrent, cell: FloatCell, formats: LayerFormats) -> Cell:
    if isinstance(stage, RNN):
        return _rnn_cell(stage, cell, formats)
    make = _lstm_cell if isinstance(stage, LSTM) else _gru_cell
    return make(stage, cell, formats)


def most_bits(largest: float, stage: Stage) -> int:
    """The most bits after the point with which sums of a stage stay in int32.

    Raises:
        UnsupportedModel: they are far too large.
    """
    bits = int(np.floor(np.log2(REACH / max(largest, 1e-300))))
    if bits < -VALUE_BITS:
        raise UnsupportedModel(f"{stage.name} can reach {largest:.3g}, too much for whole numbers")
    return min(bits, 30)


def _state_bits(stage: Recurrent, cell: FloatCell, formats: LayerFormats) -> int:
    """Bits after the point of h: a projected h and a relu may be larger than 1."""
    if isinstance(stage, RNN) and stage.nonlinearity == "relu":
        return _relu_bits(stage, cell, formats)
    if cell.weight_hr is None:
        return VALUE_BITS
    projected = reach(float64(cell.weight_hr), np.full(1, VALUE_BITS))
    initial = float(np.abs(cell.h0).max())
    largest = max(projected, initial, 1e-300)
    before_the_point = max(int(np.ceil(np.log2(largest))), 0)
    return VALUE_BITS - before_the_point


def _relu_bits(stage: RNN, cell: FloatCell, formats: LayerFormats) -> int:
    """The most bits after the point, up to those in `formats`; sums have `GUARD_BITS` more."""
    bias = _summed_bias(cell)
    while _sum_bits(stage, cell, formats, bias) < formats.state_bits + GUARD_BITS:
        formats = replace(formats, state_bits=formats.state_bits - 1)
    return formats.state_bits


def _lstm_cell(stage: Recurrent, cell: FloatCell, formats: LayerFormats) -> LSTMCell:
    bias = _summed_bias(cell)
    bits = _sum_bits(stage, cell, formats, bias)
    rows_ih, rows_hh = _rows(stage, cell, formats, bits)
    h = _count(cell.h0, formats.state_bits, LARGEST)
    c = _count(cell.c0, CELL_BITS, CELL_LIMIT)
    projection = None
    if cell.weight_hr is not None:
        name = f"{stage.name}.weight_hr{cell.suffix}"
        projection = _projection(name, cell.weight_hr, formats)
    return LSTMCell(rows_ih, rows_hh, whole_bias(bias, bits), bits, CellState(h, c), projection)


def _gru_cell(stage: Recurrent, cell: FloatCell, formats: LayerFormats) -> GRUCell:
    largest = np.abs(cell.bias_ih) + np.abs(cell.bias_hh)
    bits = _sum_bits(stage, cell, formats, largest)
    rows_ih, rows_hh = _rows(stage, cell, formats, bits)
    h = _count(cell.h0, formats.state_bits, LARGEST)
    start = CellState(h, _count(cell.h0, CELL_BITS, CELL_LIMIT))
    bias_ih = whole_bias(cell.bias_ih, bits)
    bias_hh = whole_bias(cell.bias_hh, bits)
    return GRUCell(rows_ih, rows_hh, bias_ih, bias_hh, bits, start)


def _rnn_cell(stage: RNN, cell: FloatCell, formats: LayerFormats) -> RNNCell:
    is_relu = stage.nonlinearity == "relu"
    bias = _summed_bias(cell)
    bits = formats.state_bits + GUARD_BITS if is_relu else _sum_bits(stage, cell, formats, bias)
    rows_ih, rows_hh = _rows(stage, cell, formats, bits)
    h = _count(cell.h0, formats.state_bits, LARGEST)
    start = CellState(h, np.zeros((1, 0), np.int64))
    return RNNCell(stage.name, rows_ih, rows_hh, whole_bias(bias, bits), bits, start, is_relu)


def _summed_bias(cell: FloatCell) -> Array:
    """`(gates * hidden_size,)`"""
    bias: Array = float64(cell.bias_ih) + cell.bias_hh
    return bias


def _chunks(stage: Recurrent) -> Mapping[int, int]:
    """An RNN's rows are multiplied one by one, as those of a Linear."""
    return FINE_CHUNK if isinstance(stage, RNN) else LAYER_CHUNK


def _sum_bits(stage: Recurrent, cell: FloatCell, formats: LayerFormats, bias: Array) -> int:
    """Bits after the point of a gate's sum: 20, or fewer where it could leave int32."""
    largest = float(np.abs(bias).max())
    finest = SUM_BITS
    for weight, value_bits in _matrices(cell, formats):
        largest += reach(weight, value_bits)
        made = row_bits(weight, value_bits, formats.storage.bits, _chunks(stage))
        finest = min(finest, made.sums)
    bits = min(finest, most_bits(largest, stage))
    if bits < 0:
        raise UnsupportedModel(
            f"a gate of {stage.name} can reach {largest:.3g}, too much for whole numbers; "
            "scale the inputs, or export it with --arithmetic float"
        )
    return bits


def _rows(
    stage: Recurrent, cell: FloatCell, formats: LayerFormats, sum_bits: int
) -> tuple[Rows, Rows]:
    """weight_ih and weight_hh."""
    made = []
    for part, matrix in zip(("ih", "hh"), _matrices(cell, formats), strict=True):
        name = f"{stage.name}.weight_{part}{cell.suffix}"
        rows = whole_rows(name, *matrix, formats.storage, sum_bits, _chunks(stage))
        made.append(rows)
    rows_ih, rows_hh = made
    return rows_ih, rows_hh


def _matrices(cell: FloatCell, formats: LayerFormats) -> list[tuple[Array, Array]]:
    """weight_ih and weight_hh in float64, each with its values' bits after the point."""
    weight_ih = float64(cell.weight_ih)
    weight_hh = float64(cell.weight_hh)
    state_bits = np.full(weight_hh.shape[1], formats.state_bits)
    return [(weight_ih, formats.input_bits), (weight_hh, state_bits)]


def _projection(name: str, weight: Array, formats: LayerFormats) -> Projection:
    exact = float64(weight)
    bits = np.full(exact.shape[1], VALUE_BITS)
    finest = row_bits(exact, bits, formats.storage.bits, FINE_CHUNK)
    sum_bits = min(finest.sums, SUM_BITS)
    rows = whole_rows(name, exact, bits, formats.storage, sum_bits, FINE_CHUNK)
    return Projection(rows, sum_bits - formats.state_bits)


def _count(values: Array, bits: int, limit: int) -> Array:
    """A state before the first step, `(1, size)`."""
    exact = float64(values) * 2.0**bits
    count = nearest(np.clip(exact, -limit, limit))
    return count[np.newaxis]
