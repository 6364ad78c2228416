"""Public holidays, by the package holidays."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import InputError, require
from ..model import Array


def are_holidays(days: Array, country: str) -> Array:
    """Whether each day is a public holiday, bool `(rows,)`.

    Args:
        days: datetime64[D].
        country: ISO 3166-1, such as `US`, or with a subdivision of it, `DE-BY`.

    Raises:
        InputError: the package knows no such country or subdivision.
        MissingDependency: it is not installed.
    """
    known = _holidays(country)
    distinct, codes = np.unique(days, return_inverse=True)
    found = np.array([day.item() in known for day in distinct], bool)
    every: Array = found[codes.reshape(-1)]
    return every


@lru_cache(maxsize=8)
def _holidays(country: str) -> Any:
    """The holidays by date; the package adds a year when a day of it is asked for."""
    holidays = require("holidays", "holidays", "the calendar feature holiday")
    name, _, subdivision = country.partition("-")
    try:
        return holidays.country_holidays(name, subdiv=subdivision or None)
    except NotImplementedError as error:
        raise InputError(
            f"country is {country!r}, expected a code such as US or DE-BY, which the package "
            "holidays knows"
        ) from error
