"""Logarithmic axes of the page's charts.

Places are percentages, so that a chart fits any window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SMALLEST = 1e-9  # errors below are drawn there: a hundredth of float32's own resolution

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class LogAxis:
    """Decades from `low` to `high`, as percentages of the chart's width or height.

    Attributes:
        low, high: exponents of ten.
        start, end: percentages where they lie.
    """

    low: int
    high: int
    start: float = 2.0
    end: float = 98.0

    @classmethod
    def of(cls, values: Sequence[float], start: float = 2.0, end: float = 98.0) -> LogAxis:
        """Whole decades around the finite values."""
        finite = [max(value, SMALLEST) for value in values if np.isfinite(value)] or [1.0]
        low = int(np.floor(np.log10(min(finite))))
        high = int(np.ceil(np.log10(max(finite))))
        return cls(low, max(high, low + 1), start, end)

    def at(self, value: float) -> float:
        """The percentage of a value; one that is no number lies at the far end."""
        exponent = float(self.high)
        if np.isfinite(value):
            exponent = np.log10(np.clip(value, 10.0**self.low, 10.0**self.high))
        along = (exponent - self.low) / (self.high - self.low)  # 0 to 1
        return float(self.start + along * (self.end - self.start))

    def marks(self, most: int = 8) -> list[tuple[int, float]]:
        """Exponents to label, and the percentages where they lie."""
        decades = self.high - self.low
        step = -(-decades // most)  # rounded up
        exponents = range(self.low, self.high + 1, step)
        return [(exponent, self.at(10.0**exponent)) for exponent in exponents]


def power(exponent: int) -> str:
    """`10⁻⁷`."""
    return "10" + str(exponent).translate(_SUPERSCRIPTS)
