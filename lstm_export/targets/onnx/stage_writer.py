"""A stage as nodes of an ONNX graph.

Inside the graph a sequence runs time first, `(seq, batch, size)`, as the LSTM operator wants it.
"""

from __future__ import annotations

from functools import singledispatch
from math import pi, sqrt
from typing import Any

import numpy as np

from ...errors import UnsupportedModel
from ...model import (
    Activation,
    Affine,
    Clamp,
    LastHidden,
    LastStep,
    LayerNorm,
    Linear,
    Recurrent,
    Skip,
    Stage,
)
from .graph import SWAP_BATCH_AND_TIME, Graph
from .recurrent_writer import write_recurrent

LAYER_NORM_OPSET = 17  # the first with LayerNormalization

# An operator each; silu, hardswish, mish and gelu are made of several.
_OPERATORS = {
    "relu": "Relu",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "softplus": "Softplus",
    "elu": "Elu",
    "leaky_relu": "LeakyRelu",
    "selu": "Selu",
    "celu": "Celu",
    "hardsigmoid": "HardSigmoid",
}
_ATTRIBUTES = {"hardsigmoid": {"alpha": 1 / 6, "beta": 0.5}}


@singledispatch
def write(stage: Stage, graph: Graph, following: Stage | None) -> None:
    """Append the nodes of one stage; `following` is the stage after it."""
    raise UnsupportedModel(f"the onnx target cannot express {stage.name} ({stage.kind})")


@write.register
def _recurrent(stage: Recurrent, graph: Graph, following: Stage | None) -> None:
    write_recurrent(stage, graph, following)


@write.register
def _last_step(stage: LastStep, graph: Graph, following: Stage | None) -> None:
    if graph.is_state:
        graph.squeeze(stage.name, axis=0)
    elif graph.takes_lengths:
        graph.swap_batch_and_time(f"{stage.name}/batch_first")
        graph.current = graph.pick_last(stage.name, graph.current)
    else:
        graph.add("Gather", stage.name, graph.integer("last_index", -1), axis=0)
    graph.is_sequence = False


@write.register
def _last_hidden(stage: LastHidden, graph: Graph, following: Stage | None) -> None:
    if graph.is_bidirectional:
        graph.add("Transpose", f"{stage.name}/transposed", perm=[1, 0, 2])
        graph.add("Reshape", stage.name, graph.integers("state_shape", 0, -1))
    else:
        graph.add("Gather", stage.name, graph.integer("first_index", 0), axis=0)
    graph.is_sequence = False


@write.register
def _linear(stage: Linear, graph: Graph, following: Stage | None) -> None:
    bias = []
    if stage.bias is not None:
        bias.append(graph.constant(f"{stage.name}.bias", stage.bias))
    name = f"{stage.name}.weight"
    if not graph.is_sequence:  # Gemm takes matrices only
        weight = graph.constant(name, stage.weight)
        graph.add("Gemm", stage.name, weight, *bias, transB=1)
        return
    graph.add("MatMul", stage.name, graph.constant(name, stage.weight.T))
    if bias:
        graph.add("Add", f"{stage.name}/bias", *bias)


@write.register
def _affine(stage: Affine, graph: Graph, following: Stage | None) -> None:
    offset = graph.constant(f"{stage.name}.offset", stage.offset)
    scale = graph.constant(f"{stage.name}.scale", stage.scale)
    if stage.inverse:
        graph.add("Mul", stage.name, scale)
        graph.add("Add", f"{stage.name}/add", offset)
    else:
        graph.add("Sub", stage.name, offset)
        graph.add("Div", f"{stage.name}/div", scale)


@write.register
def _layer_norm(stage: LayerNorm, graph: Graph, following: Stage | None) -> None:
    if graph.opset < LAYER_NORM_OPSET:
        need = f"opset {LAYER_NORM_OPSET} for {stage.name} (LayerNorm)"
        raise UnsupportedModel(f"the onnx target needs {need}, got {graph.opset}")
    if stage.weight is None:
        weight = graph.constant(f"ones_{graph.width}", np.ones(graph.width, np.float32))
    else:
        weight = graph.constant(f"{stage.name}.weight", stage.weight)
    bias = ""
    if stage.bias is not None:
        bias = graph.constant(f"{stage.name}.bias", stage.bias)
    graph.add("LayerNormalization", stage.name, weight, bias, axis=-1, epsilon=stage.eps)


@write.register
def _skip(stage: Skip, graph: Graph, following: Stage | None) -> None:
    features = graph.integers(f"{stage.name}.features", *stage.features)
    added = graph.node("Gather", f"{stage.name}/features", graph.source, features, axis=2)
    graph.add("Add", stage.name, _at_the_same_step(stage, added, graph))


def _at_the_same_step(stage: Skip, added: str, graph: Graph) -> str:
    """What is added, `(batch, seq, size)`, in the form of the current value."""
    if graph.is_sequence and graph.is_time_first:
        name = f"{stage.name}/time_first"
        return graph.node("Transpose", name, added, perm=SWAP_BATCH_AND_TIME)
    if graph.is_sequence:
        return added
    if graph.takes_lengths:
        return graph.pick_last(f"{stage.name}/last", added)
    last = graph.integer("last_index", -1)
    return graph.node("Gather", f"{stage.name}/last", added, last, axis=1)


@write.register
def _clamp(stage: Clamp, graph: Graph, following: Stage | None) -> None:
    low = "" if stage.low is None else graph.number(f"{stage.name}.low", stage.low)
    high = "" if stage.high is None else graph.number(f"{stage.name}.high", stage.high)
    graph.add("Clip", stage.name, low, high)


@write.register
def _activation(stage: Activation, graph: Graph, following: Stage | None) -> None:
    x = graph.current
    name = stage.name
    if stage.function in _OPERATORS:
        attributes: dict[str, Any] = dict(_ATTRIBUTES.get(stage.function, {}))
        if stage.parameter is not None:
            attributes["alpha"] = stage.parameter
        graph.add(_OPERATORS[stage.function], name, **attributes)
    elif stage.function == "silu":
        graph.add("Sigmoid", f"{name}/sigmoid")
        graph.add("Mul", name, x)
    elif stage.function == "hardswish":
        graph.add("HardSigmoid", f"{name}/hardsigmoid", **_ATTRIBUTES["hardsigmoid"])
        graph.add("Mul", name, x)
    elif stage.function == "mish":
        graph.add("Softplus", f"{name}/softplus")
        graph.add("Tanh", f"{name}/tanh")
        graph.add("Mul", name, x)
    elif stage.function == "gelu":
        _gelu(x, name, graph)
    elif stage.function == "gelu_tanh":
        _gelu_tanh(x, name, graph)
    else:
        raise UnsupportedModel(f"the onnx target cannot express {name} ({stage.function})")


def _gelu(x: str, name: str, graph: Graph) -> None:
    """x / 2 * (1 + erf(x / sqrt(2))); the operator Gelu came with opset 20."""
    graph.add("Div", f"{name}/div", graph.number("sqrt_2", sqrt(2)))
    graph.add("Erf", f"{name}/erf")
    _half_of_one_plus(x, name, graph)


def _gelu_tanh(x: str, name: str, graph: Graph) -> None:
    """x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))."""
    square = graph.node("Mul", f"{name}/square", x, x)
    cube = graph.node("Mul", f"{name}/cube", square, x)
    scaled = graph.node("Mul", f"{name}/scaled", cube, graph.number("gelu_cubic", 0.044715))
    graph.add("Add", f"{name}/sum", scaled)
    graph.add("Mul", f"{name}/inner", graph.number("sqrt_2_over_pi", sqrt(2 / pi)))
    graph.add("Tanh", f"{name}/tanh")
    _half_of_one_plus(x, name, graph)


def _half_of_one_plus(x: str, name: str, graph: Graph) -> None:
    """`x * (current + 1) / 2`."""
    graph.add("Add", f"{name}/one_plus", graph.number("one_float", 1.0))
    graph.add("Mul", f"{name}/product", x)
    graph.add("Mul", name, graph.number("half", 0.5))
