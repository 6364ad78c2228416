"""Calendar features derived from times: one function for training and device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..model import Array
from ..model.calendar_names import CALENDAR, HOLIDAY, HOLIDAY_DAYS, ONE_HOT
from .holidays_of import are_holidays

DAYS_IN_YEAR = 365.25
DAYS_IN_WEEK = 7
MONTHS_IN_YEAR = 12
HOURS_IN_DAY = 24
FIRST_WEEKDAY = 3  # day 0, 1970-01-01, was a Thursday; weeks begin on Monday


def calendar_features(times: Array, names: Sequence[str], country: str | None = None) -> Array:
    """The columns of each feature, float64 `(rows, columns)`, see `model.calendar_names`.

    `hour` turns once a day (minutes count), `weekday` once a week in whole days, `yearday` once a
    year in whole days; of those with a column for each value, that of the row's own value is 1;
    `holiday` is 1 on the public holidays of `country`, and on the days before them.

    Raises:
        InputError: a name is not in `CALENDAR`, `times` are plain numbers, or there is no such
            country.
        MissingDependency: holidays need the package of that name.
    """
    for name in names:
        if name not in CALENDAR:
            raise InputError(f"unknown calendar feature {name!r}; there are {', '.join(CALENDAR)}")
    if not names:
        return np.empty((len(times), 0))
    if times.dtype.kind != "M":
        raise InputError(
            f"calendar features ({', '.join(names)}) need dates, "
            "the time column holds plain numbers; write them as ISO 8601"
        )
    return np.concatenate([_columns(times, name, country) for name in names], axis=1)


def _columns(times: Array, name: str, country: str | None) -> Array:
    """The columns of one feature, float64 `(rows, columns)`."""
    if name == HOLIDAY:
        days = times.astype("datetime64[D]")
        # the day itself, and the one after it
        both = [are_holidays(days + later, country or "") for later in range(len(HOLIDAY_DAYS))]
        return np.stack(both, axis=1).astype(np.float64)
    if name in ONE_HOT:
        values: Array = np.eye(ONE_HOT[name])[_value(times, name)]  # a row of the unit matrix each
        return values
    # Sine and cosine together: midnight lies beside 23:59, and no two times of a turn look alike.
    phase = 2 * np.pi * _turn(times, name)  # (rows,), in radians
    return np.stack([np.sin(phase), np.cos(phase)], axis=1)


def _value(times: Array, name: str) -> Array:
    """Which of its values a feature has, int64 `(rows,)`, counted from 0; Monday is 0."""
    if name == "month_onehot":
        months = times.astype("datetime64[M]").astype(np.int64)  # since January 1970
        month: Array = months % MONTHS_IN_YEAR
        return month
    days = times.astype("datetime64[D]")
    hour: Array = (times - days).astype("timedelta64[h]").astype(np.int64)
    if name == "hour_onehot":
        return hour
    weekday = _weekday(days)
    return weekday if name == "weekday_onehot" else HOURS_IN_DAY * weekday + hour


def _weekday(days: Array) -> Array:
    """0 for Monday, int64 `(rows,)`."""
    weekday: Array = (days.astype(np.int64) + FIRST_WEEKDAY) % DAYS_IN_WEEK
    return weekday


def _turn(times: Array, name: str) -> Array:
    """The phase of a calendar feature in turns, float64 `(rows,)`."""
    days = times.astype("datetime64[D]")
    if name == "hour":
        of_day: Array = (times - days) / np.timedelta64(1, "D")
        return of_day
    if name == "weekday":
        return _weekday(days) / DAYS_IN_WEEK
    new_year = days.astype("datetime64[Y]")  # cut down to the 1st of January
    yearday: Array = (days - new_year).astype(np.int64)
    return yearday / DAYS_IN_YEAR
