"""A pool on one batch, with what it has of the steps so far."""

from __future__ import annotations

import numpy as np

from ...model import Array, Pool, State
from ...model.state import rows_of


class PoolSteps:
    """One row of all steps since the beginning.

    Attributes:
        state: as `state_layout` lists it, `(1, batch, size)` each; to write into it sets it.
    """

    def __init__(self, stage: Pool, input_size: int, batch: int) -> None:
        self._mode = stage.mode
        self._correction = stage.correction
        self.state: State = tuple(rows_of(memory, batch) for memory in stage.memory(input_size))

    def through(self, x: Array, lengths: Array | None) -> Array:
        """The row `(size, batch)` after the steps of `x (seq, size, batch)`."""
        counted = np.ones((len(x), 1, 1), bool)  # (seq, 1, batch) with lengths
        if lengths is not None:
            counted = np.arange(len(x))[:, np.newaxis, np.newaxis] < lengths
        if self._mode == "max":
            return self._largest(x, counted)
        if self._mode == "sum":
            return self._sum(x, counted)
        kept, count = self.state
        is_new = count[0, :, 0] == 0  # (batch,)
        count[0, :, 0] += counted.sum(axis=(0, 1))
        if self._mode == "first":
            kept[0, is_new] = x[0].T[is_new]  # (batch, size)
            first: Array = kept[0].T
            return first
        divisor = count[0].T - np.float32(self._correction)  # (1, batch)
        mean: Array = self._sum(x, counted) / divisor
        return mean

    def _sum(self, x: Array, counted: Array) -> Array:
        """Step after step onto the sum so far: chunks change no bit."""
        kept = self.state[0]
        # (1 + seq, size, batch), what was kept first
        terms = np.concatenate([kept.swapaxes(1, 2), np.where(counted, x, np.float32(0))])
        kept[0] = terms.sum(axis=0).T
        total: Array = kept[0].T
        return total

    def _largest(self, x: Array, counted: Array) -> Array:
        (largest,) = self.state
        of_chunk = np.where(counted, x, np.float32(-np.inf)).max(axis=0)  # (size, batch)
        largest[0] = np.maximum(largest[0], of_chunk.T)
        row: Array = largest[0].T
        return row
