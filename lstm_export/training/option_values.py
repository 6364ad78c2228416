"""What each option of a training run may be by itself, whatever the others are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from ..errors import InputError
from ..series import CALENDAR, Missing

Loss = Literal["mse", "mae", "huber"]
UnknownLevel = Literal["error", "other"]
Predict = Literal["level", "change", "correction", "auto"]
Scaler = Literal["standard", "minmax"]
SplitBy = Literal["time", "group"]

PARTS = ("train", "validation", "test")

# What the numbers may be. The upper ends keep a slip of the keyboard from taking the machine's
# memory.
LIMITS: dict[str, tuple[int, float]] = {
    "window": (1, 1_000_000),
    "horizon": (0, 100_000),
    "hidden_size": (1, 8192),
    "num_layers": (1, 64),
    "epochs": (1, 1_000_000),
    "batch_size": (1, 1_000_000),
    "patience": (0, 1_000_000),
    "clip": (0, math.inf),
    "seed": (0, 2**62),
    "split_seed": (0, 2**62),
    "seeds": (1, 1000),
    "backtest": (0, 100),
}
_SHARES = ("dropout", "averaging", "interval")
_CHOICES = {
    "missing": Missing,
    "scaler": Scaler,
    "loss": Loss,
    "predict": Predict,
    "unknown_level": UnknownLevel,
    "split_by": SplitBy,
}

MOST_WEIGHTS = 2**28  # of the recurrent layers, a gigabyte of float32


def check_values(options: Mapping[str, Any]) -> None:
    """Look at every option, by its name.

    Raises:
        InputError: one is none of its choices, out of its range, or not in its form.
    """
    for name, choice in _CHOICES.items():
        _check_choice(name, options[name], get_args(choice))
    _check_calendar(options["calendar"])
    for name, (lowest, highest) in LIMITS.items():
        if options[name] is not None and not lowest <= options[name] <= highest:
            raise InputError(f"{name} is {options[name]}, expected {lowest} to {highest}")
    for name in _SHARES:
        if not 0 <= options[name] < 1:
            raise InputError(f"{name} is {options[name]}, expected 0 or more and less than 1")
    if not 0 < options["learning_rate"] < math.inf:
        raise InputError(f"learning_rate is {options['learning_rate']}, expected more than 0")
    _check_size(options["hidden_size"], options["num_layers"])
    _check_split(options["split"])
    _check_quantiles(options["quantiles"])


def _check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    if value not in choices:
        raise InputError(f"{name} is {value!r}, expected one of {', '.join(choices)}")


def _check_calendar(names: Sequence[str]) -> None:
    for name in names:
        if name not in CALENDAR or names.count(name) > 1:
            raise InputError(
                f"calendar feature {name!r}: expected each at most once of {', '.join(CALENDAR)}"
            )


def _check_size(hidden_size: int, num_layers: int) -> None:
    weights = 8 * hidden_size**2 * num_layers
    if weights > MOST_WEIGHTS:
        raise InputError(
            f"hidden_size {hidden_size} with num_layers {num_layers} makes {weights:,} weights, "
            f"expected at most {MOST_WEIGHTS:,}"
        )


def _check_split(split: Sequence[float]) -> None:
    is_whole = len(split) == len(PARTS) and abs(sum(split) - 1) <= 1e-6
    if not is_whole or min(split) < 0 or not split[0] > 0:
        raise InputError(
            f"split is {split}, expected three shares that add up to 1, the first above 0"
        )


def _check_quantiles(levels: Sequence[float]) -> None:
    are_levels = all(0 < level < 1 for level in levels)
    if not are_levels or sorted(set(levels)) != list(levels):
        raise InputError(
            f"quantiles are {levels}, expected levels between 0 and 1 in rising order, "
            "such as 0.05, 0.95"
        )
