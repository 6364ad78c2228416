"""Chains rewritten for formats that lack a stage, in terms of stages that they have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from .arrays import Array
from .model import Model
from .recurrent import LSTM, Cell
from .stages import Linear, Stage

# A learned h0 comes back out of its pseudo-inverse with about this many roundings.
POOR_CONDITION = 100.0


def lower_projections(model: Model) -> Model:
    """The chain without proj_size: LSTMs that recur through `weight_hh @ weight_hr`, then Linears.

    The gates see `weight_hh @ (weight_hr @ h)`, so that the products may be taken in another order; here they are taken
    in float64 and rounded once. Exact but for that rounding. A learned h0 becomes `pinv(weight_hr) @ h0`.
    """
    if not any(stage.proj_size for stage in model.recurrent):
        return model
    return replace(model, stages=tuple(_lowered(model.stages)))


def lowering_notes(model: Model) -> Iterator[str]:
    """What a user should know of a chain that `lower_projections` changes."""
    for stage in model.recurrent:
        if stage.proj_size:
            yield f"the projections of {stage.name} are lowered: weight_hh @ weight_hr, then weight_hr as a Linear"
            worst = max(np.linalg.cond(_hr(cell)) for layer in stage.layers() for cell in layer)
            if "h0" in stage.weights and worst >= POOR_CONDITION:
                yield f"the learned h0 of {stage.name} loses digits: its weight_hr has the condition {worst:.0f}"


def _lowered(stages: tuple[Stage, ...]) -> Iterator[Stage]:
    held: Stage | None = None  # the last projection, until the read-out has picked its step
    for stage in stages:
        if held is not None and stage.steps != "reduce":
            yield held
            held = None
        if isinstance(stage, LSTM) and stage.proj_size:
            *before, held = _without_projections(stage)
            yield from before
        else:
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
        weights: dict[str, Array] = {}
        for cell in cells:
            weights |= {f"{key}_l0{cell.suffix.partition('_reverse')[1]}": array for key, array in _cell(stage, cell)}
        directions = slice(k * len(cells), (k + 1) * len(cells))
        if "h0" in stage.weights:
            pairs = zip(cells, stage.weights["h0"][directions], strict=True)
            weights["h0"] = np.stack([_inverse(cell) @ h0.astype(np.float64) for cell, h0 in pairs])
        if "c0" in stage.weights:
            weights["c0"] = stage.weights["c0"][directions]
        yield LSTM(name, weights)
        yield Linear(f"{name}.hr", _block_diagonal([_hr(cell) for cell in cells]))


def _cell(stage: LSTM, cell: Cell) -> Iterator[tuple[str, Array]]:
    yield "weight_ih", cell.weight_ih
    yield "weight_hh", cell.weight_hh.astype(np.float64) @ _hr(cell).astype(np.float64)
    if stage.bias:
        yield "bias_ih", cell.bias_ih
        yield "bias_hh", cell.bias_hh


def _hr(cell: Cell) -> Array:
    assert cell.weight_hr is not None  # noqa: S101 - a stage with proj_size has one in every cell
    return cell.weight_hr


def _inverse(cell: Cell) -> Array:
    inverse: Array = np.linalg.pinv(_hr(cell).astype(np.float64))
    return inverse


def _block_diagonal(blocks: list[Array]) -> Array:
    """Each direction projected on its own: `(sum of rows, sum of columns)`."""
    rows, columns = (sum(block.shape[axis] for block in blocks) for axis in (0, 1))
    matrix, row, column = np.zeros((rows, columns), np.float32), 0, 0
    for block in blocks:
        matrix[row : row + block.shape[0], column : column + block.shape[1]] = block
        row, column = row + block.shape[0], column + block.shape[1]
    return matrix
