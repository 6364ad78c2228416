"""The rule: how far an answer may be from the definition's, and how far it is."""

from __future__ import annotations

from typing import Literal, NamedTuple, cast

import numpy as np

from ..errors import LstmExportError
from ..model import Array, LengthsRunner, Runner
from .golden_set import GoldenSet
from .noise import relative_error

EPS = 2.0**-23
# The bound is FACTOR * (F + eps) in units of S. 6F + 4 eps gave no false alarm on 2,580 random
# chains either; the rest is room for processors that were not measured.
FACTOR = 8
# A noise floor above this says that the model amplifies rounding until float32 means little.
LARGEST_NOISE = 2.0**-10

Verdict = Literal["passed", "failed", "cannot be judged"]


def bound(golden: GoldenSet) -> float:
    """The error that is allowed, `8 F + 8 eps`, in units of S."""
    return FACTOR * (golden.noise_floor + EPS)


def is_judgeable(golden: GoldenSet) -> bool:
    """Whether float32 means enough here for a verdict; not where F is NaN."""
    return golden.noise_floor <= LARGEST_NOISE


class Answer(NamedTuple):
    """A runner's answer.

    Attributes:
        y: float64, of the shape that was expected; NaN where there was no comparable answer.
        reason: why there was none; empty where there was one.
    """

    y: Array
    reason: str = ""


def answer(runner: Runner, golden: GoldenSet) -> Answer:
    """The runner's answer to a golden set."""
    return answer_to(runner, golden.x, golden.lengths, golden.y.shape)


def answer_to(runner: Runner, x: Array, lengths: Array | None, expected: tuple[int, ...]) -> Answer:
    """The runner's answer to `x (batch, seq, input_size)`, of the expected shape."""
    none = np.full(expected, np.nan)  # NaN fails by every bound
    try:
        y = np.asarray(asked(runner, x, lengths), np.float64)
    except LstmExportError as error:
        return Answer(none, str(error))
    if y.shape != expected:
        return Answer(none, f"y is {y.shape}, expected {expected}")
    return Answer(y)


def asked(runner: Runner, x: Array, lengths: Array | None) -> Array:
    """Call the runner on `x`; lengths are handed on only where there are any."""
    if lengths is None:
        return runner(x)
    return cast(LengthsRunner, runner)(x, lengths)


class Largest(NamedTuple):
    """The largest error in units of S, NaN counting as the largest, and its index."""

    error: float
    at: tuple[int, ...]


def largest(y: Array, expected: Array, scale: Array) -> Largest:
    """The largest error of y, `(..., output_size)` like `expected`; scale is S `(output_size,)`."""
    errors = relative_error(y, expected, scale)  # (..., output_size)
    worst = np.unravel_index(int(np.argmax(errors)), errors.shape)  # argmax takes the first NaN
    return Largest(float(errors[worst]), tuple(map(int, worst)))  # plain numbers, for JSON


def error_of(y: Array, golden: GoldenSet) -> float:
    """The largest error of y against a golden set's answers, in units of S."""
    return largest(y, golden.y, golden.scale).error


def fails(runner: Runner, golden: GoldenSet) -> bool:
    """Whether the runner fails a golden set that can be judged."""
    if not is_judgeable(golden):
        return False
    error = error_of(answer(runner, golden).y, golden)
    return not error <= bound(golden)  # not `error > bound`: NaN must fail
