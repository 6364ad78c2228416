"""Times, and calendar features derived from them: one function for training and device."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..model import Array
from .table import Table

# Each feature becomes a sine and a cosine of its phase, so that 23 h and 0 h are neighbours.
CALENDAR = ("hour", "weekday", "yearday")

DAYS_IN_YEAR = 365.25
DAYS_IN_WEEK = 7
FIRST_WEEKDAY = 3  # day 0, 1970-01-01, was a Thursday; weeks begin on Monday

_OFFSET = re.compile(r":\d\d(\.\d+)?\s*[+-]\d\d:?\d\d$")


def parse_times(table: Table, name: str) -> Array:
    """The time column `(rows,)`: datetime64[s], or [us] where times are finer, or float64 counts.

    Takes ISO 8601 without an offset (a closing Z is ignored), with `T` or a space, and plain
    numbers.

    Raises:
        InputError: there is no such column, or a cell is missing or no time; names the row.
    """
    if table.is_numeric(name):
        times = table.numbers(name)
        missing = np.isnan(times)
    else:
        times = _dates(table, name)
        missing = np.isnat(times)
        times = _in_seconds_if_whole(times, missing)
    for index in np.flatnonzero(missing)[:1]:
        raise InputError(
            f"{table.place(name, index)} is empty, expected a time; remove or repair the row"
        )
    return times


def _dates(table: Table, name: str) -> Array:
    column = table[name]
    if column.dtype.kind == "M":
        return column
    return _parse_text(table, name, column)


def _in_seconds_if_whole(times: Array, missing: Array) -> Array:
    times = times.astype("datetime64[us]")
    seconds = times.astype("datetime64[s]")
    is_whole = (seconds[~missing] == times[~missing]).all()
    return seconds if is_whole else times


def _parse_text(table: Table, name: str, cells: Array) -> Array:
    times = np.empty(len(cells), "datetime64[us]")
    for index, cell in enumerate(cells):
        text = cell.strip().removesuffix("Z")
        if _OFFSET.search(text):
            raise InputError(
                f"{table.place(name, index)} is {text!r}; "
                "write all times in one zone, without an offset"
            )
        try:
            times[index] = np.datetime64(text, "us")
        except ValueError:
            raise InputError(
                f"{table.place(name, index)} is {cell!r}, "
                "expected ISO 8601 such as 2016-10-01T00:00, or numbers throughout"
            ) from None
    return times


def infer_time_step(times: Sequence[Array]) -> float:
    """The most common difference of neighbouring times: seconds, or the column's own unit.

    On a tie the smaller one.

    Args:
        times: each series' times in order; a difference across two series says nothing.

    Raises:
        InputError: no series holds two rows.
    """
    differences = np.concatenate([elapsed(series) for series in times])
    if not len(differences):
        raise InputError("the time step cannot be inferred: no series holds two rows")
    # Nine decimals: 0.1, 0.2, 0.30000000000000004 are evenly spaced.
    steps, counts = np.unique(np.round(differences, 9), return_counts=True)
    return float(steps[np.argmax(counts)])


def elapsed(times: Array) -> Array:
    """Differences of neighbouring times as float64 `(rows - 1,)`: seconds, or the column's unit."""
    differences = np.diff(times)
    if differences.dtype.kind == "m":
        differences = differences / np.timedelta64(1, "s")
    return differences


def calendar_features(times: Array, names: Sequence[str]) -> Array:
    """Sine and cosine of each feature, float64 `(rows, 2 * len(names))`, see `calendar_columns`.

    `hour` turns once a day (minutes count), `weekday` once a week in whole days, `yearday` once a
    year in whole days.

    Raises:
        InputError: a name is not in `CALENDAR`, or `times` are plain numbers.
    """
    for name in names:
        if name not in CALENDAR:
            raise InputError(f"unknown calendar feature {name!r}; there are {', '.join(CALENDAR)}")
    if not names:
        return np.empty((len(times), 0))
    if times.dtype.kind != "M":
        raise InputError(
            f"calendar features ({', '.join(names)}) need dates, "
            "the time column holds plain numbers"
        )
    columns = []
    for name in names:
        phase = 2 * np.pi * _turn(times, name)
        columns.append(np.sin(phase))
        columns.append(np.cos(phase))
    return np.stack(columns, axis=1)


def calendar_columns(names: Sequence[str]) -> tuple[str, ...]:
    """The columns that `calendar_features` yields.

    >>> calendar_columns(["hour"])
    ('hour_sin', 'hour_cos')
    """
    return tuple(f"{name}_{wave}" for name in names for wave in ("sin", "cos"))


def _turn(times: Array, name: str) -> Array:
    """The phase of a calendar feature in turns, float64 `(rows,)`."""
    days = times.astype("datetime64[D]")
    if name == "hour":
        of_day: Array = (times - days) / np.timedelta64(1, "D")
        return of_day
    if name == "weekday":
        weekday: Array = (days.astype(np.int64) + FIRST_WEEKDAY) % DAYS_IN_WEEK
        return weekday / DAYS_IN_WEEK
    new_year = days.astype("datetime64[Y]")
    yearday: Array = (days - new_year).astype(np.int64)
    return yearday / DAYS_IN_YEAR
