"""The protocols that engines meet."""

from __future__ import annotations

from typing import Protocol, TypeGuard, runtime_checkable

import numpy as np

from .arrays import Array
from .state import State, StateTensor


class Runner(Protocol):
    """A model ready to compute: PyTorch, an artifact in its runtime, or generated code."""

    def __call__(self, x: Array) -> Array:
        """Map float32 `x (batch, seq, input_size)` to y.

        y is `(batch, output_size)`, or `(batch, seq, output_size)` where every step is answered.
        """


@runtime_checkable
class LengthsRunner(Protocol):
    """A Runner that can be told how many steps of each row of a padded batch count.

    Attributes:
        takes_lengths: True.
    """

    takes_lengths: bool

    def __call__(self, x: Array, lengths: Array | None = None) -> Array:
        """As a Runner, with whole numbers `lengths (batch,)` from 1 to seq.

        After a row's length every step's answer is 0.
        """


def takes_lengths(runner: object) -> TypeGuard[LengthsRunner]:
    """Whether a runner also is a LengthsRunner."""
    return isinstance(runner, LengthsRunner) and runner.takes_lengths


def row_by_row(runner: Runner) -> LengthsRunner:
    """A runner that takes lengths, made of any: each row alone, without its padding."""
    return _RowByRow(runner)


class _RowByRow:
    takes_lengths = True

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def __call__(self, x: Array, lengths: Array | None = None) -> Array:
        if lengths is None:
            return self._runner(x)
        batch, seq, _ = x.shape
        answers = []
        for row, length in enumerate(lengths):
            alone = x[row : row + 1, :length]  # (1, length, input_size)
            answers.append(self._runner(alone)[0])
        if answers[0].ndim == 1:
            return np.stack(answers)  # (batch, output_size)
        output_size = answers[0].shape[1]
        y = np.zeros((batch, seq, output_size), answers[0].dtype)  # 0 after a row's end
        for row_of_y, answer in zip(y, answers, strict=True):
            row_of_y[: len(answer)] = answer  # (length, output_size)
        return y


@runtime_checkable
class StatefulRunner(Protocol):
    """A model that hands its state to the caller, who hands it back with what comes next.

    Attributes:
        layout: the tensors of the state in order.
    """

    @property
    def layout(self) -> tuple[StateTensor, ...]: ...

    def initial_state(self, batch: int) -> State:
        """The state before the first step: learned, else zeros.

        Float32 `(num_layers, batch, size)` a tensor.
        """

    def advance(self, x: Array, state: State) -> tuple[Array, State]:
        """Map float32 `x (batch, seq, input_size)` and the state before it to y and the next."""


def is_stateful(runner: object) -> TypeGuard[StatefulRunner]:
    """Whether a runner also is a StatefulRunner."""
    return isinstance(runner, StatefulRunner)
