"""The activation functions in float64, by torch.nn.functional's names and equations.

Each gives `y`, its terms, and the size of what it was summed from where float32 evaluates it as a sum, so that a small
result is rounded like a large one (0 where it is not).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import erf

import numpy as np

from .arrays import Array

# x, its terms, and the function's parameter.
Function = Callable[[Array, Array, float], tuple[Array, Array, "Array | float"]]


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)); exp may overflow to infinity, which gives 0. Callers ignore that once for many."""
    y = np.negative(x)
    np.exp(y, out=y)
    y += 1.0
    return np.reciprocal(y, out=y)


def _gelu(x: Array, terms: Array, _: float) -> tuple[Array, Array, Array]:
    return x * (0.5 + 0.5 * _erf(x / np.sqrt(2))), terms, np.abs(x)


def _gelu_tanh(x: Array, terms: Array, _: float) -> tuple[Array, Array, Array]:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))), terms, np.abs(x)


def _elu(x: Array, terms: Array, alpha: float) -> tuple[Array, Array, Array]:
    e = np.exp(np.minimum(x, 0))
    negative = x <= 0
    size = np.where(negative, np.abs(alpha) * (e + 1), 0.0)
    return np.where(negative, alpha * (e - 1), x), np.where(negative, size, terms), size


FUNCTIONS: Mapping[str, Function] = {
    "relu": lambda x, terms, _: (np.maximum(x, 0), terms, 0.0),
    "leaky_relu": lambda x, terms, slope: (np.where(x < 0, slope * x, x), terms, 0.0),
    "tanh": lambda x, terms, _: (np.tanh(x), np.minimum(terms, 1.0), 0.0),
    "sigmoid": lambda x, terms, _: (sigmoid(x), np.ones_like(x), 1.0),
    "silu": lambda x, terms, _: (x * sigmoid(x), terms, np.abs(x)),
    "softplus": lambda x, terms, _: (np.logaddexp(0, x), np.maximum(terms, 1.0), 1.0),  # log(1 + exp(x))
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "elu": _elu,
}

_erf = np.vectorize(erf, otypes=[np.float64])  # numpy has none
