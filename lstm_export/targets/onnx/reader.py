"""The model in an ONNX graph, if the graph is one that the writer beside this file makes.

Independent of the writer on purpose: it rebuilds every stage from operators, attributes and
initialisers, so that an exported file proves by itself what it holds. Anything unexpected is
refused, nothing is skipped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ...device.onnx_metadata import (
    CHAIN,
    FINAL,
    LENGTHS,
    SIGNATURE,
    STATE,
    TAKES_LENGTHS,
    WEIGHTS_SHA256,
)
from ...device.onnx_state import CarriedTensor, carried_tensors
from ...errors import UnsupportedModel, require
from ...model import (
    Affine,
    Clamp,
    LastHidden,
    LastStep,
    LayerNorm,
    Linear,
    Model,
    Signature,
    Skip,
    Stage,
    state_layout,
)
from . import activation_reader
from .recurrent_reader import KINDS, Form, RecurrentReader
from .shared_nodes import SharedNodes
from .walk import CONSTANT, OPTIONAL, Walk

if TYPE_CHECKING:
    from onnx import ModelProto

# onnx.TensorProto.DataType
FLOAT = 1
INT32 = 6

# Name, type and axes of an input or output.
Declared = tuple[str, int, list[str | int]]


def from_bytes(data: bytes, *, stateful: bool = False) -> Model:
    """Rebuild the model of a serialized ONNX file; a stateful one takes a state and gives it back.

    Raises:
        UnsupportedModel: the file is no ONNX model, or not one that this package writes; the
            message says where.
    """
    onnx = require("onnx", "export", "reading ONNX")
    from google.protobuf.message import DecodeError

    try:
        proto = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise UnsupportedModel(f"this is no ONNX file: {error}") from error
    said = {entry.key: entry.value for entry in proto.metadata_props}
    if SIGNATURE not in said:
        reason = f"it has no {SIGNATURE}"
        raise UnsupportedModel(f"this ONNX file was not written by lstm-export: {reason}")
    signature = Signature.from_record(_json(said[SIGNATURE]))
    tensors = carried_tensors(said.get(STATE, "[]")) if stateful else ()
    takes_lengths = said.get(TAKES_LENGTHS) == LENGTHS
    stages = _Reader(proto, tensors, takes_lengths).stages(signature)
    model = Model(stages, signature, origin="stored")
    if stateful and tuple(carried.tensor for carried in tensors) != state_layout(model):
        raise UnsupportedModel("the graph carries another state than the file's own metadata says")
    is_chain = _json(said.get(CHAIN, "null")) == model.chain_record()
    if not is_chain or said.get(WEIGHTS_SHA256) != model.weights_sha256:
        raise UnsupportedModel("the graph holds another model than the file's own metadata says")
    return model


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UnsupportedModel(f"the file's metadata is no JSON: {error}") from error


class _Reader:
    """Stage after stage out of the walk along the nodes."""

    def __init__(
        self, proto: ModelProto, tensors: tuple[CarriedTensor, ...], takes_lengths: bool
    ) -> None:
        self._graph = proto.graph
        self._tensors = tensors
        self._takes_lengths = takes_lengths
        self._walk = Walk(proto)
        self._form = Form()
        self._shared = SharedNodes(self._walk)
        carried = iter(tensors) if tensors else None
        self._recurrent = RecurrentReader(
            self._walk, self._shared, self._form, carried, takes_lengths
        )
        self._source = "x"  # what a Skip adds features of

    def stages(self, signature: Signature) -> tuple[Stage, ...]:
        """Every stage, having checked that nothing of the graph is left over."""
        found: list[Stage] = []
        while self._walk.left and not self._is_final_transpose():
            found.append(self._stage())
            if len(found) == 1 and isinstance(found[0], Affine):
                self._source = self._walk.current
        if self._walk.left:
            self._walk.advance("Transpose", perm=[1, 0, 2])
            if self._takes_lengths:
                self._shared.cleared_padding()
        self._walk.check_end("y")
        self._check_ends(signature)
        return tuple(found)

    def _is_final_transpose(self) -> bool:
        is_last = self._walk.left == 1
        if self._takes_lengths:
            is_last = self._walk.name() == "batch_first"
        return is_last and self._form.is_sequence and self._walk.op() == "Transpose"

    def _stage(self) -> Stage:
        op = self._walk.op()
        if self._form.is_state:
            return self._read_out_of_state()
        if op in activation_reader.READERS:
            return activation_reader.READERS[op](self._walk)
        if op == "Transpose" and self._takes_lengths and self._form.is_time_first:
            return self._last_that_counts()
        if op in ("Transpose", "Shape", "Expand", "Split", *KINDS):
            return self._recurrent.read()
        readers: dict[str, Callable[[], Stage]] = {
            "Gather": self._gather,
            "Gemm": self._gemm,
            "MatMul": self._matmul,
            "Sub": self._scaler,
            "Mul": self._mul,
            "LayerNormalization": self._layer_norm,
            "Clip": self._clamp,
        }
        if op not in readers:
            fault = f"is {op}, which lstm-export does not write there"
            raise UnsupportedModel(f"node {self._walk.name()!r} {fault}")
        return readers[op]()

    def _read_out_of_state(self) -> Stage:
        """The read-out after Y_h `(directions, batch, hidden_size)`."""
        name = self._walk.name()
        self._form.is_sequence = False
        self._form.is_state = False
        if self._form.is_bidirectional:
            self._walk.advance("Transpose", perm=[1, 0, 2])
            name = self._walk.name()
            self._walk.integers("Reshape", 0, -1)
            return LastHidden(name)
        if self._walk.op() == "Squeeze":
            self._walk.integers("Squeeze", 0)
            return LastStep(name)
        self._walk.integers("Gather", 0, axis=0)
        return LastHidden(name)

    def _gather(self) -> Stage:
        """The last step, or features of the input that a Skip adds."""
        name = self._walk.name()
        if name.endswith("/features"):
            return self._skip(name.removesuffix("/features"))
        self._walk.integers("Gather", -1, axis=0)
        if not (self._form.is_time_first and self._form.is_sequence):
            raise UnsupportedModel(f"Gather {name!r} picks no time step")
        self._form.is_sequence = False
        return LastStep(name)

    def _last_that_counts(self) -> Stage:
        """The last step at each row's own length."""
        self._walk.advance("Transpose", perm=[1, 0, 2])
        name, self._walk.current = self._shared.picked_last(self._walk.current)
        self._form.is_sequence = False
        self._form.is_time_first = False
        return LastStep(name)

    def _skip(self, name: str) -> Stage:
        taken = self._walk.take("Gather", self._source, CONSTANT, axis=2)
        (features,) = taken.arrays()
        added = self._at_the_same_step(name, taken.outputs[0])
        self._walk.advance("Add", added)
        return Skip(name, tuple(int(index) for index in features.reshape(-1)))

    def _at_the_same_step(self, name: str, added: str) -> str:
        """What is added, `(batch, seq, size)`, in the form of the current value."""
        if self._form.is_sequence and self._form.is_time_first:
            return self._walk.take("Transpose", added, perm=[1, 0, 2]).outputs[0]
        if self._form.is_sequence:
            return added
        if self._takes_lengths:
            _, picked = self._shared.picked_last(added)
            return picked
        taken = self._walk.take("Gather", added, CONSTANT, axis=1)
        (step,) = taken.arrays()
        if step.tolist() != -1:
            got = f"{name!r} adds step {step.tolist()} of the input"
            raise UnsupportedModel(f"{got}, expected the last")
        return taken.outputs[0]

    def _gemm(self) -> Stage:
        name = self._walk.name()
        weight_and_bias = self._walk.advance("Gemm", CONSTANT, OPTIONAL, transB=1).arrays()
        return Linear(name, *weight_and_bias)

    def _matmul(self) -> Stage:
        name = self._walk.name()
        (weight,) = self._walk.advance("MatMul", CONSTANT).arrays()
        bias = None
        if self._walk.name() == f"{name}/bias":
            (bias,) = self._walk.advance("Add", CONSTANT).arrays()
        return Linear(name, weight.T, bias)

    def _scaler(self) -> Stage:
        name = self._walk.name()
        (offset,) = self._walk.advance("Sub", CONSTANT).arrays()
        (scale,) = self._walk.advance("Div", CONSTANT).arrays()
        return Affine(name, offset, scale)

    def _mul(self) -> Stage:
        """An inverse scaler, or the first of gelu_tanh's nodes."""
        if activation_reader.is_gelu_tanh(self._walk):
            return activation_reader.gelu_tanh(self._walk)
        name = self._walk.name()
        (scale,) = self._walk.advance("Mul", CONSTANT).arrays()
        (offset,) = self._walk.advance("Add", CONSTANT).arrays()
        return Affine(name, offset, scale, inverse=True)

    def _clamp(self) -> Stage:
        name = self._walk.name()
        bounds = self._walk.advance("Clip", OPTIONAL, OPTIONAL).constants
        low, high = (None if bound is None else float(bound) for bound in (*bounds, None, None)[:2])
        return Clamp(name, low, high)

    def _layer_norm(self) -> Stage:
        name = self._walk.name()
        eps = self._walk.attribute("epsilon")
        ones = self._walk.constant(1)
        is_plain = ones is not None and self._walk.is_input_named(1, f"ones_{ones.size}")
        taken = self._walk.advance("LayerNormalization", CONSTANT, OPTIONAL, axis=-1, epsilon=eps)
        weight, bias = taken.constants
        if not is_plain:
            return LayerNorm(name, weight, bias, eps)
        if weight is None or (weight != 1).any():
            raise UnsupportedModel(f"{name!r} has a weight that is not 1")
        return LayerNorm(name, None, bias, eps)

    def _check_ends(self, signature: Signature) -> None:
        """The declared inputs and outputs: symbolic batch and sequence, the signature's sizes."""
        steps: list[str | int] = ["seq"] if self._form.is_sequence else []
        x: Declared = ("x", FLOAT, ["batch", "seq", signature.input_size])
        y: Declared = ("y", FLOAT, ["batch", *steps, signature.output_size])
        expected = [x, *(carried.declared("") for carried in self._tensors)]
        if self._takes_lengths:
            expected.append((LENGTHS, INT32, ["batch"]))
        expected += [y, *(carried.declared(FINAL) for carried in self._tensors)]
        got = _declared([*self._graph.input, *self._graph.output])
        if got != expected:
            said = f"the graph declares {got}, expected {expected}"
            raise UnsupportedModel(f"{said} (name, float32 = 1, axes)")


def _declared(values: Sequence[Any]) -> list[Declared]:
    """Inputs and outputs as the graph declares them."""
    found: list[Declared] = []
    for value in values:
        tensor = value.type.tensor_type
        axes = [axis.dim_param or axis.dim_value for axis in tensor.shape.dim]
        found.append((value.name, tensor.elem_type, axes))
    return found
