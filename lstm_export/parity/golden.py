"""Golden sets: inputs chosen to look for trouble, with the answers that the definition gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..model import Affine, Array, Model, Runner, forward
from ..model.arrays import frozen
from ..model.runner import takes_lengths
from .noise import Definition, Input, is_large, noise_floors, output_scale

BATCH = 4
DEFAULT_WINDOW = 16
LONGEST_WINDOW = 1024
# Beyond these sizes a longer window costs seconds and has not found a bug that 50 steps do not.
LARGE_HIDDEN, LARGE_WINDOW = 256, 50
MANY_STEPS, MANY_STEPS_OF_LARGE = 256, 50
STEPS_OF_FAULTS = 20


@dataclass(frozen=True, eq=False)
class GoldenSet:
    """Inputs, the float64 answers, and what is needed to judge an answer without the model.

    Attributes:
        name: what the inputs are, such as `nominal`.
        x: float32 `(batch, seq, input_size)`, finite.
        y: float64 `(batch, output_size)` or `(batch, seq, output_size)`.
        scale: S, float64 `(output_size,)`.
        noise_floor: F, in units of S.
        lengths: int64 `(batch,)`, the steps of each row that count; None where all do. With lengths the runner is
            called as `runner(x, lengths)`.
    """

    name: str
    x: Array
    y: Array
    scale: Array
    noise_floor: float
    lengths: Array | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", frozen(self.x))
        object.__setattr__(self, "y", frozen(self.y, "<f8"))
        object.__setattr__(self, "scale", frozen(self.scale, "<f8"))
        if self.lengths is not None:
            object.__setattr__(self, "lengths", frozen(self.lengths, "<i8"))

    @classmethod
    def of(cls, name: str, model: Model, x: Array, lengths: Array | None = None) -> GoldenSet:
        """Answer `x` by the definition."""
        return cls.by(name, partial(forward, model), x, lengths, large=is_large(model))

    @classmethod
    def by(cls, name: str, definition: Definition, x: Array, lengths: Array | None, *, large: bool) -> GoldenSet:
        """Answer `x` by any definition, such as that of a known bug."""
        return cls.several(definition, {name: (x, lengths)}, large=large)[0]

    @classmethod
    def several(cls, definition: Definition, inputs: Mapping[str, Input], *, large: bool) -> tuple[GoldenSet, ...]:
        """Answer many inputs, which share the noise of the weights: drawing it takes most of a large model's time."""
        given = [(frozen(x), lengths) for x, lengths in inputs.values()]
        outputs = [definition(x, lengths=lengths) for x, lengths in given]
        floors = noise_floors(definition, list(zip(given, outputs, strict=True)), large=large)
        return tuple(
            cls(name, x, output.y, output_scale(output), floor, lengths)
            for name, (x, lengths), output, floor in zip(inputs, given, outputs, floors, strict=True)
        )


def golden_sets(
    model: Model, windows: Array | None = None, seed: int = 0, *, with_lengths: bool = False
) -> tuple[GoldenSet, ...]:
    """Inputs that look for trouble, and their answers.

    Args:
        model: what answers.
        windows: real inputs `(batch, seq, input_size)`, where there are any.
        seed: of the random inputs: the same sets for the same seed.
        with_lengths: whether there is a set of rows of unequal length too, for runners that take lengths.
    """
    inputs = {**trouble(model, seed), **_shapes(model, seed + 1), **_faults(model, seed + 2)}
    if windows is not None:
        inputs["real windows"] = windows
    given: dict[str, Input] = {name: (x, None) for name, x in inputs.items()}
    if with_lengths:
        given["unequal lengths"] = _unequal(model, seed + 3)
    return GoldenSet.several(partial(forward, model), given, large=is_large(model))


def asked_of(runner: Runner, golden: Sequence[GoldenSet]) -> tuple[GoldenSet, ...]:
    """The sets that a runner can be asked: those with lengths only if it takes them."""
    return tuple(one for one in golden if one.lengths is None or takes_lengths(runner))


def unequal_lengths(model: Model, seed: int = 0) -> GoldenSet:
    """The set for runners that take lengths, as `golden_sets` draws it."""
    return GoldenSet.of("unequal lengths", model, *_unequal(model, seed + 3))


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
    shapes = ((1, 1), (1, 7), (3, 1), (5, 13))
    inputs = {f"shape {batch}x{seq}": random.normal(size=(batch, seq, width)) for batch, seq in shapes}
    inputs["many windows"] = random.normal(size=(1, _many_windows(model), width))
    return {name: _training_units(model, z) for name, z in inputs.items()}


def _many_windows(model: Model) -> int:
    """Eight windows on end; of long windows or large models fewer, since their steps take seconds."""
    window = _window(model)
    most = MANY_STEPS_OF_LARGE if _is_slow(model) else MANY_STEPS
    return max(2 * window, min(8 * window, most))


def _faults(model: Model, seed: int) -> dict[str, Array]:
    """What broken sensors send: a value that never changes, and numbers too small for float32's full precision."""
    random, width = np.random.default_rng(seed), model.signature.input_size
    steps = min(_window(model), STEPS_OF_FAULTS)
    stuck = random.normal(size=(BATCH, steps, width))
    for row in range(BATCH):  # another channel in each row, at its mean, at both ends of its range, and far outside
        stuck[row, :, row % width] = (0.0, -3.0, 3.0, 10.0)[row]
    tiny = random.choice([-1.0, 1.0], size=(BATCH, 5, width)) * 10.0 ** random.uniform(-44, -38, (BATCH, 5, width))
    tiny[0, :, 0], tiny[1] = -0.0, np.float32(2**-149)  # minus zero, and the smallest number there is
    return {"stuck channels": _training_units(model, stuck), "denormals": tiny}


def _unequal(model: Model, seed: int) -> Input:
    """Rows of unequal length, one of them a single step; behind their ends stands what must not be read."""
    random, width = np.random.default_rng(seed), model.signature.input_size
    steps = max(min(_window(model), STEPS_OF_FAULTS), BATCH)
    lengths = np.array([steps, 1, max(steps // 2, 2), steps - 1])
    x = _training_units(model, random.normal(size=(BATCH, steps, width)))
    return np.where(np.arange(steps)[:, np.newaxis] < lengths[:, np.newaxis, np.newaxis], x, 0.0), lengths


def _window(model: Model) -> int:
    window = min(model.signature.window or DEFAULT_WINDOW, LONGEST_WINDOW)
    return min(window, LARGE_WINDOW) if _is_slow(model) else window


def _is_slow(model: Model) -> bool:
    return max(stage.hidden_size for stage in model.recurrent) >= LARGE_HIDDEN


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
