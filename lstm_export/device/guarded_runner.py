"""A runner that is handed no more than fits, and whose answers are looked at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..errors import InputError
from ..model import Array, Runner, Signature
from ..model.runner import takes_lengths
from .guards import MAX_STEPS, Nonfinite
from .sequences import SequenceAnswers, Sequences, answer_sequences


class GuardedRunner:
    """Calls a runner with checked float32 inputs, and answers in float32."""

    def __init__(self, runner: Runner, signature: Signature, nonfinite: Nonfinite) -> None:
        self._runner = runner
        self._signature = signature
        self._nonfinite: Nonfinite = nonfinite

    def __call__(self, x: Array, lengths: Array | None = None) -> Array:
        """The answers to one batch; NaN for a row that is not finite, where that may come."""
        if self._nonfinite == "refuse":
            return self._call(x, lengths)
        finite: Array = np.asarray(np.isfinite(x).all(axis=(1, 2)))  # (batch,)
        filled = np.where(finite[:, np.newaxis, np.newaxis], x, np.float32(0))
        y = self._call(filled, lengths)
        # (batch, 1) or (batch, 1, 1), as y has axes
        is_known = finite.reshape(-1, *[1] * (y.ndim - 1))
        answer: Array = np.where(is_known, y, np.float32(np.nan))
        return answer

    def batch(self, x: Array) -> Array:
        """The answers to `x (batch, seq, input_size)` of any size, none included."""
        if not len(x):
            # Never shown to a runtime: one row of zeros tells the shape of the answer.
            _, seq, width = x.shape
            return self(np.zeros((1, seq, width), np.float32))[:0]
        answers = list(self.chunks(x))
        return answers[0] if len(answers) == 1 else np.concatenate(answers)

    def chunks(self, x: Array) -> Iterator[Array]:
        """The answers to `x (batch, seq, input_size)`, as many rows at a time as fit."""
        rows = max(1, MAX_STEPS // x.shape[1])
        for start in range(0, len(x), rows):
            # Sliding windows are views until here.
            yield self(np.ascontiguousarray(x[start : start + rows]))

    def sequences(self, sequences: Sequences) -> SequenceAnswers:
        """The answers to sequences of unequal length."""
        padding = takes_lengths(self._runner)
        return answer_sequences(self, sequences, padding=padding, max_steps=MAX_STEPS)

    def _call(self, x: Array, lengths: Array | None) -> Array:
        """A runtime can hand back anything; a broadcast answer must not pass for a good one."""
        if lengths is not None and takes_lengths(self._runner):
            y = self._runner(x, lengths)
        else:
            y = self._runner(x)
        batch, seq, _ = x.shape
        width = self._signature.output_size
        if y.shape not in ((batch, width), (batch, seq, width)):
            raise InputError(
                f"the model answered with the shape {y.shape} to x {x.shape}, "
                f"expected {(batch, width)}"
            )
        return y.astype(np.float32, copy=False)  # C in whole numbers answers in float64
