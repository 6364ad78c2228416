"""What a stream keeps from sample to sample: the model's state, or the last samples of a window.

Either has two buffers, the present and the next, and changes places only after the runtime has answered: an error
leaves the present as it was.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from ..model import Array, Runner, Signature, State, StatefulRunner
from ..series import sliding_windows
from .bound import Bound
from .onnx_stream import OnnxStreamRunner


class Memory(Protocol):
    """What Stream asks of what it keeps.

    Attributes:
        x: float32 `(batch, 1, input_size)`, where the next sample is put.
        every_step: whether the chain answers at every step of a chunk, or for its last.
    """

    x: Array
    every_step: bool

    def run(self) -> Array:
        """Take the sample in `x`: its answer `(batch, output_size)`, a fresh array."""

    def push(self, x: Array) -> Array:
        """Take a chunk `(batch, seq, input_size)`: `y (batch, seq, output_size)`, or `(batch, output_size)`."""

    def take(self, rows: Any) -> tuple[Array, ...]:
        """A copy of what is kept for some rows of the batch, which is the first axis of every array."""

    def put(self, rows: Any, kept: tuple[Array, ...]) -> None:
        """The inverse of `take`."""

    def fresh(self, batch: int) -> tuple[Array, ...]:
        """What `take` gives before the first sample."""


class CarriedState:
    """The model's state, in buffers that the runner binds, where it can."""

    def __init__(self, runner: StatefulRunner, width: int, every_step: bool, batch: int) -> None:
        self._runner, self.every_step = runner, every_step
        self._bound: Bound | Unbound = (
            runner.bind(batch)
            if isinstance(runner, OnnxStreamRunner)
            else Unbound(runner, width, batch)
        )
        self.x: Array = self._bound.x
        self.run = self._bound.run

    def push(self, x: Array) -> Array:
        y, state = self._runner.advance(x, self._bound.state)
        for kept, new in zip(self._bound.state, state, strict=True):
            kept[...] = new
        return y

    def take(self, rows: Any) -> tuple[Array, ...]:
        return tuple(
            np.array(tensor[:, rows].swapaxes(0, 1), order="C") for tensor in self._bound.state
        )

    def put(self, rows: Any, kept: tuple[Array, ...]) -> None:
        for tensor, values in zip(self._bound.state, kept, strict=True):
            tensor[:, rows] = values.swapaxes(0, 1)

    def fresh(self, batch: int) -> tuple[Array, ...]:
        return tuple(
            np.array(tensor.swapaxes(0, 1), order="C")
            for tensor in self._runner.initial_state(batch)
        )


class Unbound:
    """Steps of any StatefulRunner: the state out of one call into the next."""

    def __init__(self, runner: StatefulRunner, width: int, batch: int) -> None:
        self._runner = runner
        self.x: Array = np.zeros((batch, 1, width), np.float32)
        self.state: State = tuple(map(np.array, runner.initial_state(batch)))

    def run(self) -> Array:
        """As `Bound.run`."""
        y, state = self._runner.advance(self.x, self.state)
        for kept, new in zip(self.state, state, strict=True):
            kept[...] = new
        return y[:, -1] if y.ndim == 3 else y


class KeptWindow:
    """The last samples, handed to a Runner as a whole window every time: exactly what training saw.

    Until the window is full, the answers are NaN.
    """

    def __init__(
        self, runner: Runner, signature: Signature, every_step: bool, window: int, batch: int
    ) -> None:
        self._runner, self._size, self._window, self.every_step = (
            runner,
            signature.output_size,
            window,
            every_step,
        )
        self.x: Array = np.zeros((batch, 1, signature.input_size), np.float32)
        self._samples, self._next = (
            np.zeros((batch, window, signature.input_size), np.float32) for _ in range(2)
        )
        self._filled = np.zeros(batch, np.int64)

    def run(self) -> Array:
        samples, filled = self._next, np.minimum(self._filled + 1, self._window)
        samples[:, :-1] = self._samples[:, 1:]
        samples[:, -1] = self.x[:, 0]
        y = self._answers(samples, filled)
        self._samples, self._next, self._filled = samples, self._samples, filled
        return y

    def push(self, x: Array) -> Array:
        batch, seq, width = x.shape
        asked = np.arange(seq if self.every_step else 1)[
            ::-1
        ]  # how many samples came after the one that is answered
        samples = np.concatenate([self._samples, x], axis=1)[:, -(self._window + len(asked) - 1) :]
        windows = np.stack(
            [sliding_windows(row, self._window) for row in samples]
        )  # (batch, asked, window, width)
        filled = self._filled[:, np.newaxis] + seq - asked  # (batch, asked)
        y = self._answers(windows.reshape(-1, self._window, width), filled.ravel()).reshape(
            batch, len(asked), -1
        )
        self._samples = np.array(samples[:, -self._window :])
        self._filled = np.minimum(self._filled + seq, self._window)
        return y if self.every_step else y[:, 0]

    def _answers(self, windows: Array, filled: Array) -> Array:
        """One answer a window, `(windows, output_size)`; NaN for windows that are not full."""
        full = filled >= self._window
        y = np.full((len(windows), self._size), np.nan, np.float32)
        if full.any():
            answers = self._runner(np.ascontiguousarray(windows if full.all() else windows[full]))
            y[full] = answers[:, -1] if answers.ndim == 3 else answers
        return y

    def take(self, rows: Any) -> tuple[Array, ...]:
        return self._samples[rows].copy(), self._filled[rows].copy()

    def put(self, rows: Any, kept: tuple[Array, ...]) -> None:
        self._samples[rows], self._filled[rows] = kept

    def fresh(self, batch: int) -> tuple[Array, ...]:
        return np.zeros((batch, *self._samples.shape[1:]), np.float32), np.zeros(batch, np.int64)
