"""Mean, spread and range of columns that are seen block by block."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np

from ..model import Array


@dataclass(frozen=True, eq=False)
class Moments:
    """Of columns, each `(columns,)`; of one block exactly what numpy says.

    Attributes:
        count: rows.
        mean: of each column.
        squares: sum of squared distances from the mean.
        low: the lowest value.
        high: the highest.
    """

    count: int
    mean: Array
    squares: Array
    low: Array
    high: Array

    @classmethod
    def of(cls, values: Array) -> Moments:
        """Those of `values (rows, columns)`, a row at least."""
        mean = values.mean(axis=0)
        squares = np.square(values - mean).sum(axis=0)
        return cls(len(values), mean, squares, values.min(axis=0), values.max(axis=0))

    def __add__(self, other: Moments) -> Moments:
        """Those of both together, by Chan, Golub and LeVeque (1979), which loses no digits where
        the mean is far from zero."""
        count = self.count + other.count
        apart = other.mean - self.mean  # (columns,)
        between = np.square(apart) * (self.count * other.count / count)
        return Moments(
            count=count,
            mean=self.mean + apart * (other.count / count),
            squares=self.squares + other.squares + between,
            low=np.minimum(self.low, other.low),
            high=np.maximum(self.high, other.high),
        )

    @property
    def deviation(self) -> Array:
        """The standard deviation, as numpy's `std`."""
        deviation: Array = np.sqrt(self.squares / self.count)
        return deviation


def moments_of(blocks: Iterable[Array]) -> Moments:
    """Those of float64 blocks `(rows, columns)`, of which there is one at least."""
    return reduce(Moments.__add__, (Moments.of(block) for block in blocks if len(block)))
