"""Golden sets: inputs chosen to look for trouble, with the answers that the definition gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..model import Affine, Array, Model, forward
from ..model.arrays import frozen
from .noise import noise_floor, output_scale

BATCH = 4
DEFAULT_WINDOW = 16
LONGEST_WINDOW = 1024
# Beyond these sizes a longer window costs seconds and has not found a bug that 50 steps do not.
LARGE_HIDDEN, LARGE_WINDOW = 256, 50


@dataclass(frozen=True, eq=False)
class GoldenSet:
    """Inputs, the float64 answers, and what is needed to judge an answer without the model.

    Attributes:
        name: what the inputs are, such as `nominal`.
        x: float32 `(batch, seq, input_size)`, finite.
        y: float64 `(batch, output_size)` or `(batch, seq, output_size)`.
        scale: S, float64 `(output_size,)`.
        noise_floor: F, in units of S.
    """

    name: str
    x: Array
    y: Array
    scale: Array
    noise_floor: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", frozen(self.x))
        object.__setattr__(self, "y", frozen(self.y, "<f8"))
        object.__setattr__(self, "scale", frozen(self.scale, "<f8"))

    @classmethod
    def of(cls, name: str, model: Model, x: Array) -> GoldenSet:
        """Answer `x` by the definition."""
        x = frozen(x)
        output = forward(model, x)
        return cls(name, x, output.y, output_scale(output), noise_floor(model, x, output))


def golden_sets(model: Model, windows: Array | None = None, seed: int = 0) -> tuple[GoldenSet, ...]:
    """Six sets that look for trouble, five shapes unlike any example, and real `windows` where there are any."""
    inputs = {**trouble(model, seed), **_shapes(model, seed + 1)}
    if windows is not None:
        inputs["real windows"] = windows
    return tuple(GoldenSet.of(name, model, x) for name, x in inputs.items())


def trouble(model: Model, seed: int = 0) -> dict[str, Array]:
    """The inputs of the six sets, drawn in training units."""
    window = _window(model)
    random, width = np.random.default_rng(seed), model.signature.input_size
    constant = np.repeat(random.normal(size=(BATCH, 1, width)), 5, axis=1)
    constant[0] = 0.0  # a row at the training mean
    z = {
        "t1": random.normal(size=(BATCH, 1, width)),
        "t2": random.normal(size=(BATCH, 2, width)),
        "nominal": random.normal(size=(BATCH, window, width)),
        "saturating": 30 * random.normal(size=(BATCH, min(window, 20), width)),
        "constant": constant,
        "edges": random.choice([-3.0, 3.0], size=(BATCH, 5, width)),
    }
    return {name: _training_units(model, values) for name, values in z.items()}


def _shapes(model: Model, seed: int) -> dict[str, Array]:
    """Batch and sequence lengths that a graph with a hidden fixed axis gets wrong."""
    random, width = np.random.default_rng(seed), model.signature.input_size
    shapes = ((1, 1), (1, 7), (3, 1), (5, 13), (2, 4 * _window(model)))
    return {
        f"shape {batch}x{seq}": _training_units(model, random.normal(size=(batch, seq, width))) for batch, seq in shapes
    }


def _window(model: Model) -> int:
    window = min(model.signature.window or DEFAULT_WINDOW, LONGEST_WINDOW)
    large = max(lstm.hidden_size for lstm in model.recurrent) >= LARGE_HIDDEN
    return min(window, LARGE_WINDOW) if large else window


def _training_units(model: Model, z: Array) -> Array:
    """Standard normal `z` as inputs of the size that training saw: by the input scaler, else by the stored ranges."""
    first, features = model.stages[0], model.signature.features
    if isinstance(first, Affine) and not first.inverse:
        scaled: Array = first.offset + first.scale * z
        return scaled
    low = np.array([-2.0 if column.low is None else column.low for column in features] or [-2.0])
    high = np.array([2.0 if column.high is None else column.high for column in features] or [2.0])
    drawn: Array = (low + high) / 2 + (high - low) / 4 * z  # four standard deviations hold 95 % of normal data
    return drawn
