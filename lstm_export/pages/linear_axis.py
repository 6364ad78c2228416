"""Linear axes with round marks; places are percentages, so that a chart fits any window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class LinearAxis:
    """Values from `low` to `high`, as percentages of the chart's width or height.

    Attributes:
        low, high: the values at its ends.
        start, end: percentages where they lie.
    """

    low: float
    high: float
    start: float = 2.0
    end: float = 98.0

    @classmethod
    def across(cls, values: Sequence[float]) -> LinearAxis:
        """From left to right, around the finite values."""
        return cls(*_ends(values))

    @classmethod
    def up(cls, values: Sequence[float]) -> LinearAxis:
        """From the bottom to the top, around the finite values."""
        return cls(*_ends(values), start=96.0, end=4.0)

    def at(self, value: float) -> float:
        """The percentage of a value."""
        along = (value - self.low) / (self.high - self.low)  # 0 to 1
        return float(self.start + along * (self.end - self.start))

    def marks(self, most: int = 6) -> list[float]:
        """Round values between the ends, at most `most` steps between them.

        >>> LinearAxis(0.0, 7.0).marks(3)
        [0.0, 2.5, 5.0]
        """
        least_step = (self.high - self.low) / most
        power = 10.0 ** np.floor(np.log10(least_step))
        steps = (power * factor for factor in _ROUND)
        step = next(step for step in steps if step >= least_step)
        first = np.ceil(self.low / step)
        # a little more, so that a mark at the very end is not lost to rounding
        count = int(np.floor(self.high / step + 1e-9) - first) + 1
        return [float((first + index) * step) for index in range(count)]


def _ends(values: Sequence[float]) -> tuple[float, float]:
    finite = np.array(values, np.float64)
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        return 0.0, 1.0
    low = float(finite.min())
    high = float(finite.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)
