"""What every engine looks like from outside."""

from __future__ import annotations

from typing import Protocol

from .arrays import Array


class Runner(Protocol):
    """A model ready to compute: PyTorch, an artifact in its runtime, or generated code."""

    def __call__(self, x: Array) -> Array:
        """Map float32 `x (batch, seq, input_size)` to `y (batch, output_size)`, or `(batch, seq, output_size)`."""
