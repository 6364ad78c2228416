"""The unit of a count goes into the weights that it meets first, and costs no arithmetic.

So it is free: it can be that of a sensor, whose readings are then counted without an error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ....model import Array, Recurrent
from .arithmetic import float64
from .draft import Draft, Value

FARTHEST = 1.0  # of the spread, that count 0 may lie beside the scaler's mean


@dataclass(frozen=True, eq=False)
class Unit:
    """What a count stands for: `zero + factor * count * 2^-bits`.

    Attributes:
        zero: float64 `(width,)`.
        factor: float64 `(width,)`, above a half, at most 1.
    """

    zero: Array
    factor: Array

    def into(self, weight: Array, bias: Array) -> tuple[Array, Array]:
        """Weights `(rows, width)` and biases that give the same from `count * 2^-bits`."""
        exact = float64(weight)
        moved = float64(bias) + exact @ self.zero  # (rows,)
        return exact * self.factor, moved

    def into_stage(self, stage: Recurrent) -> Recurrent:
        """The same of the first layer of a stage."""
        rows = len(stage.gates) * stage.hidden_size
        weights: dict[str, Array] = {}
        for suffix in stage.suffixes:  # where there are no biases, the unit needs some
            weights[f"bias_ih{suffix}"] = np.zeros(rows, np.float32)
            weights[f"bias_hh{suffix}"] = np.zeros(rows, np.float32)
        weights |= stage.weights
        for suffix in stage.suffixes[: stage.directions]:
            weight = weights[f"weight_ih{suffix}"]
            bias = weights[f"bias_ih{suffix}"]
            weight, bias = self.into(weight, bias)
            weights[f"weight_ih{suffix}"] = weight
            weights[f"bias_ih{suffix}"] = bias
        return replace(stage, weights=weights)


def counted(value: Value, draft: Draft) -> tuple[Value, Unit | None]:
    """A value as weights take it, narrow and in bits, and the unit that has to go into them."""
    if not value.is_raw or value.is_wide or not _is_near(value, draft):
        return draft.narrow(value), None
    fraction, exponent = np.frexp(value.step)
    is_power = fraction == 0.5
    exponent = exponent - is_power
    factor = np.where(is_power, 1.0, fraction)
    width = len(value.step)
    plain = replace(value, step=2.0**exponent, zero=np.zeros(width), is_raw=False)
    if is_power.all() and not value.zero.any():
        return plain, None
    return plain, Unit(value.zero, factor)


def _is_near(value: Value, draft: Draft) -> bool:
    """Whether weights can take a unit in without a loss of bits of their own."""
    finest = 2.0 ** -draft.target(value)
    is_fine = (value.step > 0) & (value.step < 2 * finest)
    is_beside = np.abs(value.zero) <= FARTHEST
    return bool((is_fine & is_beside).all())
