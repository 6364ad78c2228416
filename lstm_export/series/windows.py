"""From a table to unbroken runs of model inputs, and the windows that slide over them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ..errors import InputError
from ..model import Array, Signature
from .calendar import calendar_features, elapsed, infer_time_step, parse_times
from .table import Table

# What happens to a row with an empty input cell: an error, a gap, or the series' last known value.
Missing = Literal["refuse", "drop", "ffill"]


@dataclass(frozen=True, eq=False)
class Run:
    """Consecutive rows of one series, without a gap in time.

    Attributes:
        x: float32 `(rows, input_size)`, the columns in the signature's order, calendar columns last.
        times: `(rows,)` as `parse_times` gives them, or the row's index where there is no time column.
        rows: int64 `(rows,)`, where each row stands in the table.
        group: the series' name; empty where the table holds one series.
    """

    x: Array
    times: Array
    rows: Array
    group: str = ""

    def __len__(self) -> int:
        return len(self.rows)


def series_of(table: Table, signature: Signature, missing: Missing = "refuse") -> tuple[Run, ...]:
    """The runs of model inputs in a table, groups in order of appearance, broken at gaps in time.

    A gap is any time difference other than `signature.time_step`, which is inferred where it is None.

    Raises:
        InputError: a column is missing or holds text, a cell is empty under "refuse", or times are
            not strictly increasing within their group; names column and row.
    """
    if missing not in get_args(Missing):
        raise InputError(f"missing={missing!r} is unknown; choose one of {', '.join(get_args(Missing))}")
    names = [column.name for column in signature.measured]
    measured = np.stack([table.numbers(name) for name in names], axis=1) if names else np.empty((len(table), 0))
    groups = list(group_rows(table, signature.group))
    times = parse_times(table, signature.time) if signature.time else np.arange(len(table))
    step = signature.time_step
    if signature.time:
        for _, rows in groups:
            _check_increasing(table, signature.time, times, rows)
        step = step or infer_time_step([times[rows] for _, rows in groups])
    if missing == "refuse":
        _refuse_missing(table, names, measured)
    if missing == "ffill":
        for _, rows in groups:
            measured[rows] = _forward_filled(measured[rows])
    calendar = calendar_features(times, signature.calendar)
    x = np.concatenate([measured, calendar], axis=1).astype(np.float32)  # (rows, input_size)
    complete = np.asarray(np.isfinite(x).all(axis=1))
    return tuple(
        Run(x[run], times[run], run, group)
        for group, rows in groups
        for run in _unbroken(rows, complete[rows], times if signature.time else None, step)
    )


def group_rows(table: Table, group: str | None) -> Iterator[tuple[str, Array]]:
    """Each series' name and rows, in order of appearance; one unnamed series without a group column."""
    if group is None:
        yield "", np.arange(len(table))
        return
    names, first, codes = np.unique(table.text(group), return_index=True, return_inverse=True)
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(names) + 1))
    for code in np.argsort(first):
        yield str(names[code]), order[bounds[code] : bounds[code + 1]]


def time_step_of(table: Table, time: str, group: str | None) -> float:
    """The most common time difference within the series of a table: seconds, or the column's own unit."""
    times = parse_times(table, time)
    series = [rows for _, rows in group_rows(table, group)]
    for rows in series:
        _check_increasing(table, time, times, rows)
    return infer_time_step([times[rows] for rows in series])


def sliding_windows(x: Array, window: int) -> Array:
    """Every window of `x (rows, input_size)`: a view `(max(rows - window + 1, 0), window, input_size)`.

    >>> sliding_windows(np.arange(4.0).reshape(4, 1), 3)[:, :, 0].tolist()
    [[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]]
    """
    if len(x) < window:
        return np.empty((0, window, x.shape[1]), x.dtype)
    view: Array = np.lib.stride_tricks.sliding_window_view(x, window, axis=0).swapaxes(1, 2)
    return view


def _unbroken(rows: Array, complete: Array, times: Array | None, step: float | None) -> Iterator[Array]:
    """Split a series' rows where a row is not complete, and where the time jumps."""
    kept = rows[complete]
    if times is not None and step is not None:
        # A millionth of a step: times that count in fractions carry rounding, nothing else may differ.
        breaks = np.abs(elapsed(times[kept]) - step) > 1e-6 * abs(step)
    else:
        breaks = np.diff(np.flatnonzero(complete)) != 1
    for run in np.split(kept, np.flatnonzero(breaks) + 1):
        if len(run):
            yield run


def _check_increasing(table: Table, name: str, times: Array, rows: Array) -> None:
    for index in np.flatnonzero(elapsed(times[rows]) <= 0)[:1]:
        before, here = times[rows[index]], times[rows[index + 1]]
        problem = "repeats" if here == before else "goes back behind"
        raise InputError(
            f"{table.place(name, rows[index + 1])} is {here}, which {problem} the row before it; "
            "sort the rows by time, and name a group column if several series share the table"
        )


def _refuse_missing(table: Table, names: list[str], measured: Array) -> None:
    for row, column in np.argwhere(np.isnan(measured))[:1]:
        raise InputError(
            f"{table.place(names[column], row)} is {_shown(table[names[column]][row])}, expected a number; "
            "repair it, or choose --missing drop or --missing ffill (missing= in Python)"
        )


def _shown(cell: object) -> str:
    """A missing cell as it stands in the table."""
    return repr(cell) if isinstance(cell, str) and cell.strip() else "empty or NaN"


def _forward_filled(values: Array) -> Array:
    """Each NaN of `values (rows, columns)` replaced by the last number above it, where there is one."""
    rows = np.arange(len(values))[:, np.newaxis]
    last = np.maximum.accumulate(np.where(np.isnan(values), 0, rows), axis=0)
    filled: Array = np.take_along_axis(values, last, axis=0)
    return filled
