"""The model in an ONNX graph, if the graph is one that the writer beside this file makes.

Independent of the writer on purpose: it rebuilds every stage from operators, attributes and initialisers, so that
an exported file proves by itself what it holds. Anything unexpected is refused, nothing is skipped.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from ...device.onnx_runner import CHAIN, SIGNATURE, WEIGHTS_SHA256
from ...errors import UnsupportedModel, require
from ...model import LSTM, Affine, Array, LastStep, Linear, Model, Signature, Stage
from ...model.gates import ONNX_GATES, PYTORCH_GATES, reorder_gates

if TYPE_CHECKING:
    from onnx import ModelProto


def from_bytes(data: bytes) -> Model:
    """Rebuild the model of a serialized ONNX file.

    Raises:
        UnsupportedModel: the file is no ONNX model, or not one that this package writes; the message says where.
    """
    onnx = require("onnx", "export", "reading ONNX")
    from google.protobuf.message import DecodeError

    try:
        proto = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise UnsupportedModel(f"this is no ONNX file: {error}") from error
    said = {entry.key: entry.value for entry in proto.metadata_props}
    if SIGNATURE not in said:
        raise UnsupportedModel(f"this ONNX file was not written by lstm-export: it has no {SIGNATURE}")
    signature = Signature.from_record(_json(said[SIGNATURE]))
    model = Model(_Walk(proto).stages(signature), signature, origin="stored")
    if _json(said.get(CHAIN, "null")) != model.chain_record() or said.get(WEIGHTS_SHA256) != model.weights_sha256:
        raise UnsupportedModel("the graph holds another model than the file's own metadata says")
    return model


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UnsupportedModel(f"the file's metadata is no JSON: {error}") from error


class _Walk:
    """A walk along the nodes, each of which must take what the one before gave, and otherwise only constants."""

    def __init__(self, proto: ModelProto) -> None:
        from onnx import numpy_helper

        graph = proto.graph
        if proto.functions or graph.sparse_initializer or any(entry.domain for entry in proto.opset_import):
            raise UnsupportedModel("the graph has functions, sparse weights or operators of another domain")
        if any(tensor.data_location for tensor in graph.initializer):
            raise UnsupportedModel("the weights lie in another file (external data); export again as one file")
        self._graph = graph
        self._constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self._unused = set(self._constants)
        self._nodes = list(graph.node)
        self._current = "x"
        self._is_sequence, self._is_time_first = True, False

    def stages(self, signature: Signature) -> tuple[Stage, ...]:
        """Every stage, having checked that nothing of the graph is left over."""
        readers = {"LSTM": self._lstm, "Transpose": self._lstm, "Gather": self._gather, "Gemm": self._gemm}
        readers |= {"MatMul": self._matmul, "Sub": self._scale, "Mul": self._unscale}
        found: list[Stage] = []
        while self._nodes and not self._is_final_transpose():
            op = self._nodes[0].op_type
            if op not in readers:
                raise UnsupportedModel(f"node {self._nodes[0].name!r} is {op}, which lstm-export does not write there")
            found += readers[op]()
        if self._nodes:
            self._take("Transpose", perm=[1, 0, 2])
        self._check_ends(signature)
        return tuple(found)

    def _is_final_transpose(self) -> bool:
        return len(self._nodes) == 1 and self._is_sequence and self._nodes[0].op_type == "Transpose"

    def _take(self, op: str, **attributes: Any) -> list[Array]:
        """Step over the next node, which must be just this, and return its constants."""
        from onnx.helper import get_attribute_value

        node = self._nodes.pop(0) if self._nodes else None
        if node is None or node.op_type != op or node.domain:
            raise UnsupportedModel(f"expected {op} after {self._current!r}, got {node.op_type if node else 'the end'}")
        got = {attribute.name: get_attribute_value(attribute) for attribute in node.attribute}
        if got != attributes:
            raise UnsupportedModel(f"{op} {node.name!r} has attributes {got}, expected {attributes}")
        feeds, *names = node.input
        if feeds != self._current or not set(names) <= set(self._constants):
            raise UnsupportedModel(f"{op} {node.name!r} takes {list(node.input)}, expected {self._current!r} first")
        self._current = node.output[-1]
        self._unused -= set(names)
        return [self._constants[name] for name in names]

    def _lstm(self) -> list[Stage]:
        if not self._is_time_first:
            self._take("Transpose", perm=[1, 0, 2])
            self._is_time_first = True
        name = self._nodes[0].name.rpartition("/")[0] if self._nodes else ""
        weights: dict[str, Array] = {}
        for k in range(len(self._nodes)):
            if not self._nodes or self._nodes[0].name != f"{name}/l{k}":
                break
            outputs = self._nodes[0].output
            weights |= _weights(k, *self._take("LSTM", hidden_size=self._hidden_size()))
            if len(outputs) > 1:
                return [LSTM(name, weights), self._last_of_state(list(outputs))]
            self._expect_axis(1, self._take("Squeeze"))
        if not weights:
            raise UnsupportedModel(f"after {self._current!r} expected an LSTM node named NAME/l0")
        return [LSTM(name, weights)]

    def _hidden_size(self) -> int:
        """What the recurrent weights of the next node say, since the attribute must agree with them."""
        names = self._nodes[0].input
        recurrent = self._constants.get(names[2]) if len(names) > 2 else None
        return 0 if recurrent is None else int(recurrent.shape[-1])

    def _last_of_state(self, outputs: list[str]) -> Stage:
        if len(outputs) != 2 or outputs[0]:
            raise UnsupportedModel(f"LSTM outputs {outputs}, expected Y alone or Y_h alone")
        name = self._nodes[0].name if self._nodes else ""
        self._expect_axis(0, self._take("Squeeze"))
        self._is_sequence = False
        return LastStep(name)

    def _expect_axis(self, axis: int, constants: list[Array]) -> None:
        if len(constants) != 1 or constants[0].tolist() != [axis]:
            raise UnsupportedModel(f"Squeeze before {self._current!r} must drop axis {axis}")

    def _gather(self) -> list[Stage]:
        name = self._nodes[0].name
        (index,) = self._take("Gather", axis=0)
        if index.tolist() != -1 or not self._is_time_first:
            raise UnsupportedModel(f"Gather {name!r} picks step {index.tolist()}, expected the last")
        self._is_sequence = False
        return [LastStep(name)]

    def _gemm(self) -> list[Stage]:
        name = self._nodes[0].name
        return [Linear(name, *self._take("Gemm", transB=1))]

    def _matmul(self) -> list[Stage]:
        name = self._nodes[0].name
        (weight,) = self._take("MatMul")
        has_bias = bool(self._nodes) and self._nodes[0].name == f"{name}/bias"
        return [Linear(name, weight.T, *(self._take("Add") if has_bias else ()))]

    def _scale(self) -> list[Stage]:
        name = self._nodes[0].name
        (offset,), (scale,) = self._take("Sub"), self._take("Div")
        return [Affine(name, offset, scale)]

    def _unscale(self) -> list[Stage]:
        name = self._nodes[0].name
        (scale,), (offset,) = self._take("Mul"), self._take("Add")
        return [Affine(name, offset, scale, inverse=True)]

    def _check_ends(self, signature: Signature) -> None:
        """The declared input and output: float32, batch and sequence symbolic, the sizes of the signature."""
        if self._unused or self._current != "y":
            raise UnsupportedModel(f"the graph ends in {self._current!r} with {sorted(self._unused)} unused")
        y_axes = ["batch", "seq", signature.output_size] if self._is_sequence else ["batch", signature.output_size]
        expected = [("x", 1, ["batch", "seq", signature.input_size]), ("y", 1, y_axes)]
        got = [_declared(value) for value in (*self._graph.input, *self._graph.output)]
        if got != expected:
            raise UnsupportedModel(f"the graph declares {got}, expected {expected} (name, float32 = 1, axes)")


def _declared(value: Any) -> tuple[str, int, list[str | int]]:
    tensor = value.type.tensor_type
    return value.name, tensor.elem_type, [axis.dim_param or axis.dim_value for axis in tensor.shape.dim]


def _weights(k: int, *operands: Array) -> dict[str, Array]:
    """W, R and B of the LSTM operator as layer k of a state_dict."""
    weight_ih, weight_hh, *biases = (operand[0] for operand in operands)
    parts = {"weight_ih": weight_ih, "weight_hh": weight_hh}
    if len(biases) > 1:
        raise UnsupportedModel("an LSTM node has more inputs than X, W, R and B")
    if biases:
        parts["bias_ih"], parts["bias_hh"] = np.split(biases[0], 2)
    return {f"{name}_l{k}": reorder_gates(array, ONNX_GATES, PYTORCH_GATES) for name, array in parts.items()}
