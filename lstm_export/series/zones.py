"""Local times of a time zone and UTC, by the time zone database of the system or of tzdata."""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Callable

import numpy as np

from ..errors import InputError
from ..model import Array
from .steps import elapsed

MINUTES = 15  # clocks are changed at whole quarters of an hour


def zone_of(name: str) -> zoneinfo.ZoneInfo:
    """The time zone of this name.

    Raises:
        InputError: the database here has none.
    """
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(
            f"timezone is {name!r}, expected a name such as Europe/Berlin; where a device lacks "
            "the database: pip install tzdata"
        ) from error


def to_utc(local: Array, zone: zoneinfo.ZoneInfo) -> Array:
    """Local times as UTC; of a time that comes twice, as clocks are set back, the first."""
    times: Array = local - _offsets(local, lambda time: time.replace(tzinfo=zone))
    return times


def to_local(times: Array, zone: zoneinfo.ZoneInfo) -> Array:
    """UTC as local times."""
    utc = datetime.timezone.utc
    ahead = _offsets(times, lambda time: time.replace(tzinfo=utc).astimezone(zone))
    local: Array = times + ahead
    return local


def _offsets(times: Array, in_zone: Callable[[datetime.datetime], datetime.datetime]) -> Array:
    """By how much local time is ahead of UTC, timedelta64[s] `(rows,)`."""
    minutes = times.astype("datetime64[m]").astype(np.int64)
    # The database is asked once a quarter of an hour, in which the offset cannot change.
    quarters, codes = np.unique(minutes // MINUTES, return_inverse=True)
    ahead = []
    for quarter in quarters.tolist():
        time = np.datetime64(quarter * MINUTES, "m").astype("datetime64[s]").item()
        ahead.append(in_zone(time).utcoffset())
    offsets: Array = np.array(ahead, "timedelta64[s]")[codes.reshape(-1)]
    return offsets


def with_second_hours(times: Array, zone: zoneinfo.ZoneInfo) -> Array:
    """The times of one series in UTC, those that came twice in local time told apart.

    Args:
        times: as `to_utc` gives them, in the order of the rows; they go back where the second of
            two equal hours begins.
        zone: theirs.
    """
    found: Array = times.copy()
    goes_back = np.flatnonzero(elapsed(times) <= 0) + 1  # not later than the row before
    for index in goes_back:
        later = index
        while later < len(found) and found[later] <= found[later - 1]:
            shift = _between_both(found[later], zone)
            if not shift:
                break
            found[later] += shift
            later += 1
    return found


def _between_both(time: np.datetime64, zone: zoneinfo.ZoneInfo) -> np.timedelta64:
    """From the first of two equal local times to the second; 0 where there is one alone."""
    (local_time,) = to_local(np.array([time]), zone)
    local = local_time.astype("datetime64[s]").item()
    first = zone.utcoffset(local.replace(fold=0)) or datetime.timedelta()
    second = zone.utcoffset(local.replace(fold=1)) or datetime.timedelta()
    return np.timedelta64(first - second, "s") if first > second else np.timedelta64(0, "s")
