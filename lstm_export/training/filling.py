"""The inputs and targets of a table's rows, in the order of their timeline."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..errors import InputError
from ..model import Array, Signature
from ..series import RowSource, Table, calendar_features, group_columns
from ..series.measured import measured_of
from ..series.times import local_times
from ..series.windows import forward_filled, refuse_missing
from . import scratch
from .options import TrainingOptions
from .timeline import Placing, Timeline


class Filled(NamedTuple):
    """Every row of a timeline.

    Attributes:
        x: float32 `(rows, input_size)`, NaN where a cell is missing.
        y: float64 `(rows, targets)`, NaN where unknown.
    """

    x: Array
    y: Array


def filled_rows(
    table: RowSource, timeline: Timeline, signature: Signature, options: TrainingOptions
) -> Filled:
    """Read the columns of a table, add the calendar, and treat missing cells as the options say.

    Raises:
        InputError: a column is missing, or a cell cannot be used; names column and row.
    """
    counts = np.diff(timeline.bounds).tolist()
    placing = Placing(dict(zip(timeline.keys, counts, strict=True)), signature.group)
    x = scratch.empty((len(timeline), signature.input_size), np.float32)
    y = scratch.empty((len(timeline), len(options.targets)), np.float64)
    measured_size = 0
    for block in table.blocks(_columns_read(table, signature, options)):
        measured, names = measured_of(block, signature)  # (rows of the block, measured columns)
        if options.missing == "refuse":
            refuse_missing(block, names, measured)
        targets = _targets(block, options)
        measured_size = measured.shape[1]
        for place, rows in placing.places(block):
            x[place, :measured_size] = measured[rows]
            y[place] = targets[rows]
    if options.missing == "ffill":
        for piece in timeline.pieces():
            x[piece, :measured_size] = forward_filled(x[piece, :measured_size])
    _add_calendar(x[:, measured_size:], table, timeline, signature)
    return Filled(x, y)


def _columns_read(
    table: RowSource, signature: Signature, options: TrainingOptions
) -> tuple[str, ...]:
    measured = [column.name for column in signature.measured]
    categories = [category.name for category in signature.categories]
    groups = group_columns(signature.group, table.names)
    return (*measured, *categories, *options.targets, *groups)


def _targets(block: Table, options: TrainingOptions) -> Array:
    """Float64 `(rows, targets)`."""
    y = np.stack([block.numbers(name) for name in options.targets], axis=1)
    if options.missing == "refuse":
        for row, column in np.argwhere(np.isnan(y))[:1]:
            raise InputError(
                f"{block.place(options.targets[column], row)} is empty or NaN, expected a target; "
                "repair it, or choose --missing drop or --missing ffill (missing= in Python): no "
                "window then predicts it"
            )
    return y


def _add_calendar(x: Array, table: RowSource, timeline: Timeline, signature: Signature) -> None:
    """Fill the columns of the calendar, `x (rows, calendar columns)`."""
    if timeline.times is None or not signature.calendar:
        return
    for block in scratch.blocks(len(x), x.shape[1]):
        clock = local_times(timeline.times[block], table.format)
        x[block] = calendar_features(clock, signature.calendar, signature.country)


def complete_rows(x: Array) -> Array:
    """Which rows of `x (rows, input_size)` lack no cell, bool `(rows,)`."""
    complete = scratch.empty((len(x),), np.bool_)
    for block in scratch.blocks(len(x), x.shape[1]):
        complete[block] = np.isfinite(x[block]).all(axis=1)
    return complete
