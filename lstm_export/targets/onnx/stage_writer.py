"""A stage as nodes of an ONNX graph.

Inside the graph a sequence runs time first, `(seq, batch, size)`, as the LSTM operator wants it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch
from math import pi, sqrt
from typing import Any, NamedTuple

import numpy as np

from ...errors import UnsupportedModel
from ...model import (
    Activation,
    Affine,
    Clamp,
    Flatten,
    Join,
    LastHidden,
    LastStep,
    LastSteps,
    LayerNorm,
    Linear,
    Pool,
    PReLU,
    Recurrent,
    Replace,
    RMSNorm,
    Shape,
    Slice,
    Stage,
)
from ...model.stages.read_outs import LOWEST
from .carried_pool_writer import write_carried_pool
from .graph import FINAL_STEP, LAST, TO_THE_END, Graph, Value, as_row
from .join_writer import write_join
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
    "sqrt": "Sqrt",
    "softsign": "Softsign",
}
_ATTRIBUTES = {"hardsigmoid": {"alpha": 1 / 6, "beta": 0.5}}


class Around(NamedTuple):
    """What stands around a stage: the values that it takes, and the stages that take its own."""

    taken: tuple[Value, ...]
    shapes: tuple[Shape, ...]
    readers: tuple[Stage, ...]


@singledispatch
def write(stage: Stage, graph: Graph, around: Around) -> None:
    """Append the nodes of one stage; the graph's value is the first that it takes."""
    raise UnsupportedModel(f"the onnx target cannot express {stage.name} ({stage.kind})")


@write.register
def _recurrent(stage: Recurrent, graph: Graph, around: Around) -> None:
    write_recurrent(stage, graph, around.readers)


@write.register
def _join(stage: Join, graph: Graph, around: Around) -> None:
    kept = max(shape.kept for shape in around.shapes)
    write_join(stage, graph, around.taken, kept)


@write.register
def _last_step(stage: LastStep, graph: Graph, around: Around) -> None:
    final = graph.value.finals.get(("h", -1), "")
    if final and not graph.value.is_bidirectional:
        graph.value = replace(graph.value, name=final)  # (1, batch, size)
        graph.squeeze(stage.name, axis=0)
    elif graph.takes_lengths:
        _batch_first(stage, graph)
        picked = graph.pick_last(stage.name, graph.value.name, LAST)
        graph.value = replace(graph.value, name=picked)
    else:
        last = graph.integer("last_index", -1)
        graph.add("Gather", stage.name, last, axis=_time_axis(graph))
    graph.value = as_row(graph.value)


@write.register
def _last_hidden(stage: LastHidden, graph: Graph, around: Around) -> None:
    final = graph.value.finals.get((stage.state, stage.layer), "")
    every_step = graph.value.layers.get(stage.layer, graph.value.name)
    graph.value = replace(graph.value, name=final or every_step)
    if not final:  # rows have lengths, and each row's own step of h is gathered
        _batch_first(stage, graph)
        picked = graph.pick_last(stage.name, graph.value.name, FINAL_STEP)
        graph.value = replace(graph.value, name=picked)
    elif graph.value.is_bidirectional:
        # (batch, directions, size)
        graph.add("Transpose", f"{stage.name}/transposed", perm=[1, 0, 2])
        # (batch, directions * size)
        graph.add("Reshape", stage.name, graph.integers("state_shape", 0, -1))
    else:
        # Not the Squeeze of a LastStep, which gives the same: a reader tells the two apart by it.
        graph.add("Gather", stage.name, graph.integer("first_index", 0), axis=0)
    graph.value = as_row(graph.value)


@write.register
def _pool(stage: Pool, graph: Graph, around: Around) -> None:
    if stage.name in graph.carried:
        write_carried_pool(stage, graph)
    elif stage.mode == "first":
        first = graph.integer("first_index", 0)
        graph.add("Gather", stage.name, first, axis=_time_axis(graph))
    else:
        if graph.takes_lengths:
            _keep_what_counts(stage, graph)
        _pool_all(stage, graph)
    graph.value = as_row(graph.value)


_REDUCED = {"mean": "ReduceMean", "max": "ReduceMax", "sum": "ReduceSum"}


def _keep_what_counts(stage: Pool, graph: Graph) -> None:
    """What stands after a row's length becomes what changes no sum, or no maximum."""
    is_max = stage.mode == "max"
    nothing = graph.number("lowest", LOWEST) if is_max else graph.number("zero", 0.0)
    name = f"{stage.name}/counted"
    counts = graph.counts_time_first() if graph.value.is_time_first else graph.counts()
    counted = graph.node("Where", name, counts, graph.value.name, nothing)
    graph.value = replace(graph.value, name=counted)


def _pool_all(stage: Pool, graph: Graph) -> None:
    axis = _time_axis(graph)
    is_divided = stage.mode == "mean" and (graph.takes_lengths or stage.correction)
    if not is_divided:
        graph.reduce(_REDUCED[stage.mode], stage.name, axis)
        return
    graph.reduce("ReduceSum", f"{stage.name}/sum", axis)  # (batch, size)
    # (batch, 1) or ()
    divisor = graph.float_lengths() if graph.takes_lengths else graph.float_steps()
    if stage.correction:
        less = graph.number("one_float", 1.0)
        divisor = graph.node("Sub", f"{stage.name}/divisor", divisor, less)
    graph.add("Div", stage.name, divisor)


def _batch_first(stage: Stage, graph: Graph) -> None:
    if graph.value.is_time_first:
        graph.value = graph.turned(graph.value, f"{stage.name}/batch_first")


def _time_axis(graph: Graph) -> int:
    return 0 if graph.value.is_time_first else 1


@write.register
def _last_steps(stage: LastSteps, graph: Graph, around: Around) -> None:
    if graph.takes_lengths:
        _batch_first(stage, graph)
        picked = graph.pick_last_steps(stage.name, graph.value.name, stage.count)
        graph.value = replace(graph.value, name=picked, finals={}, layers={})
        return
    axis = _time_axis(graph)
    graph.add(
        "Slice",
        stage.name,
        graph.integers(f"{stage.name}.start", -stage.count),
        graph.integers("to_the_end", TO_THE_END),
        graph.integers(f"axis_{axis}", axis),
    )


@write.register
def _flatten(stage: Flatten, graph: Graph, around: Around) -> None:
    _batch_first(stage, graph)
    (taken,) = around.shapes
    # 0: the batch as it is
    shape = graph.integers(f"{stage.name}.shape", 0, taken.kept * taken.width)
    graph.add("Reshape", stage.name, shape)
    graph.value = as_row(graph.value)


@write.register
def _replace(stage: Replace, graph: Graph, around: Around) -> None:
    x = graph.value.name
    value = graph.number(f"{stage.name}.value", stage.value)
    by = graph.number(f"{stage.name}.by", stage.by)
    is_meant = graph.node("Equal", f"{stage.name}/equal", x, value)
    replaced = graph.node("Where", stage.name, is_meant, by, x)
    graph.value = replace(graph.value, name=replaced, finals={})


@write.register
def _rms_norm(stage: RMSNorm, graph: Graph, around: Around) -> None:
    x = graph.value
    graph.add("Mul", f"{stage.name}/squared", x.name)
    graph.reduce("ReduceMean", f"{stage.name}/mean", axis=-1, keepdims=1)
    graph.add("Add", f"{stage.name}/sum", graph.number(f"{stage.name}.eps", stage.eps))
    graph.add("Sqrt", f"{stage.name}/root")
    root = graph.value.name  # ([seq,] batch, 1)
    graph.value = x
    graph.add("Div", f"{stage.name}/quotient", root)
    ones = np.ones(1, np.float32)
    weight = ones if stage.weight is None else stage.weight
    name = "one_of_all" if stage.weight is None else f"{stage.name}.weight"
    graph.add("Mul", stage.name, graph.constant(name, weight))


@write.register
def _prelu(stage: PReLU, graph: Graph, around: Around) -> None:
    # As many axes as x has: some runtimes take a single axis for the second of x, not for the last.
    axes = 3 if graph.value.is_sequence else 2
    weight = stage.weight.reshape(*[1] * (axes - 1), -1)  # ([1,] 1, size)
    graph.add("PRelu", stage.name, graph.constant(f"{stage.name}.weight", weight))


@write.register
def _slice(stage: Slice, graph: Graph, around: Around) -> None:
    features = graph.integers(f"{stage.name}.features", *stage.features)
    last_axis = 2 if graph.value.is_sequence else 1
    graph.add("Gather", stage.name, features, axis=last_axis)


@write.register
def _linear(stage: Linear, graph: Graph, around: Around) -> None:
    bias = []
    if stage.bias is not None:
        bias.append(graph.constant(f"{stage.name}.bias", stage.bias))
    name = f"{stage.name}.weight"
    if not graph.value.is_sequence:  # Gemm takes matrices only
        weight = graph.constant(name, stage.weight)
        graph.add("Gemm", stage.name, weight, *bias, transB=1)
        return
    # weight (in_features, out_features)
    graph.add("MatMul", stage.name, graph.constant(name, stage.weight.T))
    if bias:
        graph.add("Add", f"{stage.name}/bias", *bias)


@write.register
def _affine(stage: Affine, graph: Graph, around: Around) -> None:
    offset = graph.constant(f"{stage.name}.offset", stage.offset)
    scale = graph.constant(f"{stage.name}.scale", stage.scale)
    if stage.inverse:
        graph.add("Mul", stage.name, scale)
        graph.add("Add", f"{stage.name}/add", offset)
    else:
        graph.add("Sub", stage.name, offset)
        graph.add("Div", f"{stage.name}/div", scale)


@write.register
def _layer_norm(stage: LayerNorm, graph: Graph, around: Around) -> None:
    if graph.opset < LAYER_NORM_OPSET:
        need = f"opset {LAYER_NORM_OPSET} for {stage.name} (LayerNorm)"
        raise UnsupportedModel(f"the onnx target needs {need}, got {graph.opset}")
    if stage.weight is None:
        weight = graph.constant(f"ones_{graph.value.width}", np.ones(graph.value.width, np.float32))
    else:
        weight = graph.constant(f"{stage.name}.weight", stage.weight)
    bias = ""
    if stage.bias is not None:
        bias = graph.constant(f"{stage.name}.bias", stage.bias)
    graph.add("LayerNormalization", stage.name, weight, bias, axis=-1, epsilon=stage.eps)


@write.register
def _clamp(stage: Clamp, graph: Graph, around: Around) -> None:
    low = "" if stage.low is None else graph.number(f"{stage.name}.low", stage.low)
    high = "" if stage.high is None else graph.number(f"{stage.name}.high", stage.high)
    graph.add("Clip", stage.name, low, high)


@write.register
def _activation(stage: Activation, graph: Graph, around: Around) -> None:
    x = graph.value.name
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
