"""Ridge regression: least squares with an L2 penalty, by its normal equations in float64."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..model import Array

MOST_COLUMNS = 4096  # more, and the normal equations outgrow the model that they are beside
PENALTY = 1.0  # of squared weights, in units of squared answers


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """What a design has to say about its answers, whichever of its columns are taken.

    Attributes:
        gram: products of the design's columns with each other, `(columns, columns)`.
        moment: and with the answers, `(columns, answers)`.
    """

    gram: Array
    moment: Array

    @classmethod
    def of(cls, parts: Iterable[tuple[Array, Array]]) -> NormalEquations:
        """Those of pairs of a design `(rows, columns)` and what it should give, `(rows, answers)`,
        of which there is one at least."""
        gram = np.zeros(())  # (columns, columns) once there is a part
        moment = np.zeros(())  # (columns, answers)
        for design, true in parts:
            gram = gram + design.T @ design
            moment = moment + design.T @ true
            del design  # before the next is made: of long windows it is large
        return cls(gram, moment)

    def weights(self, columns: int) -> Array:
        """The weights `(columns, answers)` that take the last so many columns to the answers."""
        gram = self.gram[-columns:, -columns:]
        penalty = PENALTY * np.eye(columns)
        found: Array = np.linalg.solve(gram + penalty, self.moment[-columns:])
        return found


def design_of(x: Array, offset: Array, scale: Array) -> Array:
    """Scaled, flattened windows and a column of ones: `(windows, window * input_size + 1)`.

    It is the only float64 array that is made: with long windows it is the largest of a training.

    Args:
        x: float32 `(windows, window, input_size)`.
        offset: of the scaler, `(input_size,)`.
        scale: of the scaler, `(input_size,)`.
    """
    windows, window, input_size = x.shape
    design = np.ones((windows, window * input_size + 1))
    scaled = design[:, :-1].reshape(x.shape)  # a view
    np.subtract(x, offset, out=scaled, dtype=np.float64)
    np.divide(scaled, scale, out=scaled)
    return design


def ridge_weights(parts: Iterable[tuple[Array, Array]]) -> Array:
    """The weights `(columns, answers)` that take a whole design to its answers, see
    `NormalEquations.of`."""
    equations = NormalEquations.of(parts)
    return equations.weights(len(equations.gram))
