"""The rule: how far an answer may be from the definition's, and how far it is."""

from __future__ import annotations

from typing import Literal, cast

import numpy as np

from ..errors import LstmExportError
from ..model import Array, LengthsRunner, Runner
from .golden import GoldenSet
from .noise import in_units_of

EPS = 2.0**-23
# The bound is FACTOR * (F + eps) in units of S. 6F + 4 eps gave no false alarm on 2,580 random chains either;
# the rest is room for processors that were not measured.
FACTOR = 8
# A noise floor above this says that the model amplifies rounding until float32 means little: no verdict.
LARGEST_NOISE = 2.0**-10

Verdict = Literal["passed", "failed", "cannot be judged"]


def bound(golden: GoldenSet) -> float:
    """The error that is allowed, `8 F + 8 eps`, in units of S."""
    return FACTOR * (golden.noise_floor + EPS)


def is_judgeable(golden: GoldenSet) -> bool:
    """Whether float32 means enough here for a verdict; not where F is NaN."""
    return golden.noise_floor <= LARGEST_NOISE


def answer(runner: Runner, golden: GoldenSet) -> tuple[Array, str]:
    """The runner's y, or NaN and the reason why there is none that can be compared."""
    try:
        y = np.asarray(asked(runner, golden.x, golden.lengths), np.float64)
    except LstmExportError as error:
        return np.full(golden.y.shape, np.nan), str(error)
    if y.shape != golden.y.shape:
        return np.full(golden.y.shape, np.nan), f"y is {y.shape}, expected {golden.y.shape}"
    return y, ""


def asked(runner: Runner, x: Array, lengths: Array | None) -> Array:
    """What the runner answers; lengths are handed on only where there are any."""
    return runner(x) if lengths is None else cast(LengthsRunner, runner)(x, lengths)


def largest(y: Array, expected: Array, scale: Array) -> tuple[float, tuple[int, ...]]:
    """The largest error in units of S, NaN counting as the largest, and where it is."""
    error = in_units_of(np.abs(y - expected), scale)
    worst = np.unravel_index(int(np.argmax(error)), error.shape)  # argmax takes the first NaN
    return float(error[worst]), tuple(int(index) for index in worst)
