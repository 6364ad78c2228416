"""The arguments of `train` on the command line, as the library takes them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from enum import Enum
from typing import TYPE_CHECKING, Any

from ..errors import InputError

if TYPE_CHECKING:
    from ..training import Search, TrainingOptions

NAMES = {"targets": "target"}  # the library's names that are other ones here
SEPARATORS = {"tab": "\t", "\\t": "\t", "space": " "}
CALENDAR_STEPS = ("business-day", "month", "quarter", "year")
SECONDS = {
    "": 1.0,
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
}
DURATION = re.compile(r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>ms|s|min|h|d|w)?")


def options_of(given: Mapping[str, Any]) -> TrainingOptions:
    """The command's options as the library takes them: most under the same name."""
    from ..training import TrainingOptions

    values: dict[str, Any] = {}
    for field in fields(TrainingOptions):
        value = given.get(NAMES.get(field.name, field.name))
        values[field.name] = value.value if isinstance(value, Enum) else value
    for name in ("targets", "categorical", "calendar", "missing_values"):
        values[name] = _names(values[name])
    if values["features"] is not None:
        values["features"] = _names(values["features"])
    if values["step"] in CALENDAR_STEPS:
        values["calendar_step"] = values["step"]
        values["step"] = None
    for name in ("step", "tolerance"):
        values[name] = _duration(name, values[name])
    values["split"] = _shares(values["split"])
    values["quantiles"] = _levels(values["quantiles"])
    values["separator"] = SEPARATORS.get(values["separator"], values["separator"])
    values["units"] = _units(values["units"] or [])
    return TrainingOptions(**values)


def search_of(given: Mapping[str, Any]) -> Search | None:
    """The command's search as the library takes it; None where nobody asked for one."""
    from ..training import Search

    budget = given["budget"]
    trials = given["trials"]
    if budget is None and trials is None:
        return None
    return Search(_duration("budget", budget), trials, _names(given["search"]))


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _shares(text: str) -> tuple[float, float, float]:
    try:
        train, validation, test = map(float, text.split(","))
    except ValueError:
        raise InputError(
            f"--split is {text!r}, expected three shares such as 0.7,0.15,0.15"
        ) from None
    return train, validation, test


def _levels(text: str) -> tuple[float, ...]:
    try:
        return tuple(map(float, _names(text)))
    except ValueError:
        raise InputError(
            f"--quantiles is {text!r}, expected levels between 0 and 1 such as 0.05,0.95"
        ) from None


def _duration(name: str, text: str | None) -> float | None:
    """`5s`, `1min`, `1h`, `1d` in seconds; a bare number as it is."""
    if text is None:
        return None
    match = DURATION.fullmatch(text.strip())
    seconds = 0.0
    if match:
        seconds = float(match["number"]) * SECONDS[match["unit"] or ""]
    is_allowed = match and (seconds or name == "tolerance")  # a tolerance of 0 means something
    if not is_allowed:
        raise InputError(f"--{name} is {text!r}, expected a time such as 5s, 1min, 1h or 1d")
    return seconds


def _units(texts: Sequence[str]) -> dict[str, str]:
    """`COL=UNIT` each, or several with commas between."""
    pairs = [pair.partition("=") for text in texts for pair in text.split(",")]
    for column, equals, unit in pairs:
        if not (column.strip() and equals and unit.strip()):
            raise InputError(
                f"--units is {column + equals + unit!r}, "
                "expected COL=UNIT such as volume=vehicles/h"
            )
    return {column.strip(): unit.strip() for column, _, unit in pairs}
