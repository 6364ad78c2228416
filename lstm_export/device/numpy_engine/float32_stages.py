"""The stages without memory, on values with the batch last.

A value is `(seq, size, batch)`, or `(size, batch)` once a step was picked. The few stages that most
chains have are float32; every other one is its float64 definition, rounded once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import NamedTuple

import numpy as np

from ...errors import InputError
from ...model import (
    Affine,
    Array,
    Flatten,
    LastHidden,
    LastStep,
    LastSteps,
    Linear,
    Recurrent,
    Stage,
)
from ...model.forward import stage_alone


class Flow(NamedTuple):
    """The facts that the stages of one call share.

    Attributes:
        lengths: `(batch,)`, the steps of each row that count; None for all.
        before: the stage whose value is taken.
    """

    lengths: Array | None
    before: Stage | None

    def last(self, x: Array) -> Array:
        """The last step that counts of every row of `x (seq, size, batch)`."""
        if self.lengths is None:
            picked: Array = x[-1]
            return picked
        steps = self.lengths[np.newaxis, np.newaxis] - 1  # (1, 1, batch)
        at_its_end: Array = np.take_along_axis(x, steps, axis=0)[0]
        return at_its_end


Operation = Callable[[Array, Flow], Array]


@singledispatch
def operation(stage: Stage) -> Operation:
    """The operation of a stage on a value."""

    def by_definition(x: Array, flow: Flow) -> Array:
        y = stage_alone(stage, x.swapaxes(-1, -2))  # (..., batch, size)
        rounded: Array = y.swapaxes(-1, -2).astype(np.float32)  # (..., size, batch)
        return rounded

    return by_definition


@operation.register
def _linear(stage: Linear) -> Operation:
    weight = stage.weight
    if stage.bias is None:
        return lambda x, flow: np.matmul(weight, x)
    bias = stage.bias[:, np.newaxis]  # (out_features, 1), the same for every row of the batch
    return lambda x, flow: np.matmul(weight, x) + bias  # (..., out_features, batch)


@operation.register
def _affine(stage: Affine) -> Operation:
    offset = stage.offset[:, np.newaxis]  # (size, 1)
    scale = stage.scale[:, np.newaxis]  # (size, 1)
    if stage.inverse:
        return lambda x, flow: x * scale + offset
    return lambda x, flow: (x - offset) / scale


@operation.register
def _last_step(stage: LastStep) -> Operation:
    return lambda x, flow: flow.last(x)


@operation.register
def _last_hidden(stage: LastHidden) -> Operation:
    def both_ends(x: Array, flow: Flow) -> Array:
        recurrent = flow.before
        if not isinstance(recurrent, Recurrent) or not recurrent.bidirectional:
            return flow.last(x)
        size = recurrent.state_size
        # (2 * size, batch): the reverse direction ends at step 0
        return np.concatenate([flow.last(x[:, :size]), x[0, size:]])

    return both_ends


@operation.register
def _last_steps(stage: LastSteps) -> Operation:
    def keep(x: Array, flow: Flow) -> Array:
        shortest = len(x)
        if flow.lengths is not None:
            shortest = int(flow.lengths.min(initial=len(x)))
        if shortest < stage.count:
            got = f"a sequence of {shortest} steps"
            raise InputError(
                f"{got} is too short for {stage.name}, expected at least {stage.count}"
            )
        if flow.lengths is None:
            kept: Array = x[-stage.count :]
            return kept
        first = flow.lengths - stage.count  # (batch,)
        steps = first + np.arange(stage.count)[:, np.newaxis]  # (count, batch)
        of_each: Array = np.take_along_axis(x, steps[:, np.newaxis], axis=0)  # (count, size, batch)
        return of_each

    return keep


@operation.register
def _flatten(stage: Flatten) -> Operation:
    return lambda x, flow: x.reshape(-1, x.shape[-1])  # (count * size, batch)
