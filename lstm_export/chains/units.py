"""Inputs in users' units: powers of ten, through a model's scalers, at the bounds of clamps."""

from __future__ import annotations

import numpy as np

from ..model import Affine, Array, Model
from ..model.stages import Replace
from ..model.wiring import INPUT
from ..parity.golden import hard_inputs
from .edges import edges_of

STEPS = 5
LOWEST = -3
HIGHEST = 6  # powers of ten: millivolts to pascals
ONE_ROW = "one row"
BEYOND = (1, 2, 3)  # powers of ten of the standard deviations of a scaler

SAID = f"in training units, of sizes from 1e{LOWEST} to 1e{HIGHEST}, and at every bound"


def inputs_of(model: Model) -> dict[str, Array]:
    """Inputs by name `(batch, seq, input_size)`, on which a module is compared with its
    translation."""
    inputs = hard_inputs(model)
    steps = STEPS + model.least_steps - 1
    random = np.random.default_rng(10)
    width = model.signature.input_size
    for power in range(LOWEST, HIGHEST + 1):
        inputs[f"size 1e{power}"] = _of_size(random, steps, width) * 10.0**power
    first = model.stages[0]
    if isinstance(first, Affine) and not first.inverse:
        for power in BEYOND:
            inputs[f"1e{power} deviations"] = (
                first.offset + first.scale * _of_size(random, steps, width) * 10.0**power
            )
    sizes = [x for name, x in inputs.items() if name.startswith("size ")]
    inputs |= edges_of(model, np.concatenate(sizes))
    for stage, taken in zip(model.stages, model.sources, strict=True):
        if isinstance(stage, Replace) and taken == (INPUT,):
            x = random.normal(size=(4, steps, width))
            inputs[f"sentinel of {stage.name}"] = np.where(x > 0, x, stage.value)
    inputs[ONE_ROW] = random.normal(size=(1, steps + 2, width))
    return {name: x.astype(np.float32) for name, x in inputs.items()}


def _of_size(random: np.random.Generator, steps: int, width: int) -> Array:
    """Rows of size 1: of both signs, around a level above 0, around one below, and a level and size
    a feature."""
    rows = random.normal(size=(4, steps, width))
    level = 1 + np.abs(rows[1])
    rows[1] = level
    rows[2] = -level
    rows[3] = random.choice([-1.0, 1.0], size=width) + rows[3] * 10.0 ** random.uniform(
        -2, 0, size=width
    )
    return rows
