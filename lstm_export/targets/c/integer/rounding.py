"""From a float model and its formats to whole numbers, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import singledispatch

import numpy as np

from ....errors import UnsupportedModel
from ....model import (
    GRU,
    LSTM,
    Activation,
    Affine,
    Array,
    Clamp,
    LastHidden,
    LastStep,
    LayerNorm,
    Linear,
    Model,
    Recurrent,
    Stage,
)
from ....model.forward.activations import FUNCTIONS
from . import stages as whole
from .arithmetic import LARGEST, SUM_BITS, VALUE_BITS
from .formats import Formats, InputFormat, check_chain, input_scaler
from .layer_rounding import most_bits, whole_layers
from .rows import FINE_CHUNK, reach, row_bits, whole_bias, whole_rows
from .whole_model import WholeModel

GUARD_BITS = 4  # of a scaled value beyond the int16 that it is then rounded to
LARGEST_OFFSET = 2.0**29
LARGEST_FACTOR = 2**14 - 1  # times the difference of two int16 it stays in int32
SMALLEST = 1e-300


@dataclass
class Progress:
    """The stages so far, and the format of their values.

    Attributes:
        formats: of the model.
        bits: `(width,)` bits after the point.
        is_wide: whether the values are int32.
        name: of the float stage that gave them.
    """

    formats: Formats
    bits: Array
    is_wide: bool = False
    name: str = ""
    stages: list[whole.WholeStage] = field(default_factory=list)

    def add(self, stage: whole.WholeStage, bits: Array, is_wide: bool) -> None:
        """Append a stage, whose values have such a format."""
        self.stages.append(stage)
        self.bits = bits
        self.is_wide = is_wide

    def narrow(self, alike: bool = False) -> None:
        """Bring wide values into int16; with `alike` every feature into the same format."""
        if not self.is_wide and not (alike and len(set(self.bits)) > 1):
            return
        target = np.minimum(np.array(self.formats.after[self.name]), self.bits)
        if not self.is_wide:
            target = np.minimum(target, self.bits.min())
        if alike:
            target = np.full_like(target, target.min())
        self.add(whole.Narrow(self.name, self.bits - target), target, False)

    @property
    def common_bits(self) -> int:
        """Bits after the point, which all features share."""
        return int(self.bits[0])


def whole_model(model: Model, formats: Formats) -> WholeModel:
    """Round a model to whole numbers.

    Raises:
        UnsupportedModel: a stage has no integer form, or its values leave int32.
    """
    check_chain(model)
    progress = Progress(formats, np.array(formats.input_bits))
    scaler = input_scaler(model)
    _take_counts(scaler, progress)
    rest = folded(model.stages[1:] if scaler else model.stages)
    for stage in rest:
        _round(stage, progress)
        progress.name = stage.name
    stages = tuple(progress.stages)
    return WholeModel(stages, formats.inputs, progress.common_bits, formats.given)


def folded(stages: tuple[Stage, ...]) -> list[Stage]:
    """Scalers right behind a Linear go into its weights, so that answers lose no bit to them."""
    found: list[Stage] = []
    for stage in stages:
        before = found[-1] if found else None
        if isinstance(stage, Affine) and isinstance(before, Linear | ExactLinear):
            found[-1] = _scaled(before, stage)
        else:
            found.append(stage)
    return found


@dataclass(frozen=True, eq=False)
class ExactLinear(Stage):
    """A Linear with float64 weights."""

    weight: Array
    bias: Array


def _scaled(linear: Linear | ExactLinear, affine: Affine) -> ExactLinear:
    weight = np.asarray(linear.weight, np.float64)
    bias = _bias_of(linear)
    scale = np.asarray(affine.scale, np.float64)
    offset = np.asarray(affine.offset, np.float64)
    if affine.inverse:
        return ExactLinear(affine.name, weight * scale[:, np.newaxis], bias * scale + offset)
    return ExactLinear(affine.name, weight / scale[:, np.newaxis], (bias - offset) / scale)


def _bias_of(linear: Linear | ExactLinear) -> Array:
    if linear.bias is None:
        return np.zeros(len(linear.weight))
    return np.asarray(linear.bias, np.float64)


def _take_counts(scaler: Affine | None, progress: Progress) -> None:
    """Counts as the first weights take them; nothing where they are so already."""
    factors = []
    offsets = []
    for place, entry in enumerate(progress.formats.inputs):
        factor, offset = _conversion(entry, scaler, place)
        factors.append(factor)
        offsets.append(offset)
    bits = progress.bits
    is_same = np.array(factors) == 2.0**-bits
    if not is_same.all() or any(offsets):
        _scale(progress, np.array(factors), np.array(offsets), np.zeros(len(bits), np.int64), bits)


def _conversion(entry: InputFormat, scaler: Affine | None, place: int) -> tuple[float, float]:
    """Factor and offset from a count to the value that the first weights take."""
    if scaler is None:
        return entry.step, entry.zero
    scale = float(scaler.scale[place])
    return entry.step / scale, (entry.zero - float(scaler.offset[place])) / scale


def _scale(progress: Progress, factors: Array, offsets: Array, before: Array, after: Array) -> None:
    """Narrow values times factors plus offsets, to int16 again.

    Args:
        progress: takes the stages.
        factors, offsets: float64 `(width,)`.
        before, after: bits after the point, `(width,)`.
    """
    wide = after + GUARD_BITS
    exponent = np.floor(np.log2(LARGEST_FACTOR / np.maximum(np.abs(factors), SMALLEST)))
    shift = np.minimum(exponent + before - wide, 31).astype(np.int64)
    whole_factors = np.rint(factors * 2.0 ** (shift + wide - before)).astype(np.int64)
    centre = _centre(factors, offsets, before)
    exact = (offsets + factors * centre * 2.0**-before) * 2.0**wide
    _check_scale(progress.name or "input", shift, exact)
    scale = whole.Scale(centre, whole_factors, shift, np.rint(exact).astype(np.int64))
    progress.add(scale, wide, True)
    name = progress.name or "inputs"
    progress.add(whole.Narrow(name, np.full_like(after, GUARD_BITS)), after, False)


def _centre(factors: Array, offsets: Array, bits: Array) -> Array:
    """The counts of int16 that are nearest to what is scaled to 0."""
    safe = np.where(np.abs(factors) > SMALLEST, factors, 1.0)
    zero = np.where(np.abs(factors) > SMALLEST, -offsets / safe, 0.0)
    return np.rint(np.clip(zero * 2.0**bits, -LARGEST, LARGEST)).astype(np.int64)


def _check_scale(name: str, shift: Array, offset: Array) -> None:
    """Refuse counts that are too coarse, or too far from the values that the model was made for."""
    if (shift < 0).any():
        raise UnsupportedModel(
            f"{name} {int(np.argmin(shift))} is too coarse for whole numbers: a count is more than "
            "its spread; choose a finer format"
        )
    if np.abs(offset).max() > LARGEST_OFFSET:
        raise UnsupportedModel(
            f"{name} {int(np.argmax(np.abs(offset)))} is too far from the model's values for whole "
            "numbers: no count of int16 comes near them; choose a format whose zero is nearer"
        )


@singledispatch
def _round(stage: Stage, progress: Progress) -> None:
    raise _refusal(stage)


def _refusal(stage: Stage) -> UnsupportedModel:
    return UnsupportedModel(
        f"c cannot express the stage {stage.name} ({stage.kind}) in whole numbers; "
        "export it with --arithmetic float"
    )


@_round.register(Linear)
@_round.register(ExactLinear)
def _linear(stage: Linear | ExactLinear, progress: Progress) -> None:
    progress.narrow()
    weight = np.asarray(stage.weight, np.float64)
    bias = _bias_of(stage)
    weight_bits = progress.formats.weight_bits
    largest = reach(weight, progress.bits) + np.abs(bias).max()
    most = row_bits(weight, progress.bits, weight_bits, FINE_CHUNK).sums
    sum_bits = min(most, most_bits(largest, stage))
    rows = whole_rows(weight, progress.bits, weight_bits, sum_bits, FINE_CHUNK)
    linear = whole.Linear(rows, whole_bias(bias, sum_bits))
    progress.add(linear, np.full(len(weight), sum_bits), True)


@_round.register
def _affine(stage: Affine, progress: Progress) -> None:
    progress.narrow()
    scale = np.asarray(stage.scale, np.float64)
    offset = np.asarray(stage.offset, np.float64)
    after = np.array(progress.formats.after[stage.name])
    if stage.inverse:
        _scale(progress, scale, offset, progress.bits, after)
    else:
        _scale(progress, 1 / scale, -offset / scale, progress.bits, after)


@_round.register
def _clamp(stage: Clamp, progress: Progress) -> None:
    _clamp_between(progress, stage.low, stage.high)


def _clamp_between(progress: Progress, low: float | None, high: float | None) -> None:
    limit = 2.0**31 - 1 if progress.is_wide else float(LARGEST)
    scale = 2.0**progress.bits
    lowest = np.full(len(scale), -limit) if low is None else np.rint(low * scale)
    highest = np.full(len(scale), limit) if high is None else np.rint(high * scale)
    bounds = [np.clip(bound, -limit, limit).astype(np.int64) for bound in (lowest, highest)]
    progress.add(whole.Clamp(*bounds), progress.bits, progress.is_wide)


@_round.register
def _activation(stage: Activation, progress: Progress) -> None:
    if stage.function == "relu":
        _clamp_between(progress, 0.0, None)
        return
    if stage.function in ("tanh", "sigmoid") and progress.is_wide and _are_alike(progress.bits):
        surplus = progress.common_bits - SUM_BITS
        gate = whole.Gate(stage.function, max(surplus, 0), max(-surplus, 0))
        progress.add(gate, np.full_like(progress.bits, VALUE_BITS), False)
        return
    progress.narrow(alike=True)
    after = min(progress.formats.after[stage.name])
    ends = (np.arange(513) - 256) * 128 * 2.0**-progress.common_bits
    exact = FUNCTIONS[stage.function](ends, np.abs(ends), stage.parameter or 0.0).y
    values = np.clip(np.rint(exact * 2.0**after), -LARGEST, LARGEST).astype(np.int64)
    progress.add(whole.Table(values), np.full_like(progress.bits, after), False)


def _are_alike(bits: Array) -> bool:
    return bool((bits == bits[0]).all())


@_round.register
def _last_step(stage: LastStep, progress: Progress) -> None:
    progress.add(whole.LastStep(), progress.bits, progress.is_wide)


@_round.register
def _last_hidden(stage: LastHidden, progress: Progress) -> None:
    """The last layer's h alone: no whole stage reads c, or the h of a lower layer."""
    if not stage.is_usual:
        raise _refusal(stage)
    recurrent = next(
        entry for entry in reversed(progress.stages) if isinstance(entry, whole.Recurrent)
    )
    if len(recurrent.layers[-1]) == 1:
        _last_step(LastStep(stage.name), progress)
        return
    size = len(progress.bits) // 2
    progress.add(whole.BothEnds(size), progress.bits, progress.is_wide)


@_round.register
def _layer_norm(stage: LayerNorm, progress: Progress) -> None:
    progress.narrow(alike=True)
    width = len(progress.bits)
    eps = int(np.rint(np.float64(stage.eps) * 4.0**progress.common_bits))
    norm = whole.LayerNorm(min(eps, 2**30))
    progress.add(norm, np.full(width, whole.NORM_BITS), True)
    if stage.weight is None:
        return
    # A normalised value is below the root of the width.
    bits = np.full(width, VALUE_BITS - int(np.ceil(np.log2(width) / 2)))
    progress.add(whole.Narrow(stage.name, whole.NORM_BITS - bits), bits, False)
    bias = np.zeros(width) if stage.bias is None else np.asarray(stage.bias, np.float64)
    after = np.array(progress.formats.after[stage.name])
    _scale(progress, np.asarray(stage.weight, np.float64), bias, bits, after)


@_round.register
def _recurrent(stage: Recurrent, progress: Progress) -> None:
    if not isinstance(stage, LSTM | GRU):
        raise _refusal(stage)
    progress.narrow()
    layers = list(whole_layers(stage, progress.bits, progress.formats.weight_bits))
    state_bits = layers[-1][1].state_bits
    width = stage.directions * stage.state_size
    recurrent = whole.Recurrent(tuple(cells for cells, _ in layers))
    progress.add(recurrent, np.full(width, state_bits), False)
