"""The golden sets of a model: inputs that look for trouble, drawn by a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from ..model import Affine, Array, Column, Model, Replace, Runner, forward
from ..model.runner import takes_lengths
from .golden_set import GoldenSet
from .noise import Input, is_large

BATCH = 4
DEFAULT_WINDOW = 16
LONGEST_WINDOW = 1024
# Beyond these sizes a longer window costs seconds and has not found a bug that 50 steps do not.
LARGE_HIDDEN = 256
LARGE_WINDOW = 50
MANY_STEPS = 256
MANY_STEPS_OF_LARGE = 50
STEPS_OF_FAULTS = 20
SHARE_REPLACED = 0.2


def golden_sets(
    model: Model, windows: Array | None = None, seed: int = 0, *, with_lengths: bool = False
) -> tuple[GoldenSet, ...]:
    """Inputs that look for trouble, and their answers.

    Args:
        model: what answers.
        windows: real inputs `(batch, seq, input_size)`, where there are any.
        seed: of the random inputs: the same sets for the same seed.
        with_lengths: whether there is a set of rows of unequal length too, for runners that take
            lengths.
    """
    # A seed for each group: one more set in it moves no other group's numbers.
    inputs = hard_inputs(model, seed) | _shapes(model, seed + 1) | _faults(model, seed + 2)
    if windows is not None:
        inputs["real windows"] = windows
    with_their_lengths: dict[str, Input] = {name: (x, None) for name, x in inputs.items()}
    if with_lengths:
        with_their_lengths["unequal lengths"] = _unequal(model, seed + 3)
    definition = partial(forward, model)
    return GoldenSet.of_many(definition, with_their_lengths, large=is_large(model))


def asked_of(runner: Runner, golden: Sequence[GoldenSet]) -> tuple[GoldenSet, ...]:
    """The sets that a runner can be asked: those with lengths only if it takes them."""
    if takes_lengths(runner):
        return tuple(golden)
    return tuple(entry for entry in golden if entry.lengths is None)


def unequal_lengths(model: Model, seed: int = 0) -> GoldenSet:
    """The set for runners that take lengths, as `golden_sets` draws it."""
    x, lengths = _unequal(model, seed + 3)
    return GoldenSet.of("unequal lengths", model, x, lengths)


def hard_inputs(model: Model, seed: int = 0) -> dict[str, Array]:
    """The inputs of the six sets, drawn in training units."""
    random = np.random.default_rng(seed)
    width = model.signature.input_size
    window = _window(model)
    step = random.normal(size=(BATCH, 1, width))
    constant = np.repeat(step, 5, axis=1)  # (batch, 5, input_size)
    constant[0] = 0.0  # a row at the training mean
    z = {
        "t1": random.normal(size=(BATCH, 1, width)),
        "t2": random.normal(size=(BATCH, 2, width)),  # the first step that starts from a state
        "nominal": random.normal(size=(BATCH, window, width)),
        # 30 standard deviations: gates and tanh at their ends
        "saturating": 30 * random.normal(size=(BATCH, min(window, 20), width)),
        "constant": constant,
        "edges": random.choice([-3.0, 3.0], size=(BATCH, 5, width)),
    }
    return _as_inputs(model, z)


def _as_inputs(model: Model, z: Mapping[str, Array]) -> dict[str, Array]:
    """Standard normal sequences by name, long enough and in training units."""
    inputs = {}
    for name, values in z.items():
        inputs[name] = _training_units(model, _long_enough(model, values))
    return inputs


def _shapes(model: Model, seed: int) -> dict[str, Array]:
    """Batch and sequence lengths that a graph with a hidden fixed axis gets wrong."""
    random = np.random.default_rng(seed)
    width = model.signature.input_size
    z = {}
    for batch, seq in ((1, 1), (1, 7), (3, 1), (5, 13)):
        z[f"shape {batch}x{seq}"] = random.normal(size=(batch, seq, width))
    z["many windows"] = random.normal(size=(1, _many_windows(model), width))
    return _as_inputs(model, z)


def _many_windows(model: Model) -> int:
    """Steps of eight windows on end; of long windows or large models fewer, which take seconds."""
    window = _window(model)
    most = MANY_STEPS_OF_LARGE if _is_slow(model) else MANY_STEPS
    return max(2 * window, min(8 * window, most))


def _faults(model: Model, seed: int) -> dict[str, Array]:
    """Inputs as broken sensors send them: values that never change, numbers of few digits."""
    random = np.random.default_rng(seed)
    width = model.signature.input_size
    steps = min(_window(model), STEPS_OF_FAULTS)
    stuck = random.normal(size=(BATCH, steps, width))
    # Another channel in each row: at its mean, at both ends of its range, and far outside.
    for row, z in enumerate((0.0, -3.0, 3.0, 10.0)):
        stuck[row, :, row % width] = z
    signs = random.choice([-1.0, 1.0], size=(BATCH, 5, width))
    # around the smallest normal float32, 1.2e-38; they are raw inputs, in no training unit
    tiny = signs * 10.0 ** random.uniform(-44, -38, (BATCH, 5, width))
    tiny[0, :, 0] = -0.0
    tiny[1] = np.float32(2**-149)  # the smallest number that there is
    stuck = _training_units(model, _long_enough(model, stuck))
    faults = {"stuck channels": stuck, "denormals": _long_enough(model, tiny)}
    replaced = [stage for stage in model.stages if isinstance(stage, Replace)]
    if replaced:
        faults["replaced values"] = _with_values(stuck, replaced, random)
    return faults


def _with_values(x: Array, stages: list[Replace], random: np.random.Generator) -> Array:
    """Now and then a value that a stage replaces."""
    values = np.array([stage.value for stage in stages])
    chosen = random.choice(values, x.shape)
    is_chosen = random.random(x.shape) < SHARE_REPLACED
    return np.where(is_chosen, chosen, x)


def _unequal(model: Model, seed: int) -> Input:
    """Rows of unequal length, one of them a single step.

    After their ends stands what must not be read.
    """
    random = np.random.default_rng(seed)
    width = model.signature.input_size
    steps = max(min(_window(model), STEPS_OF_FAULTS), BATCH)
    lengths = np.array([steps, 1, max(steps // 2, 2), steps - 1])  # (batch,)
    if model.least_steps > 1:  # so that the shortest row has enough, too
        steps += model.least_steps
        lengths += model.least_steps
    x = _training_units(model, random.normal(size=(BATCH, steps, width)))
    counts = np.arange(steps) < lengths[:, np.newaxis]  # (batch, seq)
    return np.where(counts[..., np.newaxis], x, 0.0), lengths


def _long_enough(model: Model, z: Array) -> Array:
    """`z (batch, seq, input_size)`, repeated where the model needs more steps."""
    seq = z.shape[1]
    if seq >= model.least_steps:
        return z
    steps = np.arange(-model.least_steps, 0) % seq  # it ends as it did
    return z[:, steps]  # (batch, least_steps, input_size)


def _window(model: Model) -> int:
    window = min(model.signature.window or DEFAULT_WINDOW, LONGEST_WINDOW)
    return min(window, LARGE_WINDOW) if _is_slow(model) else window


def _is_slow(model: Model) -> bool:
    return max(stage.hidden_size for stage in model.recurrent) >= LARGE_HIDDEN


def _training_units(model: Model, z: Array) -> Array:
    """Standard normal `z` as inputs of the size that training saw.

    By the input scaler, else by the stored ranges.
    """
    first = model.stages[0]
    if isinstance(first, Affine) and not first.inverse:
        scaled: Array = first.offset + first.scale * z
        return scaled
    # (input_size,), or (1,) where no feature is named; unknown bounds are two standard deviations
    features = model.signature.features or (Column(""),)
    low = np.array([-2.0 if column.low is None else column.low for column in features])
    high = np.array([2.0 if column.high is None else column.high for column in features])
    middle = (low + high) / 2
    deviation = (high - low) / 4  # four standard deviations hold 95 % of normal data
    drawn: Array = middle + deviation * z
    return drawn
