"""Chains rewritten for formats that lack a stage, in terms of stages that they have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .arrays import Array
from .model import Model
from .recurrent import LSTM, Cell, Recurrent
from .stage import Stage, X
from .stages import LastHidden, LastStep, Linear
from .wiring import INPUT, needed

# A learned h0 comes back out of its pseudo-inverse with about this many roundings.
POOR_CONDITION = 100.0


def lower_projections(model: Model) -> Model:
    """The chain without proj_size: LSTMs that recur through `weight_hh @ weight_hr`, then Linears.

    The gates see `weight_hh @ (weight_hr @ h)`, so that the products may be taken in another order;
    here they are taken in float64 and rounded once. Exact but for that rounding. A learned h0
    becomes `pinv(weight_hr) @ h0`.
    """
    if not any(stage.proj_size for stage in model.recurrent):
        return model
    return replace(model, stages=needed(tuple(_lowered(model))))


def lowering_notes(model: Model) -> Iterator[str]:
    """Sentences for a user whose chain `lower_projections` changes."""
    for stage in model.recurrent:
        if stage.proj_size:
            product = "weight_hh @ weight_hr, then weight_hr as a Linear"
            yield f"the projections of {stage.name} are lowered: {product}"
            condition = _worst_condition(stage)
            if "h0" in stage.weights and condition >= POOR_CONDITION:
                reason = f"its weight_hr has the condition {condition:.0f}"
                yield f"the learned h0 of {stage.name} loses digits: {reason}"


def _worst_condition(stage: Recurrent) -> float:
    conditions = [np.linalg.cond(_weight_hr(cell)) for cell in stage.cells()]
    return float(max(conditions))


def _lowered(model: Model) -> Iterator[Stage]:
    """Every stage, naming what it takes.

    A read-out has one row to project: it takes what is not projected yet.
    """
    names = {INPUT: X}  # by index what stands for a stage's value now
    layers: dict[int, _Layers] = {}  # of the stages that had projections
    lowered: tuple[Stage, ...]
    for index, stage in enumerate(model.stages):
        source = model.sources[index][0]
        inputs = tuple(names[each] for each in model.sources[index])
        if isinstance(stage, LSTM) and stage.proj_size:
            lowered = tuple(_without_projections(stage, inputs))
            layers[index] = _Layers(lowered, model.readers_of(index))
            if layers[index].is_left_to_read_out:
                lowered = lowered[:-1]
        elif source in layers and isinstance(stage, LastStep | LastHidden):
            lowered = layers[source].read(stage)
        else:
            lowered = (replace(stage, inputs=inputs),)
        yield from lowered
        names[index] = lowered[-1].name


class _Layers(NamedTuple):
    """Layer by layer an LSTM and its projection.

    Attributes:
        stages: the LSTM of layer 0, its projection, that of layer 1, ...
        readers: the stages that take the value of the last.
    """

    stages: tuple[Stage, ...]
    readers: tuple[Stage, ...]

    @property
    def is_left_to_read_out(self) -> bool:
        """Whether a single read-out takes the last layer, and does its projection."""
        if len(self.readers) != 1:
            return False
        (reader,) = self.readers
        is_last_output = isinstance(reader, LastHidden) and reader.is_last_output
        return is_last_output or isinstance(reader, LastStep)

    def read(self, read_out: LastStep | LastHidden) -> tuple[Stage, ...]:
        """A read-out of what is not projected, and the projection of its row."""
        layer = read_out.layer if isinstance(read_out, LastHidden) else -1
        # two stages a layer; layer counts back from the last
        lstm, projection = self.stages[2 * layer :][:2]
        own = replace(read_out, inputs=(lstm.name,))
        if isinstance(own, LastHidden):
            own = replace(own, layer=-1)
            if own.state == "c":
                return (own,)
        name = projection.name
        if not self.is_left_to_read_out:
            name = f"{name}.{own.name}"
        return own, replace(projection, name=name, inputs=(own.name,))


def _without_projections(stage: LSTM, inputs: tuple[str, ...]) -> Iterator[Stage]:
    """Layer by layer an LSTM of one layer and the Linear that projects its output."""
    for k, cells in enumerate(stage.layers()):
        name = f"{stage.name}.{k}"
        first = k * len(cells)
        rows = slice(first, first + len(cells))  # of h0 and c0
        yield LSTM(name, _layer_weights(stage, cells, rows), inputs=inputs)
        matrix = _block_diagonal([_weight_hr(cell) for cell in cells])
        yield Linear(f"{name}.hr", matrix, inputs=(name,))
        inputs = (f"{name}.hr",)


def _layer_weights(stage: LSTM, cells: tuple[Cell, ...], rows: slice) -> dict[str, Array]:
    """The weights of one layer as those of an LSTM of its own, without projections."""
    weights: dict[str, Array] = {}
    for cell in cells:
        suffix = "_l0_reverse" if cell.is_reverse else "_l0"
        for key, array in _cell_weights(stage, cell).items():
            weights[f"{key}{suffix}"] = array
    if "h0" in stage.weights:
        pairs = zip(cells, stage.weights["h0"][rows], strict=True)
        # from (directions, proj_size) to (directions, hidden_size)
        weights["h0"] = np.stack([_unprojected(h0, cell) for cell, h0 in pairs])
    if "c0" in stage.weights:
        weights["c0"] = stage.weights["c0"][rows]
    return weights


def _cell_weights(stage: LSTM, cell: Cell) -> dict[str, Array]:
    weight_hh = cell.weight_hh.astype(np.float64)  # (4 * hidden_size, proj_size)
    weight_hr = _weight_hr(cell).astype(np.float64)  # (proj_size, hidden_size)
    # it becomes (4 * hidden_size, hidden_size)
    weights = {"weight_ih": cell.weight_ih, "weight_hh": weight_hh @ weight_hr}
    if stage.bias:
        weights["bias_ih"] = cell.bias_ih
        weights["bias_hh"] = cell.bias_hh
    return weights


def _unprojected(h0: Array, cell: Cell) -> Array:
    """An unprojected state `(hidden_size,)` whose projection is `h0 (proj_size,)`."""
    inverse = np.linalg.pinv(_weight_hr(cell).astype(np.float64))  # (hidden_size, proj_size)
    # of all states with that projection the shortest
    unprojected: Array = inverse @ h0.astype(np.float64)
    return unprojected


def _weight_hr(cell: Cell) -> Array:
    assert cell.weight_hr is not None  # noqa: S101 - a stage with proj_size has it in every cell
    return cell.weight_hr


def _block_diagonal(blocks: list[Array]) -> Array:
    """Each direction projected on its own: `(sum of rows, sum of columns)`."""
    rows = sum(block.shape[0] for block in blocks)
    columns = sum(block.shape[1] for block in blocks)
    # (directions * proj_size, directions * hidden_size)
    matrix = np.zeros((rows, columns), np.float32)
    row = 0
    column = 0
    for block in blocks:
        height, width = block.shape
        matrix[row : row + height, column : column + width] = block
        row += height
        column += width
    return matrix
