"""The activation functions in an ONNX graph: an operator each, or several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import pi, sqrt

import numpy as np

from ...model import Activation
from .walk import CONSTANT, Walk, check_number

OPERATORS: Mapping[str, str] = {
    "Relu": "relu",
    "Tanh": "tanh",
    "Elu": "elu",
    "LeakyRelu": "leaky_relu",
    "Selu": "selu",
    "Celu": "celu",
    "Sqrt": "sqrt",
    "Softsign": "softsign",
}


def operator(walk: Walk) -> Activation:
    """A function that is a single operator."""
    op = walk.op()
    name = walk.name()
    function = OPERATORS[op]
    if function not in ("elu", "celu", "leaky_relu"):
        walk.advance(op)
        return Activation(name, function)
    alpha = walk.attribute("alpha")
    walk.advance(op, alpha=alpha)
    return Activation(name, function, alpha)


def sigmoid_or_silu(walk: Walk) -> Activation:
    """sigmoid, or x * sigmoid(x)."""
    x = walk.current
    name = walk.name()
    walk.advance("Sigmoid")
    return _gate_or_gated(walk, name, x, gate="sigmoid", gated="silu")


def hardsigmoid_or_hardswish(walk: Walk) -> Activation:
    """hardsigmoid, or x * hardsigmoid(x)."""
    x = walk.current
    name = walk.name()
    sixth = float(np.float32(1 / 6))  # attributes are float32
    walk.advance("HardSigmoid", alpha=sixth, beta=0.5)
    return _gate_or_gated(walk, name, x, gate="hardsigmoid", gated="hardswish")


def _gate_or_gated(walk: Walk, name: str, x: str, *, gate: str, gated: str) -> Activation:
    """The gate that was just read, or x times it: then its node is called after the two."""
    if not name.endswith(f"/{gate}"):
        return Activation(name, gate)
    walk.advance("Mul", x)
    return Activation(name.removesuffix(f"/{gate}"), gated)


def softplus_or_mish(walk: Walk) -> Activation:
    """softplus, or x * tanh(softplus(x))."""
    x = walk.current
    name = walk.name()
    walk.advance("Softplus")
    if not name.endswith("/softplus"):
        return Activation(name, "softplus")
    walk.advance("Tanh")
    walk.advance("Mul", x)
    return Activation(name.removesuffix("/softplus"), "mish")


def gelu(walk: Walk) -> Activation:
    """x / 2 * (1 + erf(x / sqrt(2)))."""
    x = walk.current
    name = walk.name().removesuffix("/div")
    walk.number("Div", sqrt(2))
    walk.advance("Erf")
    _half_of_one_plus(x, walk)
    return Activation(name, "gelu")


def gelu_tanh(walk: Walk) -> Activation:
    """x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))."""
    x = walk.current
    name = walk.name().removesuffix("/square")
    square = walk.take("Mul", x, x).outputs[0]
    cube = walk.take("Mul", square, x).outputs[0]
    scaled = walk.take("Mul", cube, CONSTANT)
    (factor,) = scaled.arrays()
    check_number(factor, 0.044715, cube)
    walk.advance("Add", scaled.outputs[0])
    walk.number("Mul", sqrt(2 / pi))
    walk.advance("Tanh")
    _half_of_one_plus(x, walk)
    return Activation(name, "gelu_tanh")


def _half_of_one_plus(x: str, walk: Walk) -> None:
    """`x * (current + 1) / 2`."""
    walk.number("Add", 1.0)
    walk.advance("Mul", x)
    walk.number("Mul", 0.5)


def is_gelu_tanh(walk: Walk) -> bool:
    """Whether the next node, a Mul, is the first of gelu_tanh's."""
    return walk.name().endswith("/square")


READERS: Mapping[str, Callable[[Walk], Activation]] = {
    **dict.fromkeys(OPERATORS, operator),
    "Sigmoid": sigmoid_or_silu,
    "HardSigmoid": hardsigmoid_or_hardswish,
    "Softplus": softplus_or_mish,
    "Div": gelu,
}
