"""The names of calendar features, and the columns that each becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

# A sine and a cosine of the phase, so that 23 h and 0 h are neighbours.
WAVES = ("sin", "cos")

# A column for each value, which is 1 in its rows and 0 elsewhere: by how many values there are.
ONE_HOT: Mapping[str, int] = {
    "hour_onehot": 24,
    "weekday_onehot": 7,
    "month_onehot": 12,
    "week_hour_onehot": 7 * 24,
}

# Whether today is a public holiday, and whether tomorrow is: a forecast may reach into it.
HOLIDAY = "holiday"
HOLIDAY_DAYS = ("today", "tomorrow")

CALENDAR = ("hour", "weekday", "yearday", HOLIDAY, *ONE_HOT)


def calendar_columns(names: Sequence[str]) -> tuple[str, ...]:
    """The columns of calendar features, in order.

    >>> calendar_columns(["hour"])
    ('hour_sin', 'hour_cos')
    """
    columns = []
    for name in names:
        columns += [f"{name.removesuffix('_onehot')}_{end}" for end in _ends(name)]
    return tuple(columns)


def _ends(name: str) -> Sequence[str]:
    if name == HOLIDAY:
        return HOLIDAY_DAYS
    if name not in ONE_HOT:
        return WAVES
    return [str(value) for value in range(ONE_HOT[name])]
