"""The memory of a stream between samples: the model's state, or the last samples of a window.

Either has two buffers, the present and the next, which change places only after the runtime has
answered: an error leaves the present as it was.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..model import Array, Runner, Signature, State, StatefulRunner
from ..series import sliding_windows


class Context(Protocol):
    """The memory of a Stream.

    Attributes:
        x: float32 `(batch, 1, input_size)`, where the next sample is put.
        every_step: whether the chain answers at every step of a chunk, or for its last.
    """

    x: Array
    every_step: bool

    def run(self) -> Array:
        """Take the sample in `x`: its answer `(batch, output_size)`, a fresh array."""

    def push(self, x: Array) -> Array:
        """Take a chunk `(batch, seq, input_size)`: the answer of its last step, or of every one.

        `(batch, output_size)`, or `(batch, seq, output_size)`.
        """

    def take(self, rows: Any) -> tuple[Array, ...]:
        """A copy of what is kept for some rows of the batch, the first axis of every array."""

    def put(self, rows: Any, kept: tuple[Array, ...]) -> None:
        """The inverse of `take`."""

    def fresh(self, batch: int) -> tuple[Array, ...]:
        """The arrays of `take` before the first sample."""


class Steps(Protocol):
    """Steps of one sample for a fixed batch, which keep their state.

    Attributes:
        x: float32 `(batch, 1, input_size)`, read by the next step.
    """

    x: Array

    @property
    def state(self) -> State:
        """The present state, `(num_layers, batch, size)` a tensor; to write into it sets it."""

    def run(self) -> Array:
        """Take the sample in `x`: its answer `(batch, output_size)`, a fresh array."""


@runtime_checkable
class CanBind(Protocol):
    """A StatefulRunner whose state can stay in memory that is made once."""

    def bind(self, batch: int) -> Steps:
        """Steps from the initial state."""


class StateContext:
    """The model's state, in buffers that the runner binds, where it can."""

    def __init__(self, runner: StatefulRunner, width: int, every_step: bool, batch: int) -> None:
        self._runner = runner
        self._steps = _steps_of(runner, width, batch)
        self.every_step = every_step
        self.x: Array = self._steps.x
        self.run = self._steps.run

    def push(self, x: Array) -> Array:
        y, state = self._runner.advance(x, self._steps.state)
        _write(state, self._steps.state)
        return y.astype(np.float32, copy=False)

    def take(self, rows: Any) -> tuple[Array, ...]:
        return tuple(_batch_first(tensor[:, rows]) for tensor in self._steps.state)

    def put(self, rows: Any, kept: tuple[Array, ...]) -> None:
        for tensor, values in zip(self._steps.state, kept, strict=True):
            tensor[:, rows] = values.swapaxes(0, 1)  # (num_layers, rows, size)

    def fresh(self, batch: int) -> tuple[Array, ...]:
        return tuple(_batch_first(tensor) for tensor in self._runner.initial_state(batch))


def _steps_of(runner: StatefulRunner, width: int, batch: int) -> Steps:
    if isinstance(runner, CanBind):
        return runner.bind(batch)
    return UnboundState(runner, width, batch)


def _batch_first(tensor: Array) -> Array:
    """A copy `(batch, num_layers, size)` of `(num_layers, batch, size)`."""
    return np.array(tensor.swapaxes(0, 1), order="C")


def _write(new: State, kept: State) -> None:
    for buffer, values in zip(kept, new, strict=True):
        buffer[...] = values


class UnboundState:
    """Steps of any StatefulRunner: the state out of one call into the next."""

    def __init__(self, runner: StatefulRunner, width: int, batch: int) -> None:
        self._runner = runner
        self.x: Array = np.zeros((batch, 1, width), np.float32)
        self.state: State = tuple(np.array(tensor) for tensor in runner.initial_state(batch))

    def run(self) -> Array:
        """Take the sample in `x`, as `Steps.run` does."""
        y, state = self._runner.advance(self.x, self.state)
        _write(state, self.state)
        return y[:, -1] if y.ndim == 3 else y


class WindowContext:
    """The last samples, handed to a Runner as a whole window every time: what training saw.

    Until the window is full, the answers are NaN.
    """

    def __init__(
        self, runner: Runner, signature: Signature, every_step: bool, window: int, batch: int
    ) -> None:
        self._runner = runner
        self._output_size = signature.output_size
        self._window = window
        self.every_step = every_step
        self.x: Array = np.zeros((batch, 1, signature.input_size), np.float32)
        shape = (batch, window, signature.input_size)
        self._samples = np.zeros(shape, np.float32)  # the newest one last
        # where the next window is built; the two then change places
        self._next = np.zeros(shape, np.float32)
        self._filled = np.zeros(batch, np.int64)  # samples that came, up to the window's

    def run(self) -> Array:
        samples = self._next
        samples[:, :-1] = self._samples[:, 1:]
        samples[:, -1] = self.x[:, 0]
        filled = np.minimum(self._filled + 1, self._window)
        y = self._answers(samples, filled)
        self._next = self._samples
        self._samples = samples
        self._filled = filled
        return y

    def push(self, x: Array) -> Array:
        batch, seq, width = x.shape
        answered = seq if self.every_step else 1
        reached = self._window + answered - 1  # samples that the answered windows reach back to
        every_sample = np.concatenate([self._samples, x], axis=1)
        samples = every_sample[:, -reached:]  # (batch, reached, input_size)
        # (batch, answered, window, input_size)
        windows = np.stack([sliding_windows(row, self._window) for row in samples])
        later = np.arange(answered)[::-1]  # samples that came after each answered one
        filled = self._filled[:, np.newaxis] + seq - later  # (batch, answered)
        y = self._answers(windows.reshape(-1, self._window, width), filled.ravel())
        y = y.reshape(batch, answered, -1)  # (batch, answered, output_size)
        # a copy: `samples` holds the whole chunk
        self._samples = np.array(samples[:, -self._window :])
        self._filled = np.minimum(self._filled + seq, self._window)
        return y if self.every_step else y[:, 0]

    def _answers(self, windows: Array, filled: Array) -> Array:
        """One answer a window, `(windows, output_size)`; NaN for windows that are not full."""
        full = filled >= self._window  # (windows,)
        y = np.full((len(windows), self._output_size), np.nan, np.float32)
        if full.any():
            asked = windows if full.all() else windows[full]
            answers = self._runner(np.ascontiguousarray(asked))
            y[full] = answers[:, -1] if answers.ndim == 3 else answers
        return y

    def take(self, rows: Any) -> tuple[Array, ...]:
        return self._samples[rows].copy(), self._filled[rows].copy()

    def put(self, rows: Any, kept: tuple[Array, ...]) -> None:
        samples, filled = kept
        self._samples[rows] = samples
        self._filled[rows] = filled

    def fresh(self, batch: int) -> tuple[Array, ...]:
        samples = np.zeros((batch, *self._samples.shape[1:]), np.float32)
        return samples, np.zeros(batch, np.int64)
