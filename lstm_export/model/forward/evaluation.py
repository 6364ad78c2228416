"""A model evaluated in float64, at once or stage by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..arrays import Array
from ..model import Model
from ..stage import Stage, X
from ..stages import Affine, Join
from ..state import State
from ..wiring import INPUT
from .context import Context, Value
from .equations import apply
from .joined import join
from .variation import CORRECT, Choices, Noise


class Output(NamedTuple):
    """A chain's float64 answer, and how large the terms were that it was summed from.

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


# exp in a sigmoid overflows; a quotient by zero goes on as infinity or NaN, as in every engine.
_QUIET = np.errstate(over="ignore", divide="ignore", invalid="ignore")


@_QUIET
def forward(  # noqa: PLR0913 - what a run consists of, named at every call
    model: Model,
    x: Array,
    noise: Noise | None = None,
    *,
    lengths: Array | None = None,
    state: State | None = None,
    choices: Choices = CORRECT,
) -> Output:
    """Run `x (batch, seq, input_size)` through the model in float64.

    Args:
        model: the stages.
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
    counted = np.full(batch, seq) if lengths is None else np.asarray(lengths, np.int64)  # (batch,)
    steps = _for_every_run(x, noise)
    initial = None if state is None else iter(state)
    context = Context(noise, counted, initial, choices)
    value = _value_of(model, len(model.stages) - 1, steps, context)
    if not model.returns_every_step:
        return Output(value.y, value.terms, tuple(context.final))
    y = np.moveaxis(value.y, 0, -2)  # (*runs, batch, seq, output_size)
    terms = np.moveaxis(value.terms, 0, -2)
    if lengths is not None:
        counts = np.arange(seq) < counted[:, np.newaxis]  # (batch, seq)
        y = y * counts[..., np.newaxis]  # 0 after a row's end
        terms = terms * counts[..., np.newaxis]
    return Output(y, terms, tuple(context.final))


@_QUIET
def value_after(model: Model, index: int, x: Array) -> Array:
    """The value of the stage of this index for `x (batch, seq, input_size)`, as `forward` has it.

    `(seq, batch, size)`, or `(batch, size)` once a step was picked; of index -1 x itself.
    """
    start = begin(x)
    return _value_of(model, index, start.y, start.context).y  # of the one plain run


def _value_of(model: Model, last: int, steps: Array, context: Context) -> Value:
    """The value of a stage; of those before it each is kept until no later one takes it."""
    values = {INPUT: Value(steps, np.abs(steps))}  # by index of the stage; x is read exactly
    last_reader: dict[int, int] = {}  # by index of the stage that is read
    for index, sources in enumerate(model.sources):
        for source in sources:
            last_reader[source] = index  # later readers overwrite earlier ones
    for index, stage in enumerate(model.stages[: last + 1]):
        sources = model.sources[index]
        first = sources[0]
        context.before = None if first == INPUT else model.stages[first]
        inputs = [values[source] for source in sources]
        values[index] = _after(stage, inputs, context)
        for source in set(sources):
            if last_reader[source] == index:
                del values[source]
    return values[last]


class Partway(NamedTuple):
    """A model computed up to some stage, so that models that begin alike share the work.

    Attributes:
        y: `(seq, batch, size)`, or `(batch, size)` once a step was picked.
        terms: the absolute terms of y, as in `Output`.
        context: what the stages that follow need besides.
        values: of x and of every stage so far, by name.
        stages: those so far, by name.
    """

    y: Array
    terms: Array
    context: Context
    values: Mapping[str, Value]
    stages: Mapping[str, Stage]


def begin(x: Array) -> Partway:
    """`x (batch, seq, input_size)` before the first stage."""
    batch, seq, _ = x.shape
    noise = Noise()
    steps = _for_every_run(x, noise)
    x_value = Value(steps, np.abs(steps))
    context = Context(noise, np.full(batch, seq))
    return Partway(*x_value, context, values={X: x_value}, stages={})


@_QUIET
def advance(partway: Partway, stage: Stage) -> Partway:
    """One stage further, exactly as `forward` computes it without noise."""
    context = replace(partway.context, final=[])  # others may go on from the same beginning
    inputs = [Value(partway.y, partway.terms)]
    if stage.inputs:
        inputs = [partway.values[name] for name in stage.inputs]
        context.before = partway.stages.get(stage.inputs[0])
    value = _after(stage, inputs, context)
    context.before = stage
    values = {**partway.values, stage.name: value}
    return Partway(*value, context, values, {**partway.stages, stage.name: stage})


@_QUIET
def stage_alone(stage: Stage, y: Array) -> Array:
    """The float64 value of a stage that needs nothing but its one input, `y (..., batch, size)`."""
    steps = y if y.ndim == 3 else y[np.newaxis]  # (seq, batch, size)
    partway = begin(steps.swapaxes(0, 1))
    answer = _after(stage, [partway.values[X]], partway.context).y
    return answer if y.ndim == 3 else answer[0]


def _after(stage: Stage, inputs: Sequence[Value], context: Context) -> Value:
    """The value of one more stage; the context is brought up to date."""
    if isinstance(stage, Join):
        joined = join(stage, inputs)
        held = context.noise.held(*joined)  # a sum of two may be more than float32 holds
        return Value(context.noise.value(held), joined.terms)
    noise = context.noise
    is_input_scaler = context.before is None and isinstance(stage, Affine)
    # x - offset is exact in float32 near the mean, so an input scaler's own arrays get no noise.
    own = Noise() if is_input_scaler else noise
    weights = {}
    for key, array in stage.arrays.items():
        weights[key] = own.weight(f"{stage.name}.{key}", array)
    value = apply(stage, weights, inputs[0], context)
    y = noise.value(noise.held(*value))
    # An input scaler's difference is exact, so what follows is not excused by how large x and
    # offset were.
    terms = np.abs(y) if is_input_scaler else value.terms
    return Value(y, terms)


def _for_every_run(x: Array, noise: Noise) -> Array:
    """`x (batch, seq, input_size)` as float64 `(seq, *runs, batch, input_size)`."""
    batch, seq, width = x.shape
    steps = np.asarray(x, np.float64).swapaxes(0, 1)  # (seq, batch, input_size)
    once = steps.reshape(seq, *[1] * len(noise.runs), batch, width)
    return np.broadcast_to(once, (seq, *noise.runs, batch, width))
