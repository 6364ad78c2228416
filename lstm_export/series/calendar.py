"""Calendar features derived from times: one function for training and device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..model import Array

# Each feature becomes a sine and a cosine of its phase, so that 23 h and 0 h are neighbours.
CALENDAR = ("hour", "weekday", "yearday")

DAYS_IN_YEAR = 365.25
DAYS_IN_WEEK = 7
FIRST_WEEKDAY = 3  # day 0, 1970-01-01, was a Thursday; weeks begin on Monday


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
