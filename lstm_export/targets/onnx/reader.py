"""The model in an ONNX graph, if the graph is one that the writer beside this file makes.

Independent of the writer on purpose: it rebuilds every stage from operators, attributes and initialisers, so that
an exported file proves by itself what it holds. Anything unexpected is refused, nothing is skipped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
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
    WEIGHTS_SHA256,
)
from ...device.onnx_state import CarriedTensor, carried_tensors
from ...errors import UnsupportedModel, require
from ...model import (
    GRU,
    LSTM,
    Activation,
    Affine,
    Array,
    LastHidden,
    LastStep,
    LayerNorm,
    Linear,
    Model,
    Recurrent,
    Signature,
    Skip,
    Stage,
    state_layout,
)
from ...model.gates import ONNX_GATES, ONNX_GRU_GATES, reorder_gates
from .graph import SPLIT_COUNTS_OPSET
from .walk import CONSTANT, OPTIONAL, Taken, Walk, check_number

if TYPE_CHECKING:
    from onnx import ModelProto

INT32, INT64 = 6, 7  # onnx.TensorProto.DataType
_KINDS: Mapping[str, type[Recurrent]] = {"LSTM": LSTM, "GRU": GRU}
_FUNCTIONS = {
    "Relu": "relu",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Elu": "elu",
    "LeakyRelu": "leaky_relu",
}


def from_bytes(data: bytes, *, stateful: bool = False) -> Model:
    """Rebuild the model of a serialized ONNX file, be it one that takes a state and gives it back.

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
        raise UnsupportedModel(
            f"this ONNX file was not written by lstm-export: it has no {SIGNATURE}"
        )
    signature = Signature.from_record(_json(said[SIGNATURE]))
    tensors = carried_tensors(said.get(STATE, "[]")) if stateful else ()
    lengths = said.get(TAKES_LENGTHS) == LENGTHS
    model = Model(_Reader(proto, tensors, lengths).stages(signature), signature, origin="stored")
    if stateful and tuple(one.tensor for one in tensors) != state_layout(model):
        raise UnsupportedModel("the graph carries another state than the file's own metadata says")
    if (
        _json(said.get(CHAIN, "null")) != model.chain_record()
        or said.get(WEIGHTS_SHA256) != model.weights_sha256
    ):
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
        self._tensors, self._carried = tensors, iter(tensors)
        self._walk = Walk(proto)
        self._source = "x"
        self._is_sequence, self._is_time_first = True, False
        self._is_bidirectional = self._has_shape = self._is_state = False
        self._takes_lengths, self._has_last, self._has_wide = takes_lengths, False, False

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
                self._cleared_padding()
        self._walk.check_end("y")
        self._check_ends(signature)
        return tuple(found)

    def _is_final_transpose(self) -> bool:
        is_last = (
            self._walk.name() == "batch_first" if self._takes_lengths else self._walk.left == 1
        )
        return is_last and self._is_sequence and self._walk.op() == "Transpose"

    def _stage(self) -> Stage:
        op = self._walk.op()
        if self._is_state:
            return self._state(op)
        if op in _FUNCTIONS:
            return self._function(op)
        if self._takes_lengths and self._is_time_first and op == "Transpose":
            return self._last_that_counts()
        readers: dict[str, Callable[[], Stage]] = {
            **dict.fromkeys(("Transpose", "Shape", "Expand", "Split", *_KINDS), self._recurrent),
            **{
                "Gather": self._gather,
                "Gemm": self._gemm,
                "MatMul": self._matmul,
                "Sub": self._scale,
            },
            **{
                "LayerNormalization": self._layer_norm,
                "Sigmoid": self._sigmoid,
                "Div": self._gelu,
                "Mul": self._mul,
            },
        }
        if op not in readers:
            raise UnsupportedModel(
                f"node {self._walk.name()!r} is {op}, which lstm-export does not write there"
            )
        return readers[op]()

    def _recurrent(self) -> Stage:
        """All layers of one stage."""
        if not self._is_time_first:
            self._walk.advance("Transpose", perm=[1, 0, 2])
            self._is_time_first = True
        carried = self._carried_states()
        name, weights, kind = "", dict[str, Array](), LSTM.kind
        states: dict[str, list[Array]] = {}
        for k in range(self._walk.left):
            learned = self._initial_states()
            node = self._walk.name()
            if k == 0:
                name, kind = node.rpartition("/")[0], self._walk.op()
            for state, (_, array) in learned.items():
                states.setdefault(state, []).append(array)
            initial = {state: value for state, (value, _) in learned.items()}
            if carried:
                initial = {state: one.layer(k) for state, one in carried.items()}
            weights |= self._layer(k, kind, f"{name}/l{k}", initial, carried)
            if self._is_state or self._layer_name() != f"{name}/l{k + 1}":
                break
        stacked = {f"{state}0": np.concatenate(arrays) for state, arrays in states.items()}
        return _KINDS[kind](name, weights | stacked | self._given_back(name, carried))

    def _carried_states(self) -> dict[str, CarriedTensor]:
        """The states that a stage of this graph takes, split into its layers; none in a graph that carries none."""
        found: dict[str, CarriedTensor] = {}
        for state in ("h", "c") if self._tensors else ():
            if state == "c" and not self._takes_a_cell():
                break
            one = next(self._carried, None)
            if one is None:
                raise UnsupportedModel(
                    f"{self._walk.name()!r} carries a state that the file's metadata does not name"
                )
            found[state] = one
            if one.tensor.num_layers > 1:
                parts = (
                    {"num_outputs": one.tensor.num_layers}
                    if self._walk.opset >= SPLIT_COUNTS_OPSET
                    else {}
                )
                taken = self._walk.take("Split", one.tensor.name, axis=0, **parts)
                if taken.outputs != tuple(map(one.layer, range(one.tensor.num_layers))):
                    raise UnsupportedModel(f"{one.tensor.name} is split into {taken.outputs}")
        return found

    def _takes_a_cell(self) -> bool:
        """Whether the recurrent node that comes next is an LSTM; before it may stand the Split of its c."""
        return LSTM.kind in (self._walk.op(), self._walk.op(1))

    def _given_back(self, name: str, carried: Mapping[str, CarriedTensor]) -> dict[str, Array]:
        """Step over what joins the layers' final states; the learned initial ones, which only the metadata holds."""
        for state, one in carried.items():
            if one.tensor.num_layers > 1:
                layers = [f"{name}/l{k}/Y_{state}" for k in range(one.tensor.num_layers)]
                (output,) = self._walk.take("Concat", *layers, axis=0).outputs
                if output != one.tensor.name + FINAL:
                    raise UnsupportedModel(
                        f"the final {one.tensor.name} is given back as {output!r}"
                    )
        return {
            f"{state}0": one.initial for state, one in carried.items() if one.initial is not None
        }

    def _layer_name(self) -> str:
        """The layer that the next nodes belong to, be they its initial states or itself."""
        return (
            self._walk.name()
            .removesuffix("/rows")
            .removesuffix("/initial_h")
            .removesuffix("/initial_c")
        )

    def _initial_states(self) -> dict[str, tuple[str, Array]]:
        """Learned initial states, repeated for every row: the value, and the array `(directions, size)`."""
        if self._walk.op() == "Shape" and not self._has_shape:
            self._shape_of_x()
            (first,) = self._walk.take("Gather", "x/shape", CONSTANT, axis=0).arrays()
            ones = self._walk.take("Concat", CONSTANT, "x/batch", CONSTANT, axis=0).arrays()
            if [first.tolist(), *(one.tolist() for one in ones)] != [[0], [1], [1]]:
                raise UnsupportedModel("an initial state is not repeated once a row")
        found = {}
        while self._walk.op() == "Expand":
            state = self._walk.name().removesuffix("/rows")[-1]
            (array,), (value,) = self._walk.take("Expand", CONSTANT, "x/for_every_row")
            if array is None or array.ndim != 3 or array.shape[1] != 1 or state in found:
                raise UnsupportedModel(f"{value!r} is no initial state of a layer")
            found[state] = (value, array[:, 0])
        return found

    def _layer(
        self,
        k: int,
        kind: str,
        node: str,
        initial: Mapping[str, str],
        carried: Mapping[str, CarriedTensor],
    ) -> dict[str, Array]:
        """One recurrent node and what brings its output into shape; the weights of layer k."""
        if kind not in _KINDS or self._walk.name() != node or self._walk.op() != kind:
            raise UnsupportedModel(
                f"after {self._walk.current!r} expected the node {node!r}, got {self._walk.name()!r}"
            )
        recurrent = self._walk.constant(2)  # (directions, gates * hidden_size, hidden_size)
        directions, _, hidden_size = (
            (0, 0, 0) if recurrent is None or recurrent.ndim != 3 else recurrent.shape
        )
        attributes: dict[str, Any] = {"hidden_size": hidden_size}
        attributes |= {"direction": b"bidirectional"} if directions == 2 else {}
        attributes |= {"linear_before_reset": 1} if kind == GRU.kind else {}
        states = [initial.get(state, "") for state in _KINDS[kind].states]
        taken = self._walk.advance(
            kind,
            CONSTANT,
            CONSTANT,
            OPTIONAL,
            LENGTHS if self._takes_lengths else "",
            *states,
            **attributes,
        )
        self._is_bidirectional, self._is_state = directions == 2, not taken.outputs[0]
        final = [one.final(f"{node}/Y_{state}") for state, one in carried.items()]
        if not carried and self._is_state:
            final = [f"{node}/Y_h"]
        if taken.outputs != ("" if self._is_state else taken.outputs[0], *final):
            raise UnsupportedModel(
                f"{node} has the outputs {taken.outputs}, expected {final or ['Y']}"
            )
        self._walk.current = taken.outputs[self._is_state]
        if not self._is_state:
            self._join(node)
        return _weights(k, kind, directions, *taken.arrays())

    def _join(self, node: str) -> None:
        """Y `(seq, directions, batch, hidden_size)` to `(seq, batch, directions * hidden_size)`."""
        if self._is_bidirectional:
            self._walk.advance("Transpose", perm=[0, 2, 1, 3])
            self._walk.integers("Reshape", 0, 0, -1)
        else:
            self._walk.integers("Squeeze", 1)

    def _state(self, op: str) -> Stage:
        """The read-out behind Y_h `(directions, batch, hidden_size)`."""
        name, self._is_sequence, self._is_state = self._walk.name(), False, False
        if op == "Squeeze" and not self._is_bidirectional:
            self._walk.integers("Squeeze", 0)
            return LastStep(name)
        if self._is_bidirectional:
            self._walk.advance("Transpose", perm=[1, 0, 2])
            name = self._walk.name()
            self._walk.integers("Reshape", 0, -1)
        else:
            self._walk.integers("Gather", 0, axis=0)
        return LastHidden(name)

    def _gather(self) -> Stage:
        """The last step, or features of the input that a Skip adds."""
        name = self._walk.name()
        if name.endswith("/features"):
            return self._skip(name.removesuffix("/features"))
        self._walk.integers("Gather", -1, axis=0)
        if not (self._is_time_first and self._is_sequence):
            raise UnsupportedModel(f"Gather {name!r} picks no time step")
        self._is_sequence = False
        return LastStep(name)

    def _shape_of_x(self) -> None:
        if not self._has_shape:
            self._has_shape = True
            self._walk.take("Shape", "x")

    def _wide_lengths(self) -> None:
        if not self._has_wide:
            self._has_wide = True
            self._walk.take("Cast", LENGTHS, to=INT64)

    def _last_that_counts(self) -> Stage:
        """The last step at each row's own length."""
        self._walk.advance("Transpose", perm=[1, 0, 2])
        name, self._walk.current = self._picked_last(self._walk.current)
        self._is_sequence = self._is_time_first = False
        return LastStep(name)

    def _picked_last(self, value: str) -> tuple[str, str]:
        """The node that picks at lengths - 1 from `(batch, seq, size)`, and what it gives."""
        if not self._has_last:
            self._has_last = True
            self._wide_lengths()
            _check_whole(self._walk.take("Sub", "lengths/wide", CONSTANT), [1])
            _check_whole(self._walk.take("Unsqueeze", "lengths/index", CONSTANT), [1])
        name = self._walk.name()
        return name, self._walk.take("GatherND", value, "lengths/last", batch_dims=1).outputs[0]

    def _cleared_padding(self) -> None:
        """Zeros behind each row's length, as `forward` defines them."""
        self._shape_of_x()
        _check_whole(self._walk.take("Gather", "x/shape", CONSTANT, axis=0), 1)
        _check_whole(self._walk.take("Range", CONSTANT, "x/seq", CONSTANT), 0, 1)
        self._wide_lengths()
        _check_whole(self._walk.take("Unsqueeze", "lengths/wide", CONSTANT), [1])
        self._walk.take("Less", "x/steps", "lengths/column")
        _check_whole(self._walk.take("Unsqueeze", "lengths/less", CONSTANT), [2])
        taken = self._walk.take("Where", "lengths/counts", self._walk.current, CONSTANT)
        check_number(taken.arrays()[0], 0.0, taken.outputs[0])
        self._walk.current = taken.outputs[0]

    def _skip(self, name: str) -> Stage:
        taken = self._walk.take("Gather", self._source, CONSTANT, axis=2)
        (features,), added = taken.arrays(), taken.outputs[0]
        if not self._is_sequence and self._takes_lengths:
            added = self._picked_last(added)[1]
        elif not self._is_sequence:
            taken = self._walk.take("Gather", added, CONSTANT, axis=1)
            (last,), added = taken.arrays(), taken.outputs[0]
            if last.tolist() != -1:
                raise UnsupportedModel(
                    f"{name!r} adds step {last.tolist()} of the input, expected the last"
                )
        elif self._is_time_first:
            added = self._walk.take("Transpose", added, perm=[1, 0, 2]).outputs[0]
        self._walk.advance("Add", added)
        return Skip(name, tuple(map(int, features.reshape(-1))))

    def _gemm(self) -> Stage:
        name = self._walk.name()
        return Linear(name, *self._walk.advance("Gemm", CONSTANT, OPTIONAL, transB=1).arrays())

    def _matmul(self) -> Stage:
        name = self._walk.name()
        (weight,) = self._walk.advance("MatMul", CONSTANT).arrays()
        has_bias = self._walk.name() == f"{name}/bias"
        return Linear(
            name, weight.T, *(self._walk.advance("Add", CONSTANT).arrays() if has_bias else ())
        )

    def _scale(self) -> Stage:
        name = self._walk.name()
        (offset,), (scale,) = (self._walk.advance(op, CONSTANT).arrays() for op in ("Sub", "Div"))
        return Affine(name, offset, scale)

    def _mul(self) -> Stage:
        """An inverse scaler, or the first of gelu_tanh's nodes."""
        name = self._walk.name()
        if name.endswith("/square"):
            return self._gelu_tanh(name.removesuffix("/square"))
        (scale,), (offset,) = (self._walk.advance(op, CONSTANT).arrays() for op in ("Mul", "Add"))
        return Affine(name, offset, scale, inverse=True)

    def _layer_norm(self) -> Stage:
        name, eps = self._walk.name(), self._walk.attribute("epsilon")
        weight = self._walk.constant(1)
        plain = weight is not None and self._walk.is_constant_named(1, f"ones_{weight.size}")
        weight, bias = self._walk.advance(
            "LayerNormalization", CONSTANT, OPTIONAL, axis=-1, epsilon=eps
        ).constants
        if plain and (weight is None or (weight != 1).any()):
            raise UnsupportedModel(f"{name!r} has a weight that is not 1")
        return LayerNorm(name, None if plain else weight, bias, eps)

    def _function(self, op: str) -> Stage:
        name, function = self._walk.name(), _FUNCTIONS[op]
        alpha = self._walk.attribute("alpha") if function in ("elu", "leaky_relu") else None
        self._walk.advance(op, **({} if alpha is None else {"alpha": alpha}))
        return Activation(name, function, alpha)

    def _sigmoid(self) -> Stage:
        """sigmoid, or x * sigmoid(x)."""
        x, name = self._walk.current, self._walk.name()
        self._walk.advance("Sigmoid")
        if not name.endswith("/sigmoid"):
            return Activation(name, "sigmoid")
        self._walk.advance("Mul", x)
        return Activation(name.removesuffix("/sigmoid"), "silu")

    def _gelu(self) -> Stage:
        x, name = self._walk.current, self._walk.name().removesuffix("/div")
        self._walk.number("Div", sqrt(2))
        self._walk.advance("Erf")
        return self._half_of_one_plus(x, Activation(name, "gelu"))

    def _gelu_tanh(self, name: str) -> Stage:
        x = self._walk.current
        square = self._walk.take("Mul", x, x).outputs[0]
        cube = self._walk.take("Mul", square, x).outputs[0]
        taken = self._walk.take("Mul", cube, CONSTANT)
        check_number(taken.arrays()[0], 0.044715, cube)
        self._walk.advance("Add", taken.outputs[0])
        self._walk.number("Mul", sqrt(2 / pi))
        self._walk.advance("Tanh")
        return self._half_of_one_plus(x, Activation(name, "gelu_tanh"))

    def _half_of_one_plus(self, x: str, stage: Activation) -> Stage:
        self._walk.number("Add", 1.0)
        self._walk.advance("Mul", x)
        self._walk.number("Mul", 0.5)
        return stage

    def _check_ends(self, signature: Signature) -> None:
        """The declared input and output: float32, batch and sequence symbolic, the sizes of the signature."""
        y_axes = (
            ["batch", "seq", signature.output_size]
            if self._is_sequence
            else ["batch", signature.output_size]
        )
        states, finals = ([one.declared(suffix) for one in self._tensors] for suffix in ("", FINAL))
        lengths = [(LENGTHS, INT32, ["batch"])] if self._takes_lengths else []
        expected = [
            ("x", 1, ["batch", "seq", signature.input_size]),
            *states,
            *lengths,
            ("y", 1, y_axes),
            *finals,
        ]
        got = [_declared(value) for value in (*self._graph.input, *self._graph.output)]
        if got != expected:
            raise UnsupportedModel(
                f"the graph declares {got}, expected {expected} (name, float32 = 1, axes)"
            )


def _check_whole(taken: Taken, *values: int | list[int]) -> None:
    """The node's constants are just these whole numbers."""
    found = taken.arrays()
    if [array.tolist() for array in found] != list(values) or any(
        array.dtype != np.int64 for array in found
    ):
        got = [array.tolist() for array in found]
        raise UnsupportedModel(f"before {taken.outputs[0]!r} stand {got}, expected {list(values)}")


def _declared(value: Any) -> tuple[str, int, list[str | int]]:
    tensor = value.type.tensor_type
    return (
        value.name,
        tensor.elem_type,
        [axis.dim_param or axis.dim_value for axis in tensor.shape.dim],
    )


def _weights(k: int, kind: str, directions: int, *operands: Array) -> dict[str, Array]:
    """W, R and B of a recurrent operator as layer k of a state_dict."""
    gates = _KINDS[kind].gates
    order = ONNX_GRU_GATES if kind == GRU.kind else ONNX_GATES
    found: dict[str, Array] = {}
    for direction in range(directions):
        weight_ih, weight_hh, *biases = (operand[direction] for operand in operands)
        parts = {"weight_ih": weight_ih, "weight_hh": weight_hh}
        if biases:
            parts["bias_ih"], parts["bias_hh"] = np.split(biases[0], 2)
        suffix = f"_l{k}" + "_reverse" * direction
        found |= {
            f"{name}{suffix}": reorder_gates(array, order, gates) for name, array in parts.items()
        }
    return found
