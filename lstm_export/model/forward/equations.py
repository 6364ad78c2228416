"""The equations of every stage, `apply(stage, weights, x, context)`."""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from ...errors import InputError
from ..arrays import Array
from ..recurrent import Recurrent
from ..stage import Stage
from ..stages import (
    Activation,
    Affine,
    Clamp,
    Flatten,
    LastHidden,
    LastStep,
    LastSteps,
    LayerNorm,
    Linear,
    Pool,
    PReLU,
    Replace,
    RMSNorm,
    Slice,
)
from ..stages.read_outs import SUM_PARTS
from .activations import FUNCTIONS
from .context import Context, Value, Weights, as_row, transposed
from .through_layers import through_layers

BATCH_NORM_EPS = 1e-5  # torch.nn.BatchNorm1d's default
LARGEST_SQUARED = 2.0**56  # sums of squares of what is larger may leave the range of float32
NEAR_A_BOUND = 2.0**-20  # of the terms, within which rounding decides whether a value is clamped
SMALLEST_NORMAL = float(np.finfo(np.float32).tiny)  # runtimes may take what is less for 0


@singledispatch
def apply(stage: Stage, weights: Weights, x: Value, context: Context) -> Value:
    """The value after one stage.

    `weights` are its arrays as they are used in this run, `(*runs, ...)`.
    """
    raise NotImplementedError(f"no float64 definition of {stage.kind}")


@apply.register
def _recurrent(stage: Recurrent, weights: Weights, x: Value, context: Context) -> Value:
    return through_layers(stage, weights, x.y, context)


@apply.register
def _linear(stage: Linear, weights: Weights, x: Value, context: Context) -> Value:
    no_bias = np.zeros(stage.weight.shape[0])
    weight = transposed(weights["weight"])  # (*runs, in_features, out_features)
    bias = as_row(weights.get("bias", no_bias))  # (*runs, 1, out_features)
    y = x.y @ weight + bias  # ([seq,] *runs, batch, out_features)
    terms = np.abs(x.y) @ np.abs(weight) + np.abs(bias)
    return Value(y, terms)


@apply.register
def _affine(stage: Affine, weights: Weights, x: Value, context: Context) -> Value:
    offset = as_row(weights["offset"])  # (*runs, 1, size)
    scale = as_row(weights["scale"])
    if context.choices.batch_statistics == stage.name:
        axes = _rows_and_steps(x.y, context)
        # over rows and steps: what is left is (..., 1, size)
        offset = x.y.mean(axes, keepdims=True)
        scale = np.sqrt(x.y.var(axes, keepdims=True) + BATCH_NORM_EPS)
    if stage.inverse:
        scaled = x.y * scale
        return Value(scaled + offset, np.abs(scaled) + np.abs(offset))
    y = (x.y - offset) / scale
    # the difference may cancel: its two terms, each divided as it is
    terms = (np.abs(x.y) + np.abs(offset)) / np.abs(scale)
    return Value(y, terms)


def _rows_and_steps(x: Array, context: Context) -> tuple[int, ...]:
    """The axes that a batch norm takes its statistics over."""
    rows = -2
    has_steps = x.ndim > 2 + len(context.noise.runs)
    return (0, rows) if has_steps else (rows,)


@apply.register
def _layer_norm(stage: LayerNorm, weights: Weights, x: Value, context: Context) -> Value:
    size = x.y.shape[-1]
    mean = x.y.mean(axis=-1, keepdims=True)  # (..., batch, 1), a mean over the features of each row
    if size > 1:  # the mean of one feature is that feature: no program rounds it
        mean = context.noise.value(mean)
    centred = x.y - mean
    variance = (centred**2).mean(axis=-1, keepdims=True)  # the biased one, as torch's
    # There float32's squares may overflow, and what follows is each engine's own.
    is_beyond = np.abs(x.y).max(axis=-1, keepdims=True) > LARGEST_SQUARED
    variance = context.noise.undecided(variance, is_beyond)
    n = centred / np.sqrt(variance + stage.eps)
    weight = as_row(weights.get("weight", np.ones(size)))  # (*runs, 1, size)
    bias = as_row(weights.get("bias", np.zeros(size)))
    scaled = n * weight
    return Value(scaled + bias, np.abs(scaled) + np.abs(bias))


@apply.register
def _last_step(stage: LastStep, weights: Weights, x: Value, context: Context) -> Value:
    step = context.choices.step
    return Value(context.last(x.y, step), context.last(x.terms, step))


@apply.register
def _last_hidden(stage: LastHidden, weights: Weights, x: Value, context: Context) -> Value:
    recurrent = context.before
    if not stage.is_last_output and isinstance(recurrent, Recurrent):
        return _state_of_layer(stage, recurrent, context)
    if isinstance(recurrent, Recurrent) and recurrent.bidirectional:
        size = recurrent.state_size
        y = _both_ends(x.y, size, context)
        return Value(y, _both_ends(x.terms, size, context))
    step = context.choices.step
    return Value(context.last(x.y, step), context.last(x.terms, step))


def _both_ends(x: Array, size: int, context: Context) -> Array:
    """The forward direction's last step beside the reverse direction's first."""
    last = context.last(x)[..., :size]  # (*runs, batch, size)
    first = x[0, ..., size:]  # (*runs, batch, size): the reverse direction read it last
    return np.concatenate([last, first], axis=-1)


def _state_of_layer(stage: LastHidden, recurrent: Recurrent, context: Context) -> Value:
    """Both directions of the layer side by side."""
    finals = context.states[recurrent.name][stage.state]
    # stage.layer is negative, counted back from the last; cells lie layer by layer, as in h_n
    first = (recurrent.num_layers + stage.layer) * recurrent.directions
    cells = range(first, first + recurrent.directions)
    # (*runs, batch, directions * size)
    y = np.concatenate([finals.y[cell] for cell in cells], axis=-1)
    terms = np.concatenate([finals.terms[cell] for cell in cells], axis=-1)
    return Value(y, terms)


@apply.register
def _last_steps(stage: LastSteps, weights: Weights, x: Value, context: Context) -> Value:
    if context.lengths.min(initial=len(x.y)) < stage.count:
        got = f"a sequence of {int(context.lengths.min())} steps"
        raise InputError(f"{got} is too short for {stage.name}, which takes {stage.count}")
    y = context.last_steps(x.y, stage.count)
    return Value(y, context.last_steps(x.terms, stage.count))


@apply.register
def _flatten(stage: Flatten, weights: Weights, x: Value, context: Context) -> Value:
    """`(count, *runs, batch, size)` to `(*runs, batch, count * size)`."""
    return Value(_as_rows(x.y), _as_rows(x.terms))


def _as_rows(x: Array) -> Array:
    by_row = np.moveaxis(x, 0, -2)  # (*runs, batch, count, size)
    return by_row.reshape(*by_row.shape[:-2], -1)


@apply.register
def _replace(stage: Replace, weights: Weights, x: Value, context: Context) -> Value:
    is_meant = x.y == stage.value  # where the sentinel stands
    # A value so near it is the sentinel or not as rounding goes: no answer can be demanded there.
    near = np.maximum(NEAR_A_BOUND * x.terms, SMALLEST_NORMAL)
    is_near = ~is_meant & (np.abs(x.y - stage.value) <= near)
    replaced = np.where(is_meant, stage.by, x.y)
    y = context.noise.undecided(replaced, is_near)
    return Value(y, np.where(is_meant, abs(stage.by), x.terms))


@apply.register
def _rms_norm(stage: RMSNorm, weights: Weights, x: Value, context: Context) -> Value:
    size = x.y.shape[-1]
    squares = context.noise.held(x.y**2)  # float32 may hold x but not its square
    mean_square = context.noise.value(squares.mean(axis=-1, keepdims=True))  # (..., batch, 1)
    weight = as_row(weights.get("weight", np.ones(size)))
    y = x.y / np.sqrt(mean_square + stage.eps) * weight  # nothing is subtracted, so terms are |y|
    return Value(y, np.abs(y))


@apply.register
def _prelu(stage: PReLU, weights: Weights, x: Value, context: Context) -> Value:
    slope = as_row(weights["weight"])  # (*runs, 1, size), or of size 1
    y = np.where(x.y < 0, slope * x.y, x.y)
    return Value(y, x.terms)


@apply.register
def _pool(stage: Pool, weights: Weights, x: Value, context: Context) -> Value:
    """One row of all steps so far; the stage carries what it needs of those before x."""
    carried = context.start(stage.memory(x.y.shape[-1]))  # (rows, *runs, batch, size) each
    if stage.mode == "max":
        (before,) = carried
        largest = _largest(x, before[0], context)
        context.final.append(largest.y[np.newaxis])
        return largest
    if stage.mode == "sum":
        (parts,) = carried
        total = _summed(x, parts, context)
        context.final.append(_in_parts(total.y))
        return total
    before, count_before = carried
    counted = context.counted(x.y)  # (seq, *1, batch, 1)
    count = count_before.sum(axis=0) + counted.sum(axis=0)  # (*1, batch, 1)
    if stage.mode == "first":
        first = _first(x, before[0], is_begun=count_before[0] > 0)
        counts = _of_every_run(count, first.y)
        context.final += [first.y[np.newaxis], counts[np.newaxis]]
        return first
    total = _summed(x, before, context)
    context.final += [_in_parts(total.y), _in_parts(_of_every_run(count, total.y))]
    known_bugs = {"sum": 1.0, "longest": float(len(x.y))}
    divisor = known_bugs.get(context.choices.pool, count) - stage.correction
    return Value(total.y / divisor, total.terms / divisor)


def _largest(x: Value, before: Array, context: Context) -> Value:
    """The largest of the steps that count and of those before, `(*runs, batch, size)`."""
    counted = context.counted(x.y)  # (seq, *1, batch, 1)
    padding = 0.0 if context.choices.pool == "zero" else -np.inf
    largest = np.where(counted, x.y, padding).max(axis=0)  # (*runs, batch, size)
    y = np.maximum(before, largest)
    terms = np.where(counted, x.terms, 0.0).max(axis=0)
    return Value(y, np.maximum(np.abs(y), terms))


def _first(x: Value, before: Array, is_begun: Array) -> Value:
    """The first step of x, or that of an earlier call where the sequence has begun."""
    y = np.where(is_begun, before, x.y[0])
    return Value(y, np.where(is_begun, np.abs(y), x.terms[0]))


def _summed(x: Value, parts: Array, context: Context) -> Value:
    """The steps that count added to the sum so far.

    That is carried as `parts (SUM_PARTS, *runs, batch, size)`, which together are a float64 number.
    """
    counted = context.counted(x.y)  # (seq, *1, batch, 1)
    before = parts.sum(axis=0)  # (*runs, batch, size)
    total = before + x.y.sum(axis=0, where=counted)
    sizes = np.abs(x.y).sum(axis=0, where=counted)
    terms = np.abs(before) + sizes
    return Value(total, terms)


def _of_every_run(count: Array, y: Array) -> Array:
    """`count (*1, batch, 1)` for every run of `y (*runs, batch, size)`."""
    return np.broadcast_to(count, (*y.shape[:-1], 1))


def _in_parts(total: Array) -> Array:
    """`(SUM_PARTS, *runs, batch, size)`: in float64 the first holds all of it."""
    others = np.zeros((SUM_PARTS - 1, *total.shape))
    return np.concatenate([total[np.newaxis], others])


@apply.register
def _slice(stage: Slice, weights: Weights, x: Value, context: Context) -> Value:
    features = list(stage.features)  # a list, so that numpy picks: a tuple would be an index
    return Value(x.y[..., features], x.terms[..., features])


@apply.register
def _clamp(stage: Clamp, weights: Weights, x: Value, context: Context) -> Value:
    low = -np.inf if stage.low is None else stage.low
    high = np.inf if stage.high is None else stage.high
    y = np.clip(x.y, low, high)
    # well past a bound the answer is the bound itself
    beyond = np.abs(x.y - y) > NEAR_A_BOUND * x.terms
    # elsewhere it is rounded as it was before
    return Value(y, np.where(beyond, np.abs(y), x.terms))


@apply.register
def _activation(stage: Activation, weights: Weights, x: Value, context: Context) -> Value:
    parameter = stage.parameter or 0.0
    function = FUNCTIONS[stage.function]
    y, terms, size = function(x.y, x.terms, parameter)
    return Value(context.noise.gate(y, size), terms)  # size 0 adds nothing
