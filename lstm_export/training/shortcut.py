"""A ridge regression on the whole window, as stages beside the LSTM, which corrects it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..model import Affine, Array, Flatten, LastSteps, Linear, Stage
from .ridge import MOST_COLUMNS, ridge_weights
from .samples import Samples, batches

RIDGE = "ridge"


@dataclass(frozen=True, eq=False)
class Shortcut:
    """A linear map of the scaled window to the answers, in the targets' units.

    Attributes:
        scaler: of x `(input_size,)`.
        window: rows of a window.
        weight: float32 `(answers, window * input_size)`.
        bias: float32 `(answers,)`.
    """

    scaler: Affine
    window: int
    weight: Array
    bias: Array

    def answers(self, samples: Samples, starts: Array) -> Array:
        """What it makes of windows, float64 `(windows, answers)`."""
        weight = self.weight.T.astype(np.float64)  # (window * input_size, answers)
        parts = [_flat(samples, self.scaler, rows) @ weight for rows in batches(starts)]
        answers: Array = np.concatenate(parts) + self.bias
        return answers

    def stages(self, times: int) -> Iterator[Stage]:
        """The same as stages after the scaler, the answers repeated for their quantiles."""
        yield LastSteps("window", self.window, inputs=(self.scaler.name,))
        yield Flatten("flat")
        yield Linear(RIDGE, np.tile(self.weight, (times, 1)), np.tile(self.bias, times))


def has_shortcut(samples: Samples) -> bool:
    """Whether every window is whole, and small enough for a regression on all of its values."""
    return samples.shorter is None and samples.window * samples.x.shape[1] <= MOST_COLUMNS


def fit_shortcut(samples: Samples, scaler: Affine) -> Shortcut:
    """The regression of the training part.

    Raises:
        InputError: a window has too many values.
    """
    values = samples.window * samples.x.shape[1]
    if values > MOST_COLUMNS:
        raise InputError(
            f"a window has {values:,} values, expected at most {MOST_COLUMNS:,} for a ridge "
            "regression to correct; give a shorter window, or predict level"
        )
    starts = samples.parts["train"]
    mean = samples.mean_target
    weights = ridge_weights(
        (_with_ones(_flat(samples, scaler, rows)), samples.targets(rows) - mean)
        for rows in batches(starts)
    )  # (window * input_size + 1, answers)
    return Shortcut(
        scaler=scaler,
        window=samples.window,
        weight=weights[:-1].T.astype(np.float32),
        bias=(mean + weights[-1]).astype(np.float32),
    )


def _flat(samples: Samples, scaler: Affine, starts: Array) -> Array:
    """Scaled windows as rows, float64 `(windows, window * input_size)`."""
    x = samples.inputs(starts).astype(np.float64)  # (windows, window, input_size)
    flat: Array = ((x - scaler.offset) / scaler.scale).reshape(len(starts), -1)
    return flat


def _with_ones(design: Array) -> Array:
    return np.hstack([design, np.ones((len(design), 1))])
