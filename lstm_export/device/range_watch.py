"""Which features of a stream are out of the range of training, sample by sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..model import Array, Signature
from .ranges import bounds_of, out_of_range


class RangeWatch:
    """Counts samples outside, and finds words for features that have just left their range.

    Attributes:
        low, high: the bounds, float32 `(input_size,)`.
        count: samples that came with a value outside.
        outside: which features are out of range at present, bool `(batch, input_size)`.
        all_inside: the bytes of a comparison, `(2, batch, input_size)`, that says that a sample is
            inside. None are right while a feature is out of range: every sample is looked at then.
    """

    def __init__(self, signature: Signature, batch: int) -> None:
        self._signature = signature
        self.low, self.high = bounds_of(signature)
        self.count = 0
        self.outside = np.zeros((batch, signature.input_size), np.bool_)
        self.all_inside = b""

    def note(self, x: Array) -> str:
        """Look at `x (batch, seq, input_size)`: what to say of features that just left."""
        outside = (x < self.low) | (x > self.high)  # (batch, seq, input_size)
        self.count += int(outside.any(axis=2).sum())
        last = self.outside[:, np.newaxis]  # (batch, 1, input_size), before this chunk
        # of the step before each, (batch, seq, input_size)
        before = np.concatenate([last, outside[:, :-1]], axis=1)
        just_left = (outside & ~before).any(axis=2)  # (batch, seq)
        self.set(slice(None), outside[:, -1])
        return out_of_range(x[just_left], self._signature) if just_left.any() else ""

    def set(self, rows: Any, outside: Array) -> None:
        """Say which features of some rows are out of range at present."""
        self.outside[rows] = outside
        if self.outside.any():
            self.all_inside = b""
        else:
            self.all_inside = b"\1" * (2 * self.outside.size)

    def anything_inside(self) -> Array:
        """Values within the ranges, float32 `(input_size,)`, for rows whose answers nobody sees."""
        values: Array = np.clip(np.float32(0), self.low, self.high)
        return values
