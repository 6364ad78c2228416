"""How time moves on from row to row: by one step, or over a gap."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from ..model import Array, Signature
from ..model.calendar_steps import CALENDAR_STEPS, MONTHS

# Times that count in fractions carry rounding; no step may differ by more than this share.
TIME_STEP_RTOL = 1e-6
UNITS = {"d": 86400.0, "h": 3600.0, "min": 60.0}  # as --step names them, in seconds
MOST = 0.9  # of all steps: a calendar step that so many rows show is taken


def elapsed(times: Array) -> Array:
    """Differences of neighbouring times as float64 `(rows - 1,)`: seconds, or the column's unit."""
    differences = np.diff(times)
    if differences.dtype.kind == "m":
        differences = differences / np.timedelta64(1, "s")
    return differences


def calendar_steps_passed(times: Array, calendar_step: str) -> Array:
    """Steps of the calendar between neighbouring dates, int64 `(rows - 1,)`.

    >>> days = np.array(["2024-01-31", "2024-02-29", "2024-04-30"], "datetime64[s]")
    >>> calendar_steps_passed(days, "month").tolist()
    [1, 2]
    """
    if calendar_step == "business-day":
        days = times.astype("datetime64[D]")
        counted: Array = np.busday_count(days[:-1], days[1:])  # Monday to Friday, as numpy's
        return counted
    months = times.astype("datetime64[M]").astype(np.int64)  # since January 1970
    passed: Array = np.diff(months // MONTHS[calendar_step])
    return passed


def gaps_in_time(times: Array, signature: Signature) -> Array:
    """Whether time does not move on by one step after a row, bool `(rows - 1,)`."""
    tolerance = signature.time_tolerance or 0.0
    if signature.calendar_step:
        passed = calendar_steps_passed(times, signature.calendar_step)
        over_steps: Array = np.abs(passed - 1) > tolerance
        return over_steps
    step = signature.time_step
    if step is None:
        return np.zeros(max(len(times) - 1, 0), bool)
    off_by = np.abs(elapsed(times) - step)  # (rows - 1,), in the unit of the step
    gaps: Array = off_by > TIME_STEP_RTOL * abs(step) + tolerance
    return gaps


def infer_time_step(times: Sequence[Array]) -> float:
    """The most common difference of neighbouring times: seconds, or the column's own unit.

    On a tie the smaller one.

    Args:
        times: each series' times in order; a difference across two series says nothing.

    Raises:
        InputError: no series holds two rows.
    """
    steps, counts = _steps(times)
    return float(steps[np.argmax(counts)])  # argmax takes the first, and steps rise


def infer_calendar_step(times: Sequence[Array]) -> str | None:
    """The step of the calendar that nearly all rows show, where no step of one length is so common.

    Raises:
        InputError: no series holds two rows.
    """
    _, counts = _steps(times)
    if times[0].dtype.kind != "M" or counts.max() >= MOST * counts.sum():
        return None
    for calendar_step in CALENDAR_STEPS:
        # by series, whether one step of this calendar lies between neighbours, (rows - 1,)
        is_single = [calendar_steps_passed(own, calendar_step) == 1 for own in times]
        if sum(map(np.count_nonzero, is_single)) >= MOST * sum(map(len, is_single)):
            return calendar_step
    return None


def step_text(signature: Signature, times: Array) -> str:
    """One step in words: `one month`, `1 h`, or for times that count its length, such as `0.5`."""
    if signature.calendar_step:
        return f"one {signature.calendar_step}"
    return elapsed_text(signature.time_step or 0.0, times)


def elapsed_text(length: float, times: Array) -> str:
    """What lies between two times, in the largest unit of which it is a whole number, or in
    seconds; without a unit for times that count.

    >>> dates = np.array(["2024-01-31"], "datetime64[s]")
    >>> elapsed_text(5400, dates), elapsed_text(0.25, dates), elapsed_text(5400, np.zeros(1))
    ('90 min', '0.25 s', '5400')
    """
    if times.dtype.kind != "M":
        return f"{length:g}"
    for unit, seconds in UNITS.items():
        if length and length % seconds == 0:
            return f"{length / seconds:g} {unit}"
    return f"{length:g} s"


def _steps(times: Sequence[Array]) -> tuple[Array, Array]:
    """The differences that there are, in rising order, and how often each is there."""
    counts: Counter[float] = Counter()
    for series in times:
        # Nine decimals: 0.1, 0.2, 0.30000000000000004 are evenly spaced.
        own, how_often = np.unique(np.round(elapsed(series), 9), return_counts=True)
        counts.update(dict(zip(own.tolist(), how_often.tolist(), strict=True)))
    if not counts:
        raise InputError("the time step cannot be inferred: no series holds two rows")
    steps = sorted(counts)
    return np.array(steps), np.array([counts[step] for step in steps])
