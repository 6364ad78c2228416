"""A ridge regression on a window's last rows, as stages beside the LSTM, which corrects it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..errors import InputError
from ..model import Affine, Array, Flatten, LastSteps, Linear, Stage
from .answers import asked, spread_rmse
from .ranks import Ranks
from .ridge import MOST_COLUMNS, NormalEquations, design_of
from .samples import Samples, batches

RIDGE = "ridge"


@dataclass(frozen=True, eq=False)
class Shortcut:
    """A linear map of a window's last rows, scaled, to the answers, in the targets' units.

    Attributes:
        scaler: of x `(input_size,)`.
        rows: how many of the window's last rows.
        weight: float32 `(answers, rows * input_size)`.
        bias: float32 `(answers,)`.
    """

    scaler: Affine
    rows: int
    weight: Array
    bias: Array

    def answers(self, samples: Samples, starts: Array) -> Array:
        """What it makes of windows, float64 `(windows, answers)`."""
        weight = self.weight.T.astype(np.float64)  # (rows * input_size, answers)
        parts = []
        for batch in batches(starts):
            flat = _flat(samples, self.scaler, batch)  # the last columns are the last rows
            parts.append(flat[:, -len(weight) :] @ weight)
        answers: Array = np.concatenate(parts) + self.bias
        return answers

    def stages(self, times: int) -> Iterator[Stage]:
        """The same as stages after the scaler, the answers repeated for their quantiles."""
        yield LastSteps("window", self.rows, inputs=(self.scaler.name,))
        yield Flatten("flat")
        weight = np.tile(self.weight, (times, 1))
        bias = np.tile(self.bias, times)
        yield Linear(RIDGE, weight, bias)


def has_shortcut(samples: Samples) -> bool:
    """Whether every window is whole, and small enough for a regression on all of its values."""
    return samples.shorter is None and samples.window * samples.x.shape[1] <= MOST_COLUMNS


def fit_shortcut(samples: Samples, scaler: Affine) -> Shortcut:
    """The regression of the training part, on as many of a window's last rows as are best on
    validation: all of them, or half, a quarter, ... down to one.

    A series whose next values follow from a few last ones leaves the weights of all others to
    noise.

    Raises:
        InputError: a window has too many values.
    """
    values = samples.window * samples.x.shape[1]
    if values > MOST_COLUMNS:
        raise InputError(
            f"a window has {values:,} values, expected at most {MOST_COLUMNS:,} for a ridge "
            "regression to correct; give a shorter --window or --predict level"
        )
    mean = samples.mean_target
    equations = NormalEquations.of(
        (_design(samples, scaler, batch), samples.targets(batch) - mean)
        for batch in batches(samples.parts["train"])
    )
    found = []
    for rows in _halvings(samples.window):
        weights = equations.weights(rows * samples.x.shape[1] + 1)  # the last row is the constant
        weight = weights[:-1].T.astype(np.float32)  # (answers, rows * input_size)
        bias = (mean + weights[-1]).astype(np.float32)
        found.append(Shortcut(scaler, rows, weight, bias))
    return _best_on_validation(found, samples)


def _halvings(window: int) -> Iterator[int]:
    """A number, half of it, ... down to 1, each rounded up.

    >>> list(_halvings(24))
    [24, 12, 6, 3, 2, 1]
    """
    while window > 1:
        yield window
        window = -(-window // 2)
    yield window


def _best_on_validation(found: Sequence[Shortcut], samples: Samples) -> Shortcut:
    """The first of those with the smallest error; without a validation part the first."""
    starts = samples.parts["validation"]
    if not len(starts):
        return found[0]
    shape = (len(starts), samples.y.shape[1], -1)  # (windows, targets, steps)
    true = asked(samples.targets, samples, "validation").reshape(shape)
    ranks = Ranks.here()
    errors = []
    for shortcut in found:
        answers = asked(partial(shortcut.answers, samples), samples, "validation")
        errors.append(ranks.agreed(spread_rmse(answers.reshape(shape), true)))
    return found[int(np.argmin(errors))]


def _flat(samples: Samples, scaler: Affine, starts: Array) -> Array:
    """Scaled windows as rows, float64 `(windows, window * input_size)`."""
    x = samples.inputs(starts).astype(np.float64)  # (windows, window, input_size)
    x -= scaler.offset
    x /= scaler.scale
    return x.reshape(len(starts), -1)


def _design(samples: Samples, scaler: Affine, starts: Array) -> Array:
    """The same with a column of ones, `(windows, window * input_size + 1)`."""
    return design_of(samples.inputs(starts), scaler.offset, scaler.scale)
