"""From a table to unbroken runs of model inputs, and the windows that slide over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from ..errors import InputError
from ..model import Array, Signature, TableFormat
from .calendar import calendar_features
from .groups import group_name, keyed_rows
from .measured import measured_of
from .steps import elapsed, gaps_in_time, infer_calendar_step, infer_time_step
from .table import RowSource, Table
from .times import local_times, parse_times
from .zones import with_second_hours, zone_of

# What happens to a row with an empty input cell: an error, a gap, or the series' last known value.
Missing = Literal["refuse", "drop", "ffill"]

Keys = tuple[str, ...]  # a series' cells in the group columns
Keyed = tuple[Keys, Array]  # and its rows

SUNDAY = 7
CLOCK_MONTHS = (4, 10, 11)  # Australia and Chile; Europe; North America


@dataclass(frozen=True, eq=False)
class Run:
    """Consecutive rows of one series, without a gap in time.

    Attributes:
        x: float32 `(rows, input_size)`, the columns in the signature's order, calendar ones last.
        times: `(rows,)` as `parse_times` gives them, or the row's index without a time column.
        rows: int64 `(rows,)`, where each row stands in the table.
        keys: the series' cells in the group columns; empty where the table holds one series.
    """

    x: Array
    times: Array
    rows: Array
    keys: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def group(self) -> str:
        """The series' name; empty where the table holds one series."""
        return group_name(self.keys)


def series_of(table: Table, signature: Signature, missing: Missing = "refuse") -> tuple[Run, ...]:
    """The runs of model inputs in a table, groups in order of appearance, broken at gaps in time.

    A gap is any step in time but the signature's, which is inferred where it has none.

    Raises:
        InputError: a column is missing or holds text, a cell is empty under "refuse", or times are
            not strictly increasing within their group; names column and row.
    """
    if missing not in get_args(Missing):
        choices = ", ".join(get_args(Missing))
        raise InputError(f"missing={missing!r} is unknown; choose one of {choices}")
    measured, names = measured_of(table, signature)
    groups = list(keyed_rows(table, signature.group))
    if signature.time:
        times = _increasing_times(table, signature.time, groups)
        signature = _with_step(signature, [times[rows] for _, rows in groups])
    else:
        times = np.arange(len(table))
    if missing == "refuse":
        refuse_missing(table, names, measured)
    if missing == "ffill":
        for _, rows in groups:
            measured[rows] = forward_filled(measured[rows])
    clock = local_times(times, table.format)
    calendar = calendar_features(clock, signature.calendar, signature.country)
    x = np.concatenate([measured, calendar], axis=1).astype(np.float32)  # (rows, input_size)
    complete: Array = np.asarray(np.isfinite(x).all(axis=1))  # (rows,): no input is missing
    runs = []
    for keys, rows in groups:
        for run in _unbroken(rows, complete[rows], times, signature):
            runs.append(Run(x[run], times[run], run, keys))
    return tuple(runs)


def _with_step(signature: Signature, times: Sequence[Array]) -> Signature:
    if signature.calendar_step or signature.time_step:
        return signature
    return replace(signature, time_step=infer_time_step(times))


class TimeStep(NamedTuple):
    """How far rows are apart: by a step of one length, or by one of the calendar.

    Attributes:
        seconds: the length, or in the column's unit; None for a step of the calendar.
        calendar_step: one of `CALENDAR_STEPS`, or None.
    """

    seconds: float | None
    calendar_step: str | None


def time_step_of(times: Sequence[Array]) -> TimeStep:
    """What most rows within a table's series show, `times` being those of each series."""
    calendar_step = infer_calendar_step(times)
    return TimeStep(None if calendar_step else infer_time_step(times), calendar_step)


def sliding_windows(x: Array, window: int) -> Array:
    """Every window of `x (rows, input_size)`: a view `(windows, window, input_size)`, maybe empty.

    >>> sliding_windows(np.arange(4.0).reshape(4, 1), 3)[:, :, 0].tolist()
    [[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]]
    """
    if len(x) < window:
        return np.empty((0, window, x.shape[1]), x.dtype)
    # numpy's axes are (windows, input_size, window).
    view = np.lib.stride_tricks.sliding_window_view(x, window, axis=0)
    windows: Array = view.swapaxes(1, 2)
    return windows


def _unbroken(rows: Array, complete: Array, times: Array, signature: Signature) -> Iterator[Array]:
    """Split a series' rows where a row is not complete, and where the time jumps."""
    kept = rows[complete]
    if signature.time is None:  # rows follow each other as they stand in the table
        breaks: Array = np.diff(np.flatnonzero(complete)) != 1  # (kept - 1,)
    else:
        breaks = gaps_in_time(times[kept], signature)
    first_after_break = np.flatnonzero(breaks) + 1
    for run in np.split(kept, first_after_break):
        if len(run):
            yield run


def _increasing_times(table: Table, name: str, groups: Sequence[Keyed]) -> Array:
    """The time column `(rows,)`, which increases strictly within each group."""
    times = parse_times(table, name)
    for _, rows in groups:
        times[rows] = series_times(times[rows], table.format)
        refuse_going_back(times[rows], name, rows, table)
    return times


def series_times(times: Array, table_format: TableFormat) -> Array:
    """The times of one series, of local times that come twice the second one an hour later."""
    zone = table_format.timezone
    if zone and not table_format.has_offsets:
        return with_second_hours(times, zone_of(zone))
    return times


def refuse_going_back(times: Array, name: str, rows: Array, table: RowSource) -> None:
    """Raises InputError where times of one series do not increase strictly, `rows` being theirs in
    the table."""
    stands_still_or_goes_back = elapsed(times) <= 0
    for index in np.flatnonzero(stands_still_or_goes_back)[:1]:
        before = times[index]
        here = times[index + 1]
        problem = "repeats" if here == before else "is earlier than"
        raise InputError(
            f"{table.place(name, rows[index + 1])} is {here}, which {problem} the row before "
            f"it; {_advice(before, here)}"
        )


def _advice(before: Any, here: Any) -> str:
    """What to do about a time that does not increase."""
    if isinstance(here, np.datetime64) and _may_be_clock_change(before, here):
        return (
            "clocks may have been set back here: write times in UTC or with their offset from it, "
            "such as +02:00, or train with --timezone"
        )
    return (
        "sort the rows by time, and leave out those that come twice; where several series share "
        "the table, name the columns that tell them apart with --group"
    )


def _may_be_clock_change(before: np.datetime64, here: np.datetime64) -> bool:
    """At most an hour back, in the night to a Sunday of a month in which clocks are set back."""
    time = here.astype("datetime64[s]").item()
    is_then = time.isoweekday() == SUNDAY and time.month in CLOCK_MONTHS and time.hour < 4
    return bool(is_then and before - here <= np.timedelta64(1, "h"))


def refuse_missing(table: Table, names: Sequence[str], measured: Array) -> None:
    """Raises InputError for a missing cell, `names` being the columns of `measured`."""
    for row, column in np.argwhere(np.isnan(measured))[:1]:
        cell = table[names[column]][row]
        raise InputError(
            f"{table.place(names[column], row)} is {_shown(cell)}, expected a number; "
            "repair it, or choose --missing drop or --missing ffill (missing= in Python)"
        )


def _shown(cell: object) -> str:
    """A missing cell as it stands in the table."""
    if isinstance(cell, str) and cell.strip():
        return repr(cell)
    return "empty or NaN"


def forward_filled(values: Array) -> Array:
    """Each NaN of `values (rows, columns)` replaced by the last number above it, if any."""
    rows = np.arange(len(values))[:, np.newaxis]
    known = np.where(np.isnan(values), 0, rows)  # (rows, columns), a known cell's own row
    last = np.maximum.accumulate(known, axis=0)  # the last known row; 0, maybe NaN, before any
    filled: Array = np.take_along_axis(values, last, axis=0)
    return filled
