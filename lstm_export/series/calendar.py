"""Times, and the calendar features derived from them: one function for training and for the device."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..model import Array
from .table import Table

# Each feature becomes a sine and a cosine of its phase, so that 23 h and 0 h are neighbours.
CALENDAR = ("hour", "weekday", "yearday")

_OFFSET = re.compile(r":\d\d(\.\d+)?\s*[+-]\d\d:?\d\d$")


def parse_times(table: Table, name: str) -> Array:
    """The time column `(rows,)`: datetime64[s], or [us] where times are finer, or float64 where it counts.

    Takes ISO 8601 without an offset (a closing Z is ignored), with `T` or a space, and plain numbers.

    Raises:
        InputError: there is no such column, or a cell is missing or no time; names the row.
    """
    column = table[name]
    if table.is_numeric(name):
        times = table.numbers(name)
        missing = np.isnan(times)
    else:
        times = column if column.dtype.kind == "M" else _parse_text(table, name, column)
        missing = np.isnat(times)
        times = times.astype("datetime64[us]")
        seconds = times.astype("datetime64[s]")
        times = seconds if (seconds[~missing] == times[~missing]).all() else times
    for index in np.flatnonzero(missing)[:1]:
        raise InputError(f"{table.place(name, index)} is empty, expected a time; remove or repair the row")
    return times


def _parse_text(table: Table, name: str, cells: Array) -> Array:
    texts = [cell.strip().removesuffix("Z") for cell in cells]
    times = np.empty(len(texts), "datetime64[us]")
    for index, text in enumerate(texts):
        if _OFFSET.search(text):
            raise InputError(f"{table.place(name, index)} is {text!r}; write all times in one zone, without an offset")
        try:
            times[index] = np.datetime64(text, "us")
        except ValueError:
            expected = "expected ISO 8601 such as 2016-10-01T00:00, or numbers throughout"
            raise InputError(f"{table.place(name, index)} is {cells[index]!r}, {expected}") from None
    return times


def infer_time_step(times: Sequence[Array]) -> float:
    """The most common difference of neighbouring times, the smaller one on a tie: seconds, or the column's own unit.

    Args:
        times: each series' times in order; a difference across two series says nothing.

    Raises:
        InputError: no series holds two rows.
    """
    # Nine decimals: 0.1, 0.2, 0.30000000000000004 are evenly spaced.
    differences = np.round(np.concatenate([elapsed(series) for series in times]), 9)
    if not len(differences):
        raise InputError("the time step cannot be inferred: no series holds two rows")
    steps, counts = np.unique(differences, return_counts=True)
    return float(steps[np.argmax(counts)])


def elapsed(times: Array) -> Array:
    """Differences of neighbouring times as float64 `(rows - 1,)`: seconds, or the column's own unit."""
    differences = np.diff(times)
    if differences.dtype.kind == "m":
        differences = differences / np.timedelta64(1, "s")
    return differences


def calendar_features(times: Array, names: Sequence[str]) -> Array:
    """Sine and cosine of each calendar feature, float64 `(rows, 2 * len(names))`, named by `calendar_columns`.

    `hour` turns once a day (minutes count), `weekday` once a week in whole days, `yearday` once a year in whole days.

    Raises:
        InputError: a name is not in `CALENDAR`, or `times` are plain numbers.
    """
    for name in names:
        if name not in CALENDAR:
            raise InputError(f"unknown calendar feature {name!r}; there are {', '.join(CALENDAR)}")
    if names and times.dtype.kind != "M":
        raise InputError(f"calendar features ({', '.join(names)}) need dates, the time column holds plain numbers")
    phases = [2 * np.pi * _turn(times, name) for name in names]
    columns = [wave(phase) for phase in phases for wave in (np.sin, np.cos)]
    return np.stack(columns, axis=1) if columns else np.empty((len(times), 0))


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
        turn: Array = (times - days) / np.timedelta64(1, "D")
    elif name == "weekday":
        turn = (days.astype(np.int64) + 3) % 7 / 7.0  # day 0, 1970-01-01, was a Thursday
    else:
        turn = (days - days.astype("datetime64[Y]")).astype(np.int64) / 365.25
    return turn
