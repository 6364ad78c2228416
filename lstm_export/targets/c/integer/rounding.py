"""From a float model and its formats to whole numbers, stage by stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np

from ....model import (
    RNN,
    Activation,
    Affine,
    Array,
    Clamp,
    Flatten,
    Join,
    LastHidden,
    LastStep,
    LastSteps,
    LayerNorm,
    Linear,
    Model,
    Pool,
    PReLU,
    Recurrent,
    Replace,
    RMSNorm,
    Slice,
    Stage,
)
from ....model.wiring import INPUT, Sources
from . import joins, roots
from . import stages as whole
from .arithmetic import CELL_BITS, GUARD_BITS, LARGEST, VALUE_BITS, float64, nearest
from .draft import Draft, Value, raw_input, refusal
from .elementwise_rounding import Elementwise, elementwise
from .first_weights import counted
from .formats import Formats, input_scaler, input_titles
from .join_rounding import answer, joined
from .layer_rounding import most_bits, whole_layers
from .rows import FINE_CHUNK, reach, row_bits, whole_bias, whole_rows
from .whole_model import WholeModel

SMALLEST_SLOPE = 2.0**-20  # of a PReLU, that a multiplier is made as fine for


def whole_model(model: Model, formats: Formats) -> WholeModel:
    """Round a model to whole numbers.

    Raises:
        UnsupportedModel: a stage has no integer form, or its values leave int32.
    """
    x = raw_input(formats)
    draft = Draft(formats, _bits_of_input(model, formats, x), input_titles(model.signature))
    values = {INPUT: x}
    for index, stage, sources in folded(model):
        taken = [values[source] for source in sources]
        if isinstance(stage, Join):
            value = joined(stage, taken, draft)
        else:
            value = _round(stage, taken[0], draft)
        values[index] = replace(value, name=stage.name)
    last = answer(values[len(model.stages) - 1], draft)
    return WholeModel(tuple(draft.nodes), formats.inputs, last.common_bits, formats.given)


def _bits_of_input(model: Model, formats: Formats, x: Value) -> Array:
    """Bits after the point of x in its own units, as int16."""
    if input_scaler(model) is None:
        return np.array(formats.input_bits)
    largest = np.abs(x.zero) + np.abs(x.step) * LARGEST  # (input_size,)
    bits: Array = np.floor(np.log2(LARGEST / largest))
    return bits.astype(np.int64)


def folded(model: Model) -> Iterator[tuple[int, Stage, Sources]]:
    """The stages by index, and what they take.

    A scaler right behind a Linear that nothing else takes goes into its weights, so that answers
    lose no bit to it.
    """
    held: dict[int, tuple[Linear | ExactLinear, Sources]] = {}
    for index, given in enumerate(model.stages):
        stage: Stage = given
        sources = model.sources[index]
        if isinstance(stage, Affine) and sources[0] in held:
            linear, sources = held.pop(sources[0])
            stage = _scaled(linear, stage)
        readers = model.readers_of(index)
        is_scaled = len(readers) == 1 and isinstance(readers[0], Affine)
        if isinstance(stage, Linear | ExactLinear) and is_scaled:
            held[index] = (stage, sources)
        else:
            yield index, stage, sources


@dataclass(frozen=True, eq=False)
class ExactLinear(Stage):
    """A Linear with float64 weights."""

    weight: Array
    bias: Array


def _scaled(linear: Linear | ExactLinear, affine: Affine) -> ExactLinear:
    weight = float64(linear.weight)
    bias = _bias_of(linear)
    scale = float64(affine.scale)  # (rows,)
    offset = float64(affine.offset)
    of_row = scale[:, np.newaxis]
    if affine.inverse:
        return ExactLinear(affine.name, weight * of_row, bias * scale + offset)
    return ExactLinear(affine.name, weight / of_row, (bias - offset) / scale)


def _bias_of(linear: Linear | ExactLinear) -> Array:
    if linear.bias is None:
        return np.zeros(len(linear.weight))
    return float64(linear.bias)


@singledispatch
def _round(stage: Stage, value: Value, draft: Draft) -> Value:
    raise refusal(stage)


@_round.register(Linear)
@_round.register(ExactLinear)
def _linear(stage: Linear | ExactLinear, value: Value, draft: Draft) -> Value:
    weight = float64(stage.weight)
    bias = _bias_of(stage)
    value, unit = counted(value, draft)
    if unit:
        weight, bias = unit.into(weight, bias)
    weight_bits = draft.formats.weight_bits
    largest = reach(weight, value.bits) + np.abs(bias).max()
    most = row_bits(weight, value.bits, weight_bits, FINE_CHUNK).sums
    sum_bits = min(most, most_bits(largest, stage))
    name = f"{stage.name}.weight"
    rows = whole_rows(name, weight, value.bits, draft.formats.storage, sum_bits, FINE_CHUNK)
    linear = whole.Linear(rows, whole_bias(bias, sum_bits))
    bits = np.full(len(weight), sum_bits)
    return draft.add_wide(linear, [value], bits)


@_round.register
def _affine(stage: Affine, value: Value, draft: Draft) -> Value:
    """A raw value is only counted otherwise."""
    scale = float64(stage.scale)
    offset = float64(stage.offset)
    if not value.is_raw:
        value = draft.narrow(value)
    if stage.inverse:
        step = value.step * scale
        zero = value.zero * scale + offset
    else:
        step = value.step / scale
        zero = (value.zero - offset) / scale
    moved = replace(value, step=step, zero=zero)
    if value.is_raw:
        return moved
    return draft.scaled(moved, np.array(draft.formats.after[stage.name]))


@_round.register(Activation)
@_round.register(Clamp)
@_round.register(Replace)
def _elementwise(stage: Elementwise, value: Value, draft: Draft) -> Value:
    return elementwise(stage, value, draft)


@_round.register
def _prelu(stage: PReLU, value: Value, draft: Draft) -> Value:
    value = draft.narrow(value)
    slope = np.broadcast_to(float64(stage.weight), value.bits.shape)  # (width,)
    steepest = np.maximum(np.abs(slope), SMALLEST_SLOPE)
    exponent = np.floor(np.log2(LARGEST / steepest))
    shift = (exponent - GUARD_BITS).astype(np.int64)
    if (shift < 0).any():
        raise refusal(stage, f": a slope is {np.abs(slope).max():.3g}")
    multiplier = nearest(slope * 2.0 ** (shift + GUARD_BITS))
    prelu = whole.PReLU(multiplier, shift)
    return draft.add_wide(prelu, [value], value.bits + GUARD_BITS)


@_round.register
def _last_step(stage: LastStep, value: Value, draft: Draft) -> Value:
    return draft.keep(whole.LastStep(), value)


@_round.register
def _last_steps(stage: LastSteps, value: Value, draft: Draft) -> Value:
    return draft.keep(whole.LastSteps(stage.count), value)


@_round.register
def _flatten(stage: Flatten, value: Value, draft: Draft) -> Value:
    """Columns of the first step, then those of the next."""
    count = len(draft.formats.after[stage.name]) // len(value.step)
    row = draft.keep(whole.Flatten(count), value)
    step = np.tile(value.step, count)
    zero = np.tile(value.zero, count)
    return replace(row, step=step, zero=zero)


@_round.register
def _slice(stage: Slice, value: Value, draft: Draft) -> Value:
    features = list(stage.features)
    picked = draft.keep(joins.Slice(stage.features), value)
    return replace(picked, step=value.step[features], zero=value.zero[features])


@_round.register
def _pool(stage: Pool, value: Value, draft: Draft) -> Value:
    """Sums, and the mean of an unbiased variance, are wide; other rows are as the steps are."""
    mode = "corrected_mean" if stage.correction else stage.mode
    pool = joins.Pool(mode, len(value.step))
    if mode in ("sum", "corrected_mean"):
        value = draft.narrow(value)
        return draft.add_wide(pool, [value], value.bits)
    if value.is_wide or not value.is_raw:
        value = draft.narrow(value)
    return draft.keep(pool, value)


@_round.register
def _last_hidden(stage: LastHidden, value: Value, draft: Draft) -> Value:
    """h of the last layer, of one direction its last step; other states as they were left."""
    recurrent, sources = draft.nodes[value.index]
    assert isinstance(recurrent, whole.Recurrent)  # noqa: S101 - a LastHidden takes no other
    layer = len(recurrent.layers) + stage.layer
    cells = recurrent.layers[layer]
    if stage.is_last_output and len(cells) == 1:
        return draft.keep(whole.LastStep(), value)
    taken = replace(value, index=sources[0])
    if stage.state == "c":
        size = sum(cell.start.wide_size for cell in cells)
        state = whole.FinalState(recurrent, layer, is_wide=True)
        return draft.add_wide(state, [taken], np.full(size, CELL_BITS))
    size = sum(cell.start.narrow_size for cell in cells)
    state = whole.FinalState(recurrent, layer, is_wide=False)
    return draft.add_narrow(state, [taken], np.full(size, recurrent.state_bits[layer]))


@_round.register
def _layer_norm(stage: LayerNorm, value: Value, draft: Draft) -> Value:
    norm = _norm(stage.eps, True, value, draft)
    if stage.weight is None:
        return norm
    bias = np.zeros(len(norm.step))
    if stage.bias is not None:
        bias = float64(stage.bias)
    return _weighted(stage, float64(stage.weight), bias, norm, draft)


@_round.register
def _rms_norm(stage: RMSNorm, value: Value, draft: Draft) -> Value:
    norm = _norm(stage.eps, False, value, draft)
    if stage.weight is None:
        return norm
    weight = float64(stage.weight)
    return _weighted(stage, weight, np.zeros(len(weight)), norm, draft)


def _norm(eps: float, is_centred: bool, value: Value, draft: Draft) -> Value:
    """Divided by the root of the mean square, wide."""
    value = draft.narrow(value, alike=True)
    of_squares = np.float64(eps) * 4.0**value.common_bits  # eps in the format of squared values
    norm = roots.LayerNorm(round(min(of_squares, 2.0**30)), is_centred)
    bits = np.full(len(value.step), roots.NORM_BITS)
    return draft.add_wide(norm, [value], bits)


def _weighted(stage: Stage, weight: Array, bias: Array, norm: Value, draft: Draft) -> Value:
    """A normalised value, which is below the root of the width, times weights plus biases."""
    width = len(weight)
    bits_of_root = int(np.ceil(np.log2(width) / 2))  # that the largest value has before the point
    bits = np.full(width, min(VALUE_BITS - bits_of_root, roots.NORM_BITS))
    less = whole.Narrow(stage.name, roots.NORM_BITS - bits)
    narrow = draft.add_narrow(less, [norm], bits)
    moved = replace(narrow, step=narrow.step * weight, zero=bias)
    return draft.scaled(moved, np.array(draft.formats.after[stage.name]))


@_round.register
def _recurrent(stage: Recurrent, value: Value, draft: Draft) -> Value:
    is_relu = isinstance(stage, RNN) and stage.nonlinearity == "relu"
    if is_relu and stage.num_layers > 1:
        raise refusal(stage, ": a relu has no bound, and only the last layer's was seen")
    after = min(draft.formats.after[stage.name])
    value, unit = counted(value, draft)
    stage = unit.into_stage(stage) if unit else stage
    layers = []
    state_bits = []
    for cells, formats in whole_layers(stage, value.bits, draft.formats.storage, after):
        layers.append(cells)
        state_bits.append(formats.state_bits)
    width = stage.directions * stage.state_size
    factor = unit.factor if unit else np.ones(len(value.step))
    recurrent = whole.Recurrent(tuple(layers), tuple(state_bits), factor)
    return draft.add_narrow(recurrent, [value], np.full(width, state_bits[-1]))
