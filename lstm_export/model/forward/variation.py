"""What a float64 run may vary: rounding errors that it adds, and choices that engines get wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..arrays import Array
from .activations import sigmoid


class Noise:
    """Where rounding enters a forward run. This class adds nothing: the exact definition.

    Attributes:
        runs: `(n,)` to compute n runs at once, each with its own noise; `()` for one plain run.
    """

    runs: tuple[int, ...] = ()

    def weight(self, name: str, weight: Array) -> Array:
        """A weight or bias as it is used, `(*runs, ...)`.

        `name` tells it from all others of the chain.
        """
        return weight.astype(np.float64)

    def value(self, value: Array) -> Array:
        """The result of a stage, one h_t, or a mean."""
        return value

    def hidden(self, h_t: Array) -> Array:
        """One h_t of a recurrent layer; a value like any other unless said otherwise."""
        return self.value(h_t)

    def cell(self, c_t: Array) -> Array:
        """One c_t of an LSTM."""
        return c_t

    def held(self, value: Array, terms: Array | float = 0.0) -> Array:
        """A value that may grow beyond what float32 holds, or may the sum of its terms' sizes."""
        return value

    def undecided(self, value: Array, where: Array) -> Array:
        """A value that hangs, in these places, on a comparison that rounding decides."""
        return value

    def gate(self, gate: Array, size: Array | float = 1.0) -> Array:
        """The result of a sum of terms of this size, such as a sigmoid, whose terms have size 1."""
        return gate


@dataclass(frozen=True)
class Choices:
    """The choices in the definition that engines are known to get wrong.

    `Choices()` is the definition. The catalogue of known bugs changes them, to say what an engine
    with such a bug would compute, and whole numbers their functions, to say what tables cost.

    Attributes:
        only: the one recurrent cell that they hold for, such as `lstm_l0_reverse`; all where it is
            empty.
        sigmoid, tanh: of the gates and states.
        input_forget: ONNX's attribute of that name: the forget gate is 1 - input gate.
        linear_before_reset: whether a GRU's reset gate acts after the recurrent product.
        reads_backwards: whether a reverse direction reads the sequence from its end.
        turns_back: whether the output of a reverse direction is put back into the order of the
            sequence.
        step: which step a LastStep picks, or a LastHidden of one direction, counted back from a
            row's end: -1 is its last step; the first where there are fewer.
        pool: what a pool does otherwise. "sum": a mean is not divided; "longest": it is divided by
            the steps of the longest row; "zero": steps after a row's end count as 0 in a maximum.
        batch_statistics: the Affine that takes mean and variance from the inputs it sees, as a
            batch norm in training.
    """

    only: str = ""
    sigmoid: Callable[[Array], Array] = sigmoid
    tanh: Callable[[Array], Array] = np.tanh
    input_forget: bool = False
    linear_before_reset: bool = True
    reads_backwards: bool = True
    turns_back: bool = True
    step: int = -1
    pool: str = ""
    batch_statistics: str = ""

    def at(self, cell: str) -> Choices:
        """The choices for one cell."""
        if self.only in ("", cell):
            return self
        return CORRECT


CORRECT = Choices()
