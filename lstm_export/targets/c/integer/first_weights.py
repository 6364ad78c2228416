"""The unit of a count goes into the weights that it meets first, and costs no arithmetic.

So it is free: it can be that of a sensor, whose readings are then counted without an error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ....model import Array, Recurrent
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
        exact = np.asarray(weight, np.float64)
        return exact * self.factor, np.asarray(bias, np.float64) + exact @ self.zero

    def into_stage(self, stage: Recurrent) -> Recurrent:
        """The same of the first layer of a stage."""
        rows = len(stage.gates) * stage.hidden_size
        keys = [f"bias_{part}{suffix}" for suffix in stage.suffixes for part in ("ih", "hh")]
        weights = {**dict.fromkeys(keys, np.zeros(rows, np.float32)), **stage.weights}
        for suffix in stage.suffixes[: stage.directions]:
            names = (f"weight_ih{suffix}", f"bias_ih{suffix}")
            changed = self.into(*(weights[name] for name in names))
            weights |= dict(zip(names, changed, strict=True))
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
    return bool((is_fine & (np.abs(value.zero) <= FARTHEST)).all())
