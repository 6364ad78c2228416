"""A model as an ONNX graph. Operators and attributes: https://onnx.ai/onnx/operators/onnx__LSTM.html.

Inside the graph a sequence runs time first, `(seq, batch, size)`, as the LSTM operator wants it.
"""

from __future__ import annotations

import json
from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np

from ...device.onnx_runner import CHAIN, SIGNATURE, VERSION, WEIGHTS_SHA256
from ...errors import UnsupportedModel, require
from ...model import LSTM, Affine, Array, LastStep, Linear, Model, Stage
from ...model.gates import ONNX_GATES, PYTORCH_GATES, reorder_gates
from ...version import __version__

if TYPE_CHECKING:
    from onnx import ModelProto

# IR 8 is the newest that ONNX Runtime 1.15 reads; a newer opset may force a newer IR.
LOWEST_IR = 8
SWAP_BATCH_AND_TIME = [1, 0, 2]


def newest_opset() -> int:
    """The newest opset of the installed onnx package."""
    return int(require("onnx.defs", "export", "writing ONNX").onnx_opset_version())


def to_bytes(model: Model, opset: int) -> bytes:
    """The serialized ONNX model: the same bytes for the same model, opset and versions."""
    onnx = require("onnx", "export", "writing ONNX")
    helper, signature = onnx.helper, model.signature
    graph = Graph()
    for stage, following in zip(model.stages, (*model.stages[1:], None), strict=True):
        _write(stage, graph, following)
    if graph.is_sequence:
        graph.swap_batch_and_time("batch_first")
    y_shape = ["batch", "seq", signature.output_size] if graph.is_sequence else ["batch", signature.output_size]
    float32 = onnx.TensorProto.FLOAT
    x = helper.make_tensor_value_info("x", float32, ["batch", "seq", signature.input_size])
    y = helper.make_tensor_value_info("y", float32, y_shape)
    opsets = [helper.make_opsetid("", opset)]
    proto: ModelProto = helper.make_model(
        helper.make_graph(graph.nodes_to("y"), "lstm_export", [x], [y], graph.initializers),
        opset_imports=opsets,
        ir_version=max(LOWEST_IR, helper.find_min_ir_version_for(opsets)),
        producer_name="lstm-export",
        producer_version=__version__,
    )
    helper.set_model_props(proto, metadata(model))
    return bytes(proto.SerializeToString(deterministic=True))


def metadata(model: Model) -> dict[str, str]:
    """What the file says of itself beside its graph."""
    return {
        CHAIN: json.dumps(model.chain_record(), sort_keys=True),
        SIGNATURE: json.dumps(model.signature.to_record(), sort_keys=True),
        VERSION: __version__,
        WEIGHTS_SHA256: model.weights_sha256,
    }


class Graph:
    """Nodes in order, each fed by the one before, and the constants that they use."""

    def __init__(self) -> None:
        import onnx

        self._onnx = onnx
        self._nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.current = "x"  # name of the value that the next node takes
        self.is_sequence = True
        self.is_time_first = False

    def add(self, op: str, name: str, *constants: str, outputs: tuple[str, ...] = (), **attributes: Any) -> None:
        """Append a node that maps the current value; its last output becomes the current value."""
        outputs = outputs or (name,)
        inputs = [self.current, *constants]
        self._nodes.append(self._onnx.helper.make_node(op, inputs, outputs, name=name, **attributes))
        self.current = outputs[-1]

    def constant(self, name: str, array: Array) -> str:
        """Store an array once under `name` and return the name."""
        if all(known.name != name for known in self.initializers):
            self.initializers.append(self._onnx.numpy_helper.from_array(np.array(array, order="C"), name))
        return name

    def swap_batch_and_time(self, name: str) -> None:
        """Transpose between `(batch, seq, size)` and `(seq, batch, size)`."""
        self.add("Transpose", name, perm=SWAP_BATCH_AND_TIME)
        self.is_time_first = not self.is_time_first

    def squeeze(self, name: str, axis: int) -> None:
        """Drop an axis of length 1."""
        self.add("Squeeze", name, self.constant(f"axis_{axis}", np.array([axis], np.int64)))

    def nodes_to(self, output: str) -> list[Any]:
        """The nodes, the last one writing to `output`."""
        self._nodes[-1].output[-1] = output
        return self._nodes


@singledispatch
def _write(stage: Stage, graph: Graph, following: Stage | None) -> None:
    raise UnsupportedModel(f"the onnx target cannot express {stage.name} ({stage.kind})")


@_write.register
def _lstm(stage: LSTM, graph: Graph, following: Stage | None) -> None:
    if not graph.is_time_first:
        graph.swap_batch_and_time("time_first")
    for k in range(stage.num_layers):
        node = f"{stage.name}/l{k}"
        constants = [graph.constant(f"{node}/{key}", array) for key, array in _operands(stage, k).items()]
        picks_last = k == stage.num_layers - 1 and isinstance(following, LastStep)
        # Y is (seq, directions, batch, hidden_size); Y_h, the state after the last step, (directions, batch, ...).
        outputs = ("", f"{node}/Y_h") if picks_last else (f"{node}/Y",)
        graph.add("LSTM", node, *constants, outputs=outputs, hidden_size=stage.hidden_size)
        if not picks_last:
            graph.squeeze(f"{node}/steps", axis=1)


def _operands(stage: LSTM, k: int) -> dict[str, Array]:
    """W, R and B of the LSTM operator for layer k, with a leading axis for the one direction."""
    weight_ih, weight_hh, bias_ih, bias_hh = (
        reorder_gates(array, PYTORCH_GATES, ONNX_GATES) for array in stage.layer(k)
    )
    operands = {"W": weight_ih[None], "R": weight_hh[None]}
    return operands | ({"B": np.concatenate([bias_ih, bias_hh])[None]} if stage.bias else {})


@_write.register
def _last_step(stage: LastStep, graph: Graph, following: Stage | None) -> None:
    if graph.current.endswith("/Y_h"):
        graph.squeeze(stage.name, axis=0)
    else:
        graph.add("Gather", stage.name, graph.constant("last_index", np.array(-1, np.int64)), axis=0)
    graph.is_sequence = False


@_write.register
def _linear(stage: Linear, graph: Graph, following: Stage | None) -> None:
    bias = [] if stage.bias is None else [graph.constant(f"{stage.name}.bias", stage.bias)]
    if graph.is_sequence:  # Gemm takes matrices only
        graph.add("MatMul", stage.name, graph.constant(f"{stage.name}.weight", stage.weight.T))
        if bias:
            graph.add("Add", f"{stage.name}/bias", *bias)
    else:
        graph.add("Gemm", stage.name, graph.constant(f"{stage.name}.weight", stage.weight), *bias, transB=1)


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
