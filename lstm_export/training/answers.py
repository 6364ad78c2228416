"""What every predictor says about a part, beside what came true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..model import Array, Runner
from .samples import Samples, batches

PREDICTED_AT_ONCE = 1024  # windows
Predictor = Callable[[Array], Array]  # first rows of windows -> (windows, output_size)


@dataclass(frozen=True, eq=False)
class Answers:
    """Windows of one part, answered.

    Attributes:
        part: "train", "validation" or "test".
        targets: the predicted columns.
        true: float64 `(windows, targets, steps)`.
        predicted: by predictor, of the same shape; NaN where it has no answer.
        quantiles: of predictors that answer them too, `(windows, quantiles, targets, steps)`.
        times: `(windows,)`, of each window's last row.
        groups: the series of each window, `(windows,)` of text; empty text where there is one.
    """

    part: str
    targets: tuple[str, ...]
    true: Array
    predicted: Mapping[str, Array]
    quantiles: Mapping[str, Array]
    times: Array
    groups: Array

    @property
    def steps(self) -> int:
        """Steps ahead that are predicted; 1 for horizon 0."""
        return int(self.true.shape[2])

    def errors(self, predictor: str, target: str) -> Array:
        """Answers minus truth, float64 `(windows, steps)`, of the windows that it answers."""
        column = self.targets.index(target)
        errors = self.predicted[predictor][:, column] - self.true[:, column]
        known: Array = errors[self.is_answered(predictor)]
        return known

    def is_answered(self, predictor: str) -> Array:
        """Whether a predictor answers a window whole, bool `(windows,)`."""
        answered: Array = np.asarray(np.isfinite(self.predicted[predictor]).all(axis=(1, 2)))
        return answered


def answers_of(
    predictors: Mapping[str, Predictor],
    samples: Samples,
    part: str,
    targets: tuple[str, ...],
) -> Answers:
    """Ask every predictor about a part.

    One that has no answer for most of the windows, as a season that the table is too short for,
    is left out: it says nothing.
    """
    starts = samples.parts[part]
    true = samples.targets(starts).reshape(len(starts), len(targets), -1)
    predicted = {}
    quantiles = {}
    for name, ask in predictors.items():
        y = ask(starts).reshape(len(starts), -1, *true.shape[1:])  # the answer, then its quantiles
        if np.isfinite(y).all(axis=(1, 2, 3)).mean() <= 0.5:
            continue
        predicted[name] = y[:, 0]
        if y.shape[1] > 1:
            quantiles[name] = y[:, 1:]
    last_rows = starts + samples.lengths(starts) - 1
    return Answers(
        part=part,
        targets=targets,
        true=true,
        predicted=predicted,
        quantiles=quantiles,
        times=samples.times[last_rows],
        groups=np.array(samples.group_names, object)[samples.group[last_rows]],
    )


def predictor_of(run: Runner, samples: Samples, output_size: int) -> Predictor:
    """A runner as a predictor of the windows of a table; of every step's answer the last."""

    def predict(starts: Array) -> Array:
        lengths = samples.lengths(starts)
        y = np.empty((len(starts), output_size), np.float64)
        for length in np.unique(lengths):
            of_this_length = np.flatnonzero(lengths == length)
            for rows in batches(of_this_length, PREDICTED_AT_ONCE):
                found = run(samples.inputs(starts[rows])[:, :length])
                y[rows] = found if found.ndim == 2 else found[:, -1]
        return y

    return predict
