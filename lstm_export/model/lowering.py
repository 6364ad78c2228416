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
from .wiring import INPUT

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
    return replace(model, stages=tuple(_lowered(model)))


def lowering_notes(model: Model) -> Iterator[str]:
    """What a user should know of a chain that `lower_projections` changes."""
    for stage in model.recurrent:
        if stage.proj_size:
            as_what = "weight_hh @ weight_hr, then weight_hr as a Linear"
            yield f"the projections of {stage.name} are lowered: {as_what}"
            worst = _worst_condition(stage)
            if "h0" in stage.weights and worst >= POOR_CONDITION:
                reason = f"its weight_hr has the condition {worst:.0f}"
                yield f"the learned h0 of {stage.name} loses digits: {reason}"


def _worst_condition(stage: Recurrent) -> float:
    cells = [cell for layer in stage.layers() for cell in layer]
    return max(float(np.linalg.cond(_weight_hr(cell))) for cell in cells)


def _lowered(model: Model) -> Iterator[Stage]:
    """A read-out has one row to project: of the last layer it takes what is not projected yet."""
    names = {INPUT: X}  # by index what stands for a stage's value now
    held: dict[int, _Held] = {}
    for index, stage in enumerate(model.stages):
        source = model.sources[index][0]
        inputs = tuple(names[source] for source in model.sources[index])
        if isinstance(stage, LSTM) and stage.proj_size:
            first, *others, projection = _without_projections(stage)
            yield replace(first, inputs=inputs)
            yield from others
            held[index] = _Held.of(model, index, (first, *others)[-1].name, projection)
            if held[index].is_taken_by_others:
                yield projection
            names[index] = projection.name
        elif source in held and _is_read_out(stage):
            yield replace(stage, inputs=(held[source].lstm,))
            projection = held[source].after(stage)
            yield projection
            names[index] = projection.name
        else:
            yield replace(stage, inputs=inputs)
            names[index] = stage.name


class _Held(NamedTuple):
    """The projection of a last layer, which read-outs do themselves.

    Attributes:
        lstm: the name of the layer without it.
        projection: as every step takes it.
        is_taken_by_others: whether other stages than read-outs take every step.
        is_shared: whether there are several stages that take it.
    """

    lstm: str
    projection: Stage
    is_taken_by_others: bool
    is_shared: bool

    @classmethod
    def of(cls, model: Model, index: int, lstm: str, projection: Stage) -> _Held:
        readers = model.readers_of(index)
        is_taken_by_others = not readers or not all(map(_is_read_out, readers))
        return cls(lstm, projection, is_taken_by_others, len(readers) > 1)

    def after(self, read_out: Stage) -> Stage:
        """The projection of one row."""
        name = self.projection.name
        return replace(self.projection, name=f"{name}.{read_out.name}" if self.is_shared else name)


def _is_read_out(stage: Stage) -> bool:
    return isinstance(stage, LastStep | LastHidden)


def _without_projections(stage: LSTM) -> Iterator[Stage]:
    """Layer by layer an LSTM of one layer and the Linear that projects its output."""
    for k, cells in enumerate(stage.layers()):
        name = f"{stage.name}.{k}"
        first = k * len(cells)
        rows = slice(first, first + len(cells))  # of h0 and c0
        yield LSTM(name, _layer_weights(stage, cells, rows))
        yield Linear(f"{name}.hr", _block_diagonal([_weight_hr(cell) for cell in cells]))


def _layer_weights(stage: LSTM, cells: tuple[Cell, ...], rows: slice) -> dict[str, Array]:
    """The weights of one layer as those of an LSTM of its own, without projections."""
    weights: dict[str, Array] = {}
    for cell in cells:
        suffix = "_l0_reverse" if cell.is_reverse else "_l0"
        for key, array in _cell_weights(stage, cell).items():
            weights[f"{key}{suffix}"] = array
    if "h0" in stage.weights:
        pairs = zip(cells, stage.weights["h0"][rows], strict=True)
        weights["h0"] = np.stack([_unprojected(h0, cell) for cell, h0 in pairs])
    if "c0" in stage.weights:
        weights["c0"] = stage.weights["c0"][rows]
    return weights


def _cell_weights(stage: LSTM, cell: Cell) -> dict[str, Array]:
    weight_hh = cell.weight_hh.astype(np.float64)  # (4 * hidden_size, proj_size)
    weight_hr = _weight_hr(cell).astype(np.float64)  # (proj_size, hidden_size)
    weights = {"weight_ih": cell.weight_ih, "weight_hh": weight_hh @ weight_hr}
    if stage.bias:
        weights["bias_ih"] = cell.bias_ih
        weights["bias_hh"] = cell.bias_hh
    return weights


def _unprojected(h0: Array, cell: Cell) -> Array:
    """An unprojected state `(hidden_size,)` whose projection is `h0 (proj_size,)`."""
    inverse = np.linalg.pinv(_weight_hr(cell).astype(np.float64))
    unprojected: Array = inverse @ h0.astype(np.float64)
    return unprojected


def _weight_hr(cell: Cell) -> Array:
    assert cell.weight_hr is not None  # noqa: S101 - a stage with proj_size has it in every cell
    return cell.weight_hr


def _block_diagonal(blocks: list[Array]) -> Array:
    """Each direction projected on its own: `(sum of rows, sum of columns)`."""
    rows = sum(block.shape[0] for block in blocks)
    columns = sum(block.shape[1] for block in blocks)
    matrix = np.zeros((rows, columns), np.float32)
    row = 0
    column = 0
    for block in blocks:
        height, width = block.shape
        matrix[row : row + height, column : column + width] = block
        row += height
        column += width
    return matrix
