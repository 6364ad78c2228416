"""The surroundings in which a stage's equations run: noise, lengths, initial and final states."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..arrays import Array
from ..stage import Memory, Stage
from ..state import State, rows_of
from .variation import CORRECT, Choices, Noise

Weights = dict[str, Array]  # a stage's arrays as they are used in this run, (*runs, ...)


class FinalState(NamedTuple):
    """A state after each row's last step, of every layer and direction.

    Attributes:
        y: `(num_layers * directions, *runs, batch, size)`.
        terms: same shape, the absolute terms that it was summed from.
    """

    y: Array
    terms: Array


class Value(NamedTuple):
    """A value between stages.

    Time comes first, so that weights `(*runs, out, in)` apply by broadcasting.

    Attributes:
        y: `(seq, *runs, batch, size)`, or `(*runs, batch, size)` once a step was picked.
        terms: same shape, the sum of the absolute terms of the last operation.
    """

    y: Array
    terms: Array


class LayerOutput(NamedTuple):
    """The output of one layer in one direction, in the order in which it read.

    Attributes:
        value: every h_t.
        final: h, and of an LSTM c, after each row's last step, `(*runs, batch, size)`.
        terms: the absolute terms of each.
    """

    value: Value
    final: State
    terms: State


@dataclass
class Context:
    """One run through a chain.

    Attributes:
        noise: rounding errors to add.
        lengths: `(batch,)`, the steps of each row that count.
        state: initial states that are still to be used, in the layout's order; None for the model's
            own.
        choices: what a known bug does otherwise.
        before: the stage whose value this one takes first; None for the model's input.
        final: the states after each row's last step so far, `(num_layers, *runs, batch, size)`.
        states: by recurrent stage its `h` and `c` after each row's last step.
    """

    noise: Noise
    lengths: Array
    state: Iterator[Array] | None = None
    choices: Choices = CORRECT
    before: Stage | None = None
    final: list[Array] = field(default_factory=list)
    states: dict[str, dict[str, FinalState]] = field(default_factory=dict)

    def start(self, memories: tuple[Memory, ...]) -> list[Array]:
        """A stage's carried tensors before the first step, `(rows, *runs, batch, size)` each."""
        return [self._start(memory) for memory in memories]

    def _start(self, memory: Memory) -> Array:
        state = rows_of(memory, 1) if self.state is None else next(self.state)
        return self.for_runs(state)

    def for_runs(self, state: Array) -> Array:
        """A state `(rows, batch, size)`, or that after another such run, of every run."""
        if state.ndim > 3:  # (rows, *runs, batch, size)
            return state
        rows, batch, size = state.shape
        runs = [1] * len(self.noise.runs)  # an axis of 1: every run starts alike
        return np.asarray(state, np.float64).reshape(rows, *runs, batch, size)

    def last(self, x: Array, step: int = -1) -> Array:
        """The last step of every row of `x (seq, *runs, batch, size)`; for -2 the step before."""
        steps = np.maximum(self.lengths[np.newaxis] + step, 0)  # (1, batch)
        picked: Array = np.take_along_axis(x, self._index(steps), axis=0)[0]
        return picked  # (*runs, batch, size)

    def last_steps(self, x: Array, count: int) -> Array:
        """The last steps of every row of `x (seq, *runs, batch, size)`, which has so many."""
        steps = self.lengths - count + np.arange(count)[:, np.newaxis]  # (count, batch)
        # (count, *runs, batch, size)
        return np.take_along_axis(x, self._index(steps), axis=0)

    def reversed(self, x: Array) -> Array:
        """Every row of `x (seq, *runs, batch, size)` backwards within its length.

        Its own inverse.
        """
        steps = np.arange(len(x))[:, np.newaxis]  # (seq, 1)
        mirrored = self.lengths - 1 - steps  # (seq, batch)
        turned = np.where(steps < self.lengths, mirrored, steps)  # padding stays where it is
        return np.take_along_axis(x, self._index(turned), axis=0)

    def steps(self, seq: int) -> Iterator[tuple[int, Array | None]]:
        """Every step t, and which rows it still belongs to, `(batch, 1)`; None for all."""
        shortest = int(self.lengths.min(initial=seq))
        for t in range(shortest):
            yield t, None  # no row has ended, so nothing need be chosen
        for t in range(shortest, seq):
            yield t, (t < self.lengths)[:, np.newaxis]

    def counted(self, x: Array) -> Array:
        """Which steps of `x (seq, *runs, batch, size)` count: `(seq, *1, batch, 1)`."""
        steps = np.arange(len(x))[:, np.newaxis]  # (seq, 1)
        return self._index(steps < self.lengths)  # from (seq, batch)

    def _index(self, steps: Array) -> Array:
        """`steps (n, batch)` as an index into `(seq, *runs, batch, size)`."""
        runs = [1] * len(self.noise.runs)
        return steps.reshape(len(steps), *runs, -1, 1)


def for_rows(state: Array, x: Array) -> Array:
    """`state (..., size)` for every run and row of `x (seq, *runs, batch, input_size)`."""
    return np.broadcast_to(state, (*x.shape[1:-1], state.shape[-1]))


def transposed(weight: Array) -> Array:
    """`weight.T` of every run: `(*runs, out, in)` to `(*runs, in, out)`."""
    return np.swapaxes(weight, -1, -2)


def as_row(bias: Array) -> Array:
    """`bias (*runs, size)`, ready to be added to rows `(*runs, batch, size)`."""
    return bias[..., np.newaxis, :]
