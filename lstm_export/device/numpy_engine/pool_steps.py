"""A pool on one batch, with what it has of the steps so far."""

from __future__ import annotations

import numpy as np

from ...model import Array, Pool, State
from ...model.state import carried_sum, rows_of


class PoolSteps:
    """One row of all steps since the beginning.

    Attributes:
        state: as `state_layout` lists it, `(rows, batch, size)` each; to write into it sets it.
    """

    def __init__(self, stage: Pool, input_size: int, batch: int) -> None:
        self._mode = stage.mode
        self._correction = stage.correction
        self.state: State = tuple(rows_of(memory, batch) for memory in stage.memory(input_size))

    def through(self, x: Array, lengths: Array | None) -> Array:
        """The row `(size, batch)` after the steps of `x (seq, size, batch)`."""
        counted = np.ones((len(x), 1, x.shape[2]), bool)  # (seq, 1, batch)
        if lengths is not None:
            counted = np.arange(len(x))[:, np.newaxis, np.newaxis] < lengths
        if self._mode == "max":
            return self._largest(x, counted)
        if self._mode == "first":
            return self._first(x, counted)
        terms = np.where(counted, x, np.float32(0))
        row = _added(self.state[0], terms)
        if self._mode == "mean":
            count = _added(self.state[1], counted)  # (1, batch)
            row = row / (count - self._correction)
        return np.asarray(row, np.float32)

    def _first(self, x: Array, counted: Array) -> Array:
        kept, count = self.state
        is_new = count[0, :, 0] == 0  # (batch,)
        kept[0, is_new] = x[0].T[is_new]  # (batch, size)
        count[0, :, 0] += counted.sum(axis=(0, 1))  # (batch,), steps so far
        first: Array = kept[0].T
        return first

    def _largest(self, x: Array, counted: Array) -> Array:
        (largest,) = self.state
        of_chunk = np.where(counted, x, np.float32(-np.inf)).max(axis=0)  # (size, batch)
        largest[0] = np.maximum(largest[0], of_chunk.T)
        row: Array = largest[0].T
        return row


def _added(carried: Array, terms: Array) -> Array:
    """The sum so far `(size, batch)` in float64, with `terms (seq, size, batch)`; it is carried on.

    Step after step, so that chunks change no bit.
    """
    before = carried.sum(axis=0, dtype=np.float64).T  # (size, batch)
    every_term = np.concatenate([before[np.newaxis], terms])  # (1 + seq, size, batch)
    total: Array = every_term.sum(axis=0)
    carried[...] = carried_sum(total.T)
    return total
