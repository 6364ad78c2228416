"""The activation functions in float64, by torch.nn.functional's names and equations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import erf
from typing import NamedTuple

import numpy as np

from ..arrays import Array


class Activated(NamedTuple):
    """A function's result for `x`; every array has x's shape, or broadcasts to it.

    Attributes:
        y: the values.
        terms: the absolute terms of y, as in `Value`.
        size: of what y was summed from where float32 evaluates it as a sum, so that a small result
            is rounded like a large one; 0 where it is no sum.
    """

    y: Array
    terms: Array
    size: Array | float = 0.0


# x, its terms, and the function's parameter.
Function = Callable[[Array, Array, float], Activated]


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)).

    exp may overflow to infinity, which gives 0. Callers ignore that once for many.
    """
    y = np.negative(x)
    np.exp(y, out=y)
    y += 1.0
    return np.reciprocal(y, out=y)


def _relu(x: Array, terms: Array, _: float) -> Activated:
    return Activated(np.maximum(x, 0), terms)


def _leaky_relu(x: Array, terms: Array, negative_slope: float) -> Activated:
    return Activated(np.where(x < 0, negative_slope * x, x), terms)


def _tanh(x: Array, terms: Array, _: float) -> Activated:
    return Activated(np.tanh(x), np.minimum(terms, 1.0))


def _sigmoid(x: Array, terms: Array, _: float) -> Activated:
    return Activated(sigmoid(x), np.ones_like(x), 1.0)


def _silu(x: Array, terms: Array, _: float) -> Activated:
    # The sigmoid is rounded absolutely, by its 1 + exp(-x); x multiplies that error.
    return Activated(x * sigmoid(x), terms, np.abs(x))


def _softplus(x: Array, terms: Array, _: float) -> Activated:
    y = np.logaddexp(0, x)  # log(1 + exp(x))
    return Activated(y, np.maximum(terms, 1.0), 1.0)


def _gelu(x: Array, terms: Array, _: float) -> Activated:
    # x times the normal distribution's cumulative function
    y = x * (0.5 + 0.5 * _erf(x / np.sqrt(2)))
    # 0.5 + 0.5 * erf cancels where x is far below 0: an absolute error, times x
    return Activated(y, terms, np.abs(x))


def _gelu_tanh(x: Array, terms: Array, _: float) -> Activated:
    inner = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)  # torch's approximate="tanh"
    y = 0.5 * x * (1 + np.tanh(inner))
    return Activated(y, terms, np.abs(x))


def _elu(x: Array, terms: Array, alpha: float) -> Activated:
    exponential = np.exp(np.minimum(x, 0))  # where x > 0 it is not used, and must not overflow
    is_curved = x <= 0
    y = np.where(is_curved, alpha * (exponential - 1), x)
    # exp(x) - 1 cancels near 0: its error is that of terms of size exp(x) and 1
    size = np.where(is_curved, np.abs(alpha) * (exponential + 1), 0.0)
    return Activated(y, np.where(is_curved, size, terms), size)


# From https://arxiv.org/abs/1706.02515, with the digits that torch has.
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def _mish(x: Array, terms: Array, _: float) -> Activated:
    y = x * np.tanh(np.logaddexp(0, x))  # x * tanh(softplus(x))
    return Activated(y, terms, np.abs(x))


def _selu(x: Array, terms: Array, _: float) -> Activated:
    y, inner, size = _elu(x, terms, SELU_ALPHA)
    return Activated(SELU_SCALE * y, SELU_SCALE * inner, SELU_SCALE * size)


def _celu(x: Array, terms: Array, alpha: float) -> Activated:
    exponential = np.exp(np.minimum(x / alpha, 0))  # as in _elu, but x is divided by alpha
    is_curved = x <= 0
    y = np.where(is_curved, alpha * (exponential - 1), x)
    size = np.where(is_curved, np.abs(alpha) * (exponential + 1), 0.0)
    return Activated(y, np.where(is_curved, size, terms), size)


def _hardsigmoid(x: Array, terms: Array, _: float) -> Activated:
    # torch's slope; ONNX's default is 0.2
    return Activated(np.clip(x / 6 + 0.5, 0, 1), np.ones_like(x), 1.0)


def _hardswish(x: Array, terms: Array, _: float) -> Activated:
    gate = np.clip(x / 6 + 0.5, 0, 1)  # hardsigmoid
    return Activated(x * gate, terms, np.abs(x))


def _sqrt(x: Array, terms: Array, _: float) -> Activated:
    # below 0 it is NaN, as in every engine
    return Activated(np.sqrt(x), np.sqrt(terms))


def _softsign(x: Array, terms: Array, _: float) -> Activated:
    # 1 + |x| cannot cancel, so no sum of its own; the result stays below 1
    return Activated(x / (1 + np.abs(x)), np.minimum(terms, 1.0))


FUNCTIONS: Mapping[str, Function] = {
    "relu": _relu,
    "leaky_relu": _leaky_relu,
    "tanh": _tanh,
    "sigmoid": _sigmoid,
    "silu": _silu,
    "softplus": _softplus,
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "elu": _elu,
    "mish": _mish,
    "selu": _selu,
    "celu": _celu,
    "hardswish": _hardswish,
    "hardsigmoid": _hardsigmoid,
    "sqrt": _sqrt,
    "softsign": _softsign,
}

_erf = np.vectorize(erf, otypes=[np.float64])  # numpy has none
