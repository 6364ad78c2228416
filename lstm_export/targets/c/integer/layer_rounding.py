"""From the float weights of LSTM and GRU layers to whole numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ....errors import UnsupportedModel
from ....model import LSTM, Array, Recurrent, Stage
from ....model import Cell as FloatCell
from .arithmetic import CELL_BITS, CELL_LIMIT, LARGEST, SUM_BITS, VALUE_BITS
from .cells import Cell, CellState, GRUCell, LSTMCell, Projection
from .rows import FINE_CHUNK, REACH, Rows, Storage, reach, row_bits, whole_bias, whole_rows


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
    stage: Recurrent, input_bits: Array, storage: Storage
) -> Iterator[tuple[tuple[Cell, ...], LayerFormats]]:
    """Every layer of a stage, one or two directions each, and the formats around it.

    Raises:
        UnsupportedModel: sums of a gate leave int32.
    """
    for layer in stage.layers():
        state_bits = min(_state_bits(cell) for cell in layer)
        formats = LayerFormats(storage, input_bits, state_bits)
        make = _lstm_cell if isinstance(stage, LSTM) else _gru_cell
        yield tuple(make(stage, cell, formats) for cell in layer), formats
        # (directions * state_size,): h is the next layer's input
        input_bits = np.full(len(layer) * stage.state_size, state_bits)


def most_bits(largest: float, stage: Stage) -> int:
    """The most bits after the point with which sums of a stage stay in int32.

    Raises:
        UnsupportedModel: they are far too large.
    """
    bits = int(np.floor(np.log2(REACH / max(largest, 1e-300))))
    if bits < -VALUE_BITS:
        raise UnsupportedModel(f"{stage.name} can reach {largest:.3g}, too much for whole numbers")
    return min(bits, 30)


def _state_bits(cell: FloatCell) -> int:
    """Bits after the point of h: a projected h may be larger than 1."""
    if cell.weight_hr is None:
        return VALUE_BITS
    largest = reach(np.asarray(cell.weight_hr, np.float64), np.full(1, VALUE_BITS))
    largest = max(largest, float(np.abs(cell.h0).max()))
    return VALUE_BITS - max(int(np.ceil(np.log2(max(largest, 1e-300)))), 0)


def _lstm_cell(stage: Recurrent, cell: FloatCell, formats: LayerFormats) -> LSTMCell:
    bias = np.asarray(cell.bias_ih, np.float64) + cell.bias_hh
    bits = _sum_bits(stage, cell, formats, float(np.abs(bias).max()))
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
    bits = _sum_bits(stage, cell, formats, float(largest.max()))
    rows_ih, rows_hh = _rows(stage, cell, formats, bits)
    h = _count(cell.h0, formats.state_bits, LARGEST)
    start = CellState(h, _count(cell.h0, CELL_BITS, CELL_LIMIT))
    bias_ih = whole_bias(cell.bias_ih, bits)
    bias_hh = whole_bias(cell.bias_hh, bits)
    return GRUCell(rows_ih, rows_hh, bias_ih, bias_hh, bits, start)


def _sum_bits(stage: Recurrent, cell: FloatCell, formats: LayerFormats, bias: float) -> int:
    """Bits after the point of a gate's sum: 20, or fewer where it could leave int32."""
    largest = bias
    finest = SUM_BITS
    for weight, value_bits in _matrices(cell, formats):
        largest += reach(weight, value_bits)
        finest = min(finest, row_bits(weight, value_bits, formats.storage.bits).sums)
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
    names = [f"{stage.name}.weight_{part}{cell.suffix}" for part in ("ih", "hh")]
    x, h = _matrices(cell, formats)
    rows_ih = whole_rows(names[0], *x, formats.storage, sum_bits)
    return rows_ih, whole_rows(names[1], *h, formats.storage, sum_bits)


def _matrices(cell: FloatCell, formats: LayerFormats) -> list[tuple[Array, Array]]:
    """weight_ih and weight_hh in float64, each with its values' bits after the point."""
    w_x = np.asarray(cell.weight_ih, np.float64)
    w_h = np.asarray(cell.weight_hh, np.float64)
    return [(w_x, formats.input_bits), (w_h, np.full(w_h.shape[1], formats.state_bits))]


def _projection(name: str, weight: Array, formats: LayerFormats) -> Projection:
    exact = np.asarray(weight, np.float64)
    bits = np.full(exact.shape[1], VALUE_BITS)
    sum_bits = min(row_bits(exact, bits, formats.storage.bits, FINE_CHUNK).sums, SUM_BITS)
    rows = whole_rows(name, exact, bits, formats.storage, sum_bits, FINE_CHUNK)
    return Projection(rows, sum_bits - formats.state_bits)


def _count(values: Array, bits: int, limit: int) -> Array:
    """A state before the first step, `(1, size)`."""
    exact = np.rint(np.asarray(values, np.float64) * 2.0**bits)
    return np.clip(exact, -limit, limit).astype(np.int64)[np.newaxis]
