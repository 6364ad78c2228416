"""What every predictor says about a part, beside what came true."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..model import Array, Runner
from . import scratch
from .samples import Samples, batches

MODEL = "model"  # what the model is called among the predictors
PREDICTED_AT_ONCE = 1024  # windows
Predictor = Callable[[Array], Array]  # first rows of windows -> (windows, output_size)


@dataclass(frozen=True, eq=False)
class Answers:
    """Windows of one part, answered.

    Attributes:
        part: "train", "validation" or "test"; "all" of a table that is judged whole.
        targets: the predicted columns.
        true: float64 `(windows, targets, steps)`.
        predicted: by predictor, of the same shape; NaN where it has no answer.
        quantiles: of predictors that answer them too, `(windows, quantiles, targets, steps)`.
        times: `(windows,)`, of each window's last row.
        group: the number of each window's series, int32 `(windows,)`.
        group_names: of the series; empty text where there is one.
    """

    part: str
    targets: tuple[str, ...]
    true: Array
    predicted: Mapping[str, Array]
    quantiles: Mapping[str, Array]
    times: Array
    group: Array
    group_names: tuple[str, ...]

    @property
    def groups(self) -> Array:
        """The series of each window, `(windows,)` of text."""
        names: Array = np.array(self.group_names, object)[self.group]
        return names

    @property
    def steps(self) -> int:
        """Steps ahead that are predicted; 1 for horizon 0."""
        return int(self.true.shape[2])

    def errors(self, predictor: str, target: str) -> Array:
        """Answers minus truth, float64 `(windows, steps)`, of the windows that it answers."""
        return np.concatenate([*self.errors_in_blocks(predictor, target)])

    def errors_in_blocks(self, predictor: str, target: str) -> Iterator[Array]:
        """The same, of so many windows at a time as may be computed with."""
        column = self.targets.index(target)
        for block in scratch.blocks(len(self.true), self.true[0].size):
            predicted = self.predicted[predictor][block]
            is_answered = np.isfinite(predicted).all(axis=(1, 2))  # (windows,)
            errors = predicted[:, column] - self.true[block, column]
            yield errors[is_answered]  # (answered windows, steps)

    def is_answered(self, predictor: str) -> Array:
        """Whether a predictor answers a window whole, bool `(windows,)`."""
        is_known = np.isfinite(self.predicted[predictor])  # (windows, targets, steps)
        answered: Array = np.asarray(is_known.all(axis=(1, 2)))
        return answered


def rmse_of(errors: Array) -> float:
    """Root mean square of errors of any shape."""
    return float(np.sqrt(np.mean(errors**2)))


def mae_of(errors: Array) -> float:
    """Mean absolute value of errors of any shape."""
    return float(np.mean(np.abs(errors)))


def spread_rmse(predicted: Array, true: Array) -> float:
    """Over all targets, each in units of its standard deviation.

    Args:
        predicted: `(windows, targets, steps)`.
        true: of the same shape.
    """
    blocks = [*scratch.blocks(len(true), true[0].size)]
    count = true[:, 0].size
    mean = _total(true[block] for block in blocks) / count  # (targets,)
    of_target = mean[:, np.newaxis]
    squares = _total(np.square(true[block] - of_target) for block in blocks) / count
    spread = np.sqrt(squares)
    # a target that never changes is judged in its own unit
    scale = np.where(spread > 0, spread, 1.0)
    errors = _total(np.square(predicted[block] - true[block]) for block in blocks) / count
    # in units of each target's variance
    return float(np.sqrt((errors / np.square(scale)).mean()))


def _total(blocks: Iterable[Array]) -> Array:
    """The sum over blocks `(windows, targets, steps)`, `(targets,)`."""
    sums = [block.sum(axis=(0, 2)) for block in blocks]
    total: Array = np.sum(sums, axis=0)
    return total


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
    windows = len(samples.parts[part])
    # (windows, targets, steps)
    true = asked(samples.targets, samples, part).reshape(windows, len(targets), -1)
    predicted = {}
    quantiles = {}
    for name, ask in predictors.items():
        y = asked(ask, samples, part)
        if _share_answered(y) <= 0.5:
            continue
        y = y.reshape(windows, -1, *true.shape[1:])  # the answer, then its quantiles
        predicted[name] = y[:, 0]  # (windows, targets, steps)
        if y.shape[1] > 1:
            quantiles[name] = y[:, 1:]
    last_rows = scratch.concatenated(_last_rows(samples, part), np.int64)
    return Answers(
        part=part,
        targets=targets,
        true=true,
        predicted=predicted,
        quantiles=quantiles,
        times=scratch.taken(samples.times, last_rows),
        group=scratch.taken(samples.group, last_rows),
        group_names=samples.group_names,
    )


def asked(ask: Predictor, samples: Samples, part: str) -> Array:
    """The answers to a part's windows, float64 `(windows, output_size)`, asked block by block; of
    a large part they are mapped from a file."""
    done = 0
    answers = np.empty((0, 0))
    for starts in samples.starts_of(part):
        y = ask(starts)
        if not done:
            answers = scratch.empty((len(samples.parts[part]), y.shape[1]), np.float64)
        answers[done : done + len(y)] = y
        done += len(y)
    return answers


def _share_answered(y: Array) -> float:
    """Of the windows of `y (windows, output_size)`."""
    answered = 0
    for block in scratch.blocks(*y.shape):
        is_answered = np.isfinite(y[block]).all(axis=1)  # (windows,)
        answered += np.count_nonzero(is_answered)
    return answered / len(y)


def _last_rows(samples: Samples, part: str) -> Iterator[Array]:
    for starts in samples.starts_of(part):
        yield starts + samples.lengths(starts) - 1


def predictor_of(run: Runner, samples: Samples, output_size: int) -> Predictor:
    """A runner as a predictor of the windows of a table; of every step's answer the last."""

    def predict(starts: Array) -> Array:
        lengths = samples.lengths(starts)
        # (windows, output_size); windows of a length are asked together
        y = np.empty((len(starts), output_size), np.float64)
        for length in np.unique(lengths):
            of_this_length = np.flatnonzero(lengths == length)
            for rows in batches(of_this_length, PREDICTED_AT_ONCE):
                found = run(samples.inputs(starts[rows])[:, :length])  # without padding
                y[rows] = found if found.ndim == 2 else found[:, -1]
        return y

    return predict
