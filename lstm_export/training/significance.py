"""Whether one predictor is better than another, or a part is too short to tell."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..model import Array
from . import scratch
from .answers import Answers

STRETCHES = 10  # at most
# The 97.5 % quantile of Student's t distribution with 1, 2, ... degrees of freedom.
T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


def is_clearly_better(answers: Answers, better: str, worse: str, target: str) -> bool:
    """Whether a predictor's squared errors are smaller than another's by more than noise.

    The differences of their squared errors, window by window (Diebold and Mariano,
    doi:10.1080/07350015.1995.10524599), are averaged over ten stretches of neighbouring windows,
    or as many as are no shorter than the steps ahead. Neighbours share rows, so that their errors
    go together; stretches hardly do, and Student's t-test may be put to their means (the method of
    batch means). It is asked at 95 %. A part of a single stretch tells nothing.
    """
    gains = scratch.concatenated(_gains(answers, better, worse, target), np.float64)
    stretches = min(STRETCHES, len(gains) // answers.steps)
    if stretches < 2:
        return False
    means = [stretch.mean() for stretch in np.array_split(gains, stretches)]
    standard_error = np.std(means, ddof=1) / np.sqrt(stretches)
    return bool(np.mean(means) > T[stretches - 2] * standard_error)


def _gains(answers: Answers, better: str, worse: str, target: str) -> Iterator[Array]:
    """By how much the mean squared error of each window is smaller, `(windows,)`, of those that
    both answer."""
    column = answers.targets.index(target)
    for block in scratch.blocks(len(answers.true), answers.true[0].size):
        true = answers.true[block, column]  # (windows, steps)
        own = np.square(answers.predicted[better][block, column] - true).mean(axis=1)
        other = np.square(answers.predicted[worse][block, column] - true).mean(axis=1)
        gains = other - own
        yield gains[np.isfinite(gains)]
