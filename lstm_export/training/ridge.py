"""Ridge regression: least squares with an L2 penalty, by its normal equations in float64."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..model import Array

MOST_COLUMNS = 4096  # more, and the normal equations outgrow the model that they are beside
PENALTY = 1.0  # of squared weights, in units of squared answers


def ridge_weights(parts: Iterable[tuple[Array, Array]]) -> Array:
    """The weights `(columns, answers)` that take a design to its answers.

    Args:
        parts: pairs of a design `(rows, columns)` and what it should give, `(rows, answers)`.
    """
    gram = np.zeros(())  # (columns, columns) once there is a part
    moment = np.zeros(())  # (columns, answers)
    for design, true in parts:
        gram = gram + design.T @ design
        moment = moment + design.T @ true
    weights: Array = np.linalg.solve(gram + PENALTY * np.eye(len(gram)), moment)
    return weights
