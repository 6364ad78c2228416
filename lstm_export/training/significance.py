"""Whether one predictor is better than another, or a part is too short to tell."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..model import Array
from . import scratch
from .answers import Answers

STRETCHES = 10  # at most
# The 97.5 % quantile of Student's t distribution with 1, 2, ... degrees of freedom.
T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


class Gain(NamedTuple):
    """By how much the mean squared error of one predictor is smaller than another's.

    Attributes:
        mean: over all windows.
        standard_error: of the mean; infinite where the windows do not tell.
        stretches: that it was taken from.
    """

    mean: float
    standard_error: float
    stretches: int

    @property
    def is_clear(self) -> bool:
        """Whether it is more than noise, at 95 %."""
        return self.stretches > 1 and self.mean > T[self.stretches - 2] * self.standard_error


def gain_of(answers: Answers, better: str, worse: str, target: str) -> Gain:
    """Compare the squared errors of two predictors for a target.

    Their differences, window by window (Diebold and Mariano,
    doi:10.1080/07350015.1995.10524599), are averaged over ten stretches of neighbouring windows,
    or as many as are no shorter than the steps ahead. Neighbours share rows, so that their errors
    go together; stretches hardly do, and Student's t-test may be put to their means (the method of
    batch means).
    """
    gains = scratch.concatenated(_gains(answers, better, worse, target), np.float64)
    stretches = min(STRETCHES, len(gains) // answers.steps)
    if stretches < 2:
        return Gain(0.0, math.inf, stretches)
    means = [stretch.mean() for stretch in np.array_split(gains, stretches)]
    # of the mean of so many independent means; ddof=1: their own mean was estimated
    standard_error = np.std(means, ddof=1) / np.sqrt(stretches)
    return Gain(float(np.mean(means)), float(standard_error), stretches)


def _gains(answers: Answers, better: str, worse: str, target: str) -> Iterator[Array]:
    """By how much the mean squared error of each window is smaller, `(windows,)`, of those that
    both answer."""
    column = answers.targets.index(target)
    for block in scratch.blocks(len(answers.true), answers.true[0].size):
        true = answers.true[block, column]  # (windows, steps)
        error = answers.predicted[better][block, column] - true
        larger = answers.predicted[worse][block, column] - true
        gains = np.square(larger).mean(axis=1) - np.square(error).mean(axis=1)
        yield gains[np.isfinite(gains)]
