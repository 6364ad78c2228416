"""A model as an ONNX graph. Operators and attributes: https://onnx.ai/onnx/operators/onnx__LSTM.html.

Inside the graph a sequence runs time first, `(seq, batch, size)`, as the LSTM operator wants it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import singledispatch
from math import pi, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from ...device.onnx_metadata import (
    CHAIN,
    FINAL,
    LENGTHS,
    SIGNATURE,
    STATE,
    TAKES_LENGTHS,
    VERSION,
    WEIGHTS_SHA256,
)
from ...errors import UnsupportedModel, require
from ...model import (
    GRU,
    Activation,
    Affine,
    Array,
    Cell,
    LastHidden,
    LastStep,
    LayerNorm,
    Linear,
    Model,
    Recurrent,
    Skip,
    Stage,
    StateTensor,
    state_layout,
)
from ...model.gates import ONNX_GATES, ONNX_GRU_GATES, reorder_gates
from ...model.lowering import lower_projections
from ...model.state import state_names
from ...version import __version__
from .graph import SWAP_BATCH_AND_TIME, Graph

if TYPE_CHECKING:
    from onnx import ModelProto

# IR 8 is the newest that ONNX Runtime 1.15 reads; a newer opset may force a newer IR.
LOWEST_IR = 8
LAYER_NORM_OPSET = 17  # the first with LayerNormalization


def newest_opset() -> int:
    """The newest opset of the installed onnx package."""
    return int(require("onnx.defs", "export", "writing ONNX").onnx_opset_version())


def to_bytes(model: Model, opset: int, *, stateful: bool = False, lengths: bool = False) -> bytes:
    """The serialized ONNX model, without projections: the same bytes for the same model, opset and versions.

    With `lengths` it takes int32 `lengths (batch,)` beside x, the steps of each row that count; behind them every
    step's answer is 0.
    A stateful one takes the state that `state_layout` lists beside x, and gives it back behind y, as `h_n` for `h`.
    """
    onnx = require("onnx", "export", "writing ONNX")
    helper, signature = onnx.helper, model.signature
    if stateful:
        _refuse_bidirectional(model)
    model = lower_projections(model)
    graph = Graph(opset, signature.input_size, state_names(model) if stateful else None, lengths)
    for index, stage in enumerate(model.stages):
        _write(stage, graph, model.stages[index + 1] if index + 1 < len(model.stages) else None)
        graph.width = stage.output_size(graph.width)
        if index == 0 and isinstance(stage, Affine):
            graph.source = graph.current
    if graph.is_sequence:
        graph.swap_batch_and_time("batch_first")
        if lengths:
            graph.clear_padding("padding_cleared")
    y_shape: list[str | int] = (
        ["batch", "seq", signature.output_size]
        if graph.is_sequence
        else ["batch", signature.output_size]
    )
    layout = state_layout(model) if stateful else ()
    inputs = _declared(("x", ["batch", "seq", signature.input_size]), *_state_shapes(layout))
    if lengths:
        inputs.append(helper.make_tensor_value_info(LENGTHS, onnx.TensorProto.INT32, ["batch"]))
    outputs = _declared(("y", y_shape), *_state_shapes(layout, FINAL))
    opsets = [helper.make_opsetid("", opset)]
    proto: ModelProto = helper.make_model(
        helper.make_graph(graph.nodes_to("y"), "lstm_export", inputs, outputs, graph.initializers),
        opset_imports=opsets,
        ir_version=max(LOWEST_IR, helper.find_min_ir_version_for(opsets)),
        producer_name="lstm-export",
        producer_version=__version__,
    )
    helper.set_model_props(
        proto, metadata(model, lengths) | (state_metadata(model) if stateful else {})
    )
    return bytes(proto.SerializeToString(deterministic=True))


def _refuse_bidirectional(model: Model) -> None:
    for stage in model.recurrent:
        if stage.bidirectional:
            raise UnsupportedModel(
                f"the onnx-stream target cannot express {stage.name}: it is bidirectional, and reads a sequence from "
                "its end too, which a stream does not have; use the onnx target on windows"
            )


def metadata(model: Model, lengths: bool = False) -> dict[str, str]:
    """What the file says of itself beside its graph."""
    return {
        CHAIN: json.dumps(model.chain_record(), sort_keys=True),
        SIGNATURE: json.dumps(model.signature.to_record(), sort_keys=True),
        VERSION: __version__,
        WEIGHTS_SHA256: model.weights_sha256,
        **({TAKES_LENGTHS: LENGTHS} if lengths else {}),
    }


def state_metadata(model: Model) -> dict[str, str]:
    """What a file that carries state says of it: name, num_layers, size, and the learned initial state or null."""
    learned = [
        stage.weights.get(f"{state}0") for stage in model.recurrent for state in stage.states
    ]
    entries = [
        {**tensor._asdict(), "initial": None if initial is None else initial.astype(float).tolist()}
        for tensor, initial in zip(state_layout(model), learned, strict=True)
    ]
    return {STATE: json.dumps(entries, sort_keys=True)}


def _state_shapes(
    layout: tuple[StateTensor, ...], suffix: str = ""
) -> list[tuple[str, list[str | int]]]:
    return [(tensor.name + suffix, [tensor.num_layers, "batch", tensor.size]) for tensor in layout]


def _declared(*values: tuple[str, Sequence[str | int]]) -> list[Any]:
    """Inputs or outputs of a graph, all float32."""
    onnx = require("onnx", "export", "writing ONNX")
    return [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in values
    ]


@singledispatch
def _write(stage: Stage, graph: Graph, following: Stage | None) -> None:
    raise UnsupportedModel(f"the onnx target cannot express {stage.name} ({stage.kind})")


@_write.register
def _recurrent(stage: Recurrent, graph: Graph, following: Stage | None) -> None:
    if not graph.is_time_first:
        graph.swap_batch_and_time("time_first")
    names = graph.states.get(stage.name, {})
    states = {state: graph.split(name, stage.num_layers) for state, name in names.items()}
    for k, cells in enumerate(stage.layers()):
        is_last = k == stage.num_layers - 1
        # Of one direction, the last step is the final state; of two it is not, see LastHidden.
        picks = isinstance(following, LastHidden) or (
            isinstance(following, LastStep) and len(cells) == 1
        )
        given = {state: layers[k] for state, layers in states.items()}
        _layer(stage, cells, f"{stage.name}/l{k}", graph, given, picks_state=is_last and picks)
    if stage.num_layers > 1:
        for state, name in names.items():
            layers = [f"{stage.name}/l{k}/Y_{state}" for k in range(stage.num_layers)]
            graph.node("Concat", name + FINAL, *layers, axis=0)


def _layer(  # noqa: PLR0913, PLR0917 - what one node is made of
    stage: Recurrent,
    cells: tuple[Cell, ...],
    node: str,
    graph: Graph,
    given: Mapping[str, str],
    picks_state: bool,
) -> None:
    """One node: Y is `(seq, directions, batch, hidden_size)`, Y_h, the final state, `(directions, batch, ...)`.

    In a graph that carries state, `given` are the values that it starts from, and all of its final state is an output.
    """
    operands = {
        key: graph.constant(f"{node}/{key}", array)
        for key, array in _operands(stage, cells).items()
    }
    initial = list(given.values()) or [
        _initial(stage, cells, state, node, graph) for state in stage.states
    ]
    inputs = [
        operands["W"],
        operands["R"],
        operands.get("B", ""),
        LENGTHS if graph.takes_lengths else "",
        *initial,
    ]
    attributes: dict[str, Any] = {"hidden_size": stage.hidden_size}
    attributes |= {"direction": "bidirectional"} if len(cells) > 1 else {}
    attributes |= {"linear_before_reset": 1} if isinstance(stage, GRU) else {}
    final = [_final(stage, state, node, graph) for state in (given or ("h",) * picks_state)]
    outputs = ("" if picks_state else f"{node}/Y", *final)
    graph.node(stage.kind, node, graph.current, *inputs, outputs=outputs, **attributes)
    graph.current, graph.is_state = outputs[picks_state], picks_state
    graph.is_bidirectional = len(cells) > 1
    if picks_state:
        return  # the read-out that follows takes it from here
    if len(cells) == 1:
        graph.squeeze(f"{node}/steps", axis=1)
    else:
        graph.add("Transpose", f"{node}/transposed", perm=[0, 2, 1, 3])
        graph.add(
            "Reshape", f"{node}/steps", graph.integers("steps_shape", 0, 0, -1)
        )  # 0 keeps an axis


def _final(stage: Recurrent, state: str, node: str, graph: Graph) -> str:
    """The name of a node's final state: an output of the graph itself where there is but one layer."""
    names = graph.states.get(stage.name, {})
    return names[state] + FINAL if names and stage.num_layers == 1 else f"{node}/Y_{state}"


def _initial(stage: Recurrent, cells: tuple[Cell, ...], state: str, node: str, graph: Graph) -> str:
    """The learned initial state of a layer for every row, or no input where there is none."""
    if f"{state}0" not in stage.weights:
        return ""
    learned = np.stack(
        [cell.h0 if state == "h" else cell.c0 for cell in cells]
    )  # (directions, hidden_size)
    return graph.for_every_row(f"{node}/initial_{state}", learned)


def _operands(stage: Recurrent, cells: tuple[Cell, ...]) -> dict[str, Array]:
    """W, R and B of a recurrent operator, the directions stacked on a leading axis."""
    order = ONNX_GRU_GATES if isinstance(stage, GRU) else ONNX_GATES

    def stacked(*names: str) -> Array:
        arrays = (
            [reorder_gates(getattr(cell, name), stage.gates, order) for name in names]
            for cell in cells
        )
        return np.stack([np.concatenate(parts) for parts in arrays])

    operands = {"W": stacked("weight_ih"), "R": stacked("weight_hh")}
    return operands | ({"B": stacked("bias_ih", "bias_hh")} if stage.bias else {})


@_write.register
def _last_step(stage: LastStep, graph: Graph, following: Stage | None) -> None:
    if graph.is_state:
        graph.squeeze(stage.name, axis=0)
    elif graph.takes_lengths:
        graph.swap_batch_and_time(f"{stage.name}/batch_first")
        graph.current = graph.pick_last(stage.name, graph.current)
    else:
        graph.add(
            "Gather", stage.name, graph.constant("last_index", np.array(-1, np.int64)), axis=0
        )
    graph.is_sequence = False


@_write.register
def _last_hidden(stage: LastHidden, graph: Graph, following: Stage | None) -> None:
    if graph.is_bidirectional:
        graph.add("Transpose", f"{stage.name}/transposed", perm=[1, 0, 2])
        graph.add("Reshape", stage.name, graph.integers("state_shape", 0, -1))
    else:
        graph.add(
            "Gather", stage.name, graph.constant("first_index", np.array(0, np.int64)), axis=0
        )
    graph.is_sequence = False


@_write.register
def _linear(stage: Linear, graph: Graph, following: Stage | None) -> None:
    bias = [] if stage.bias is None else [graph.constant(f"{stage.name}.bias", stage.bias)]
    if graph.is_sequence:  # Gemm takes matrices only
        graph.add("MatMul", stage.name, graph.constant(f"{stage.name}.weight", stage.weight.T))
        if bias:
            graph.add("Add", f"{stage.name}/bias", *bias)
    else:
        graph.add(
            "Gemm",
            stage.name,
            graph.constant(f"{stage.name}.weight", stage.weight),
            *bias,
            transB=1,
        )


@_write.register
def _affine(stage: Affine, graph: Graph, following: Stage | None) -> None:
    offset = graph.constant(f"{stage.name}.offset", stage.offset)
    scale = graph.constant(f"{stage.name}.scale", stage.scale)
    if stage.inverse:
        graph.add("Mul", stage.name, scale)
        graph.add("Add", f"{stage.name}/add", offset)
    else:
        graph.add("Sub", stage.name, offset)
        graph.add("Div", f"{stage.name}/div", scale)


@_write.register
def _layer_norm(stage: LayerNorm, graph: Graph, following: Stage | None) -> None:
    if graph.opset < LAYER_NORM_OPSET:
        raise UnsupportedModel(
            f"the onnx target needs opset {LAYER_NORM_OPSET} for {stage.name} (LayerNorm), got {graph.opset}"
        )
    width = graph.width
    weight = (
        graph.constant(f"ones_{width}", np.ones(width, np.float32))
        if stage.weight is None
        else graph.constant(f"{stage.name}.weight", stage.weight)
    )
    bias = "" if stage.bias is None else graph.constant(f"{stage.name}.bias", stage.bias)
    graph.add("LayerNormalization", stage.name, weight, bias, axis=-1, epsilon=stage.eps)


@_write.register
def _skip(stage: Skip, graph: Graph, following: Stage | None) -> None:
    features = graph.integers(f"{stage.name}.features", *stage.features)
    added = graph.node("Gather", f"{stage.name}/features", graph.source, features, axis=2)
    if not graph.is_sequence and graph.takes_lengths:
        added = graph.pick_last(f"{stage.name}/last", added)
    elif not graph.is_sequence:
        last = graph.constant("last_index", np.array(-1, np.int64))
        added = graph.node("Gather", f"{stage.name}/last", added, last, axis=1)
    elif graph.is_time_first:
        added = graph.node("Transpose", f"{stage.name}/time_first", added, perm=SWAP_BATCH_AND_TIME)
    graph.add("Add", stage.name, added)


# One operator each; silu and gelu are made of several.
_OPERATORS = {
    "relu": "Relu",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
    "softplus": "Softplus",
    "elu": "Elu",
    "leaky_relu": "LeakyRelu",
}


@_write.register
def _activation(stage: Activation, graph: Graph, following: Stage | None) -> None:
    x, name = graph.current, stage.name
    if stage.function in _OPERATORS:
        attributes: dict[str, Any] = {} if stage.parameter is None else {"alpha": stage.parameter}
        graph.add(_OPERATORS[stage.function], name, **attributes)
    elif stage.function == "silu":
        graph.add("Sigmoid", f"{name}/sigmoid")
        graph.add("Mul", name, x)
    elif (
        stage.function == "gelu"
    ):  # x / 2 * (1 + erf(x / sqrt(2))); the operator Gelu came with opset 20
        graph.add("Div", f"{name}/div", graph.number("sqrt_2", sqrt(2)))
        graph.add("Erf", f"{name}/erf")
        _half_of_one_plus(x, name, graph)
    else:  # gelu_tanh: x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))
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
