"""Chains rewritten for formats that lack a stage, in terms of stages that they have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..errors import UnsupportedModel
from .arrays import Array
from .model import Model
from .recurrent import LSTM, Cell, Recurrent
from .stage import Stage
from .stages import Linear

# A learned h0 comes back out of its pseudo-inverse with about this many roundings.
POOR_CONDITION = 100.0


def lower_projections(model: Model) -> Model:
    """The chain without proj_size: LSTMs that recur through `weight_hh @ weight_hr`, then Linears.

    The gates see `weight_hh @ (weight_hr @ h)`, so that the products may be taken in another order;
    here they are taken in float64 and rounded once. Exact but for that rounding. A learned h0
    becomes `pinv(weight_hr) @ h0`.
    """
    projected = [stage.name for stage in model.recurrent if stage.proj_size]
    if not projected:
        return model
    if not model.is_chain:
        fault = "it has proj_size, which can be left out of a chain only"
        raise UnsupportedModel(f"{projected[0]} cannot be lowered: {fault}")
    return replace(model, stages=tuple(_lowered(model.stages)))


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


def _lowered(stages: tuple[Stage, ...]) -> Iterator[Stage]:
    """The projection of the last layer moves to after the read-out, where it has one row to do."""
    held: Stage | None = None
    for stage in stages:
        if held is not None and stage.steps != "reduce":
            yield held
            held = None
        if isinstance(stage, LSTM) and stage.proj_size:
            *before, held = _without_projections(stage)
            yield from before
            continue
        yield stage
        if held is not None:
            yield held
            held = None
    if held is not None:
        yield held


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
