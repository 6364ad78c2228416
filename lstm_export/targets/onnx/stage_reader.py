"""The stages that keep the axes of what they take, in an ONNX graph: an operator each, or two."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ...errors import UnsupportedModel
from ...model import (
    Affine,
    Clamp,
    LastSteps,
    LayerNorm,
    Linear,
    PReLU,
    Replace,
    RMSNorm,
    Slice,
    Stage,
)
from . import activation_reader
from .graph import LAST, TO_THE_END
from .row_reader import Place, read_reduced
from .walk import CONSTANT, OPTIONAL, Walk


def _gemm(walk: Walk) -> Stage:
    name = walk.name()
    weight_and_bias = walk.advance("Gemm", CONSTANT, OPTIONAL, transB=1).arrays()
    return Linear(name, *weight_and_bias)


def _matmul(walk: Walk) -> Stage:
    name = walk.name()
    (weight,) = walk.advance("MatMul", CONSTANT).arrays()
    bias = None
    if walk.name() == f"{name}/bias":
        (bias,) = walk.advance("Add", CONSTANT).arrays()
    return Linear(name, weight.T, bias)  # MatMul holds it as (in_features, out_features)


def _scaler(walk: Walk) -> Stage:
    name = walk.name()
    (offset,) = walk.advance("Sub", CONSTANT).arrays()
    (scale,) = walk.advance("Div", CONSTANT).arrays()
    return Affine(name, offset, scale)


def _mul(walk: Walk) -> Stage:
    """An inverse scaler, or the first of gelu_tanh's nodes."""
    if activation_reader.is_gelu_tanh(walk):
        return activation_reader.gelu_tanh(walk)
    name = walk.name()
    (scale,) = walk.advance("Mul", CONSTANT).arrays()
    (offset,) = walk.advance("Add", CONSTANT).arrays()
    return Affine(name, offset, scale, inverse=True)


def _clamp(walk: Walk) -> Stage:
    name = walk.name()
    bounds = walk.advance("Clip", OPTIONAL, OPTIONAL).constants
    both = (*bounds, None, None)[:2]  # one that is left out at the end is not among the inputs
    low, high = (None if bound is None else float(bound) for bound in both)
    return Clamp(name, low, high)


def _layer_norm(walk: Walk) -> Stage:
    name = walk.name()
    eps = walk.attribute("epsilon")
    ones = walk.constant(1)  # the operator must have a weight: where torch has none, it is ones
    is_plain = ones is not None and walk.is_input_named(1, f"ones_{ones.size}")
    taken = walk.advance("LayerNormalization", CONSTANT, OPTIONAL, axis=-1, epsilon=eps)
    weight, bias = taken.constants
    if not is_plain:
        return LayerNorm(name, weight, bias, eps)
    if weight is None or (weight != 1).any():
        raise UnsupportedModel(f"{name!r} has a weight that is not 1")
    return LayerNorm(name, None, bias, eps)


def read_last_steps(walk: Walk, axis: int) -> LastSteps:
    """The last steps along this axis."""
    name = walk.name()
    start, *rest = walk.advance("Slice", CONSTANT, CONSTANT, CONSTANT).arrays()
    is_to_the_end = [array.tolist() for array in rest] == [[TO_THE_END], [axis]]
    if start.shape != (1,) or not is_to_the_end:
        raise UnsupportedModel(f"{name!r} does not keep the last steps")
    return LastSteps(name, -int(start[0]))


def read_last_steps_of_rows(walk: Walk, place: Place) -> LastSteps:
    """The last steps of every row that count."""
    name = walk.name()
    steps = walk.input_name(1)
    if place.is_time_first or not place.is_sequence or place.layer < -1:
        raise UnsupportedModel(f"{name!r} takes no sequence that runs batch first")
    walk.advance("GatherND", steps, batch_dims=1)
    return LastSteps(name, int(steps.removeprefix(f"{LAST}_")))


def _replace(walk: Walk) -> Stage:
    """One value taken for another."""
    x = walk.current
    equal = walk.advance("Equal", CONSTANT)
    name = walk.name()
    taken = walk.follow("Where", equal.outputs[0], CONSTANT, x)
    (value,) = equal.arrays()
    (by,) = taken.arrays()
    return Replace(name, float(value), float(by))


def _prelu(walk: Walk) -> Stage:
    name = walk.name()
    (weight,) = walk.advance("PRelu", CONSTANT).arrays()
    if weight.size != weight.shape[-1]:
        raise UnsupportedModel(f"{name!r} has slopes {weight.shape}, expected them along one axis")
    return PReLU(name, weight.reshape(-1))  # from ([1,] 1, size)


def is_rms_norm(walk: Walk) -> bool:
    """Whether the next node, a Mul of x by itself, is the first of an RMSNorm."""
    return walk.name().endswith("/squared")


def read_rms_norm(walk: Walk) -> Stage:
    """`x / sqrt(mean(x * x) + eps) * weight`."""
    x = walk.current
    walk.advance("Mul", x)
    read_reduced(walk, "ReduceMean", -1, keepdims=1)
    (eps,) = walk.advance("Add", CONSTANT).arrays()
    root = walk.advance("Sqrt").outputs[0]
    walk.current = x
    walk.advance("Div", root)
    name = walk.name()
    is_plain = walk.is_input_named(1, "one_of_all")
    (weight,) = walk.advance("Mul", CONSTANT).arrays()
    if is_plain and weight.tolist() != [1.0]:
        raise UnsupportedModel(f"{name!r} has a weight that is not 1")
    return RMSNorm(name, None if is_plain else weight, float(eps))


def read_slice(walk: Walk, axis: int) -> Stage:
    """Columns of the last axis."""
    name = walk.name()
    (features,) = walk.advance("Gather", CONSTANT, axis=axis).arrays()
    if features.dtype != np.int64:
        raise UnsupportedModel(f"{name!r} picks columns by {features.dtype}, expected int64")
    return Slice(name, tuple(int(index) for index in features))


STAGE_READERS: Mapping[str, Callable[[Walk], Stage]] = {
    **activation_reader.READERS,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "Sub": _scaler,
    "Mul": _mul,
    "LayerNormalization": _layer_norm,
    "Clip": _clamp,
    "Equal": _replace,
    "PRelu": _prelu,
}
