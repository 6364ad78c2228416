"""A chain evaluated in float64, at once or stage by stage."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..arrays import Array
from ..model import Model
from ..stage import Stage
from ..stages import Affine
from ..state import State
from .context import Context, Value
from .equations import apply
from .variation import CORRECT, Choices, Noise


class Output(NamedTuple):
    """What a chain yields in float64, and how large the terms were that it was summed from.

    Attributes:
        y: `(*runs, batch, output_size)`, or `(*runs, batch, seq, output_size)`.
        terms: same shape, the sum of the absolute terms of the last operation: the unit in which
            float32 rounding of that operation is measured, since cancelling terms leave a small sum
            of large parts.
        state: what `state_layout` lists, `(num_layers, *runs, batch, size)`, after each row's last
            step.
    """

    y: Array
    terms: Array
    state: State


@np.errstate(over="ignore")  # of exp in a sigmoid
def forward(  # noqa: PLR0913 - what a run consists of, named at every call
    model: Model,
    x: Array,
    noise: Noise | None = None,
    *,
    lengths: Array | None = None,
    state: State | None = None,
    choices: Choices = CORRECT,
) -> Output:
    """Run `x (batch, seq, input_size)` through the chain in float64.

    Args:
        model: the chain.
        x: inputs.
        noise: rounding errors to add, none by default.
        lengths: `(batch,)`, the steps of each row that count, from 1 to seq; all by default. After
            a row's length every step's answer is 0.
        state: the state to start from, as `state_layout` lists it, `(num_layers, batch, size)`; by
            default the learned one, else zeros.
        choices: what a known bug does otherwise; by default the definition.
    """
    noise = noise or Noise()
    batch, seq, _ = x.shape
    counted = np.full(batch, seq) if lengths is None else np.asarray(lengths, np.int64)
    steps = _for_every_run(x, noise)
    given = None if state is None else iter(state)
    context = Context(noise, counted, steps, given, choices)
    value = Value(steps, steps)
    for stage in model.stages:
        value = _after(stage, value, context)
    if not model.returns_every_step:
        return Output(value.y, value.terms, tuple(context.final))
    y = np.moveaxis(value.y, 0, -2)  # (*runs, batch, seq, output_size)
    terms = np.moveaxis(value.terms, 0, -2)
    if lengths is not None:
        counts = np.arange(seq) < counted[:, np.newaxis]  # (batch, seq)
        y = y * counts[..., np.newaxis]
        terms = terms * counts[..., np.newaxis]
    return Output(y, terms, tuple(context.final))


class Partway(NamedTuple):
    """A chain computed up to some stage, so that chains that begin alike share the work.

    Attributes:
        y: `(seq, batch, size)`, or `(batch, size)` once a step was picked.
        terms: the absolute terms of y, as in `Output`.
        context: what the stages that follow need besides.
    """

    y: Array
    terms: Array
    context: Context


def begin(x: Array) -> Partway:
    """`x (batch, seq, input_size)` before the first stage."""
    batch, seq, _ = x.shape
    noise = Noise()
    steps = _for_every_run(x, noise)
    return Partway(steps, steps, Context(noise, np.full(batch, seq), steps))


@np.errstate(over="ignore")
def advance(partway: Partway, stage: Stage) -> Partway:
    """One stage further, exactly as `forward` computes it without noise."""
    context = replace(partway.context, final=[])
    value = _after(stage, Value(partway.y, partway.terms), context)
    return Partway(value.y, value.terms, context)


@np.errstate(over="ignore")
def stage_alone(stage: Stage, y: Array) -> Array:
    """What a stage that asks for nothing but the value before it makes of `y (..., batch, size)`.

    In float64, as everything here.
    """
    steps = y if y.ndim == 3 else y[np.newaxis]  # (seq, batch, size)
    partway = begin(steps.swapaxes(0, 1))
    answer = advance(partway, stage).y
    return answer if y.ndim == 3 else answer[0]


def _after(stage: Stage, x: Value, context: Context) -> Value:
    """The value after one more stage; the context is brought up to date."""
    noise = context.noise
    is_input_scaler = context.before is None and isinstance(stage, Affine)
    # x - offset is exact in float32 near the mean, so an input scaler's own arrays get no noise.
    own = Noise() if is_input_scaler else noise
    arrays = stage.arrays.items()
    weights = {key: own.weight(f"{stage.name}.{key}", array) for key, array in arrays}
    value = apply(stage, weights, x, context)
    value = Value(noise.value(value.y), value.terms)
    if is_input_scaler:
        context.source = value.y
    context.before = stage
    return value


def _for_every_run(x: Array, noise: Noise) -> Array:
    """`x (batch, seq, input_size)` as float64 `(seq, *runs, batch, input_size)`."""
    batch, seq, width = x.shape
    steps = np.asarray(x, np.float64).swapaxes(0, 1)
    once = steps.reshape(seq, *[1] * len(noise.runs), batch, width)
    return np.broadcast_to(once, (seq, *noise.runs, batch, width))
