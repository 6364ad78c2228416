"""Refuses an ONNX file that could reach beyond itself, before any runtime parses it.

A file that this package wrote needs a few operators and weights that stand in the file. Everything
else that the format allows (files beside it, operators from other libraries, functions, loops) is
an opening or an accident. Every byte is parsed here, without the onnx package, which a device does
not have; a runtime is given nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from math import prod

from ..errors import BundleError
from .onnx_schema import (
    BOOL,
    DOUBLE,
    FLOAT,
    FLOAT16,
    INT8,
    INT32,
    INT64,
    ITEM_BYTES,
    KNOWN,
    SCHEMA,
    UINT8,
    AttributeField,
    FieldKind,
    GraphField,
    ModelField,
    NodeField,
    OpsetField,
    WeightsField,
)
from .protobuf import (
    AGAIN,
    MAX_FIELDS,
    Field,
    WireType,
    count_of_packed,
    fields,
    packed_varints,
    too_many_fields,
)

MAX_BYTES = 256 * 2**20
MAX_KEPT_BYTES = 2**20  # of a file that stays parsed until the next one
MAX_SIZE = 2**24  # the largest dimension that is believed, hidden_size included
MAX_DIMENSIONS = 8
MAX_NODES = 20_000  # a model of ours has dozens; an unrolled one of another tool has thousands

OPERATORS = """Add, Cast, Celu, Clip, Concat, Constant, Div, Elu, Equal, Erf, Expand, GRU, Gather, \
GatherND, Gelu, Gemm, HardSigmoid, Identity, LSTM, LayerNormalization, LeakyRelu, Less, MatMul, \
Max, Mul, PRelu, RNN, Range, ReduceMax, ReduceMean, ReduceSum, Relu, Reshape, Selu, \
Shape, Sigmoid, Slice, Softplus, Softsign, Split, Sqrt, Squeeze, Sub, Sum, Tanh, Transpose, \
Unsqueeze, Where"""
_OPERATORS = frozenset(OPERATORS.split(", "))
DOMAINS = (b"", b"ai.onnx")

_ELEMENT_BYTES = {FLOAT: 4, UINT8: 1, INT8: 1, INT32: 4, INT64: 8, BOOL: 1, FLOAT16: 2, DOUBLE: 8}
_TYPED_DATA = (
    WeightsField.FLOAT_DATA,
    WeightsField.INT32_DATA,
    WeightsField.INT64_DATA,
    WeightsField.DOUBLE_DATA,
)

# By field number the values of a message: numbers, bytes, or the messages in it.
Message = dict[int, list["int | bytes | Message"]]


def check_onnx(data: bytes) -> Message:
    """Pass a plain, self-contained graph of known operators; what the file holds, parsed.

    Raises:
        BundleError: the file is no ONNX model, is damaged, or holds what is not allowed; one
            sentence says what.
    """
    if len(data) > MAX_BYTES:
        raise BundleError(
            f"the ONNX file has {len(data)} bytes, at most {MAX_BYTES} are allowed; "
            "export a smaller model"
        )
    if len(data) > MAX_KEPT_BYTES:
        return _model_of(data)
    return _kept_model_of(data)


def _model_of(data: bytes) -> Message:
    model = _Parser().parsed(data, "model")
    if ModelField.GRAPH not in model:
        raise BundleError(f"this is no ONNX model: it holds no graph; {AGAIN}")
    return model


# Opening a file looks at it three times: its form, its weights, and before the runtime gets it.
_kept_model_of = lru_cache(maxsize=1)(_model_of)


class _Parser:
    """Parses the messages of one file, as far as any model needs."""

    def __init__(self) -> None:
        self._fields_left = MAX_FIELDS

    def parsed(self, data: bytes, kind: str) -> Message:
        """One message and all that are nested in it."""
        message: Message = defaultdict(list)
        for field in fields(data):
            self._fields_left -= 1
            if self._fields_left < 0:
                raise too_many_fields()
            expected = _expected(field, kind)
            # Protobuf merges two of a field that does not repeat, which would blur what is checked.
            if field.number in message and not expected.repeats:
                raise BundleError(
                    f"the ONNX file is damaged: field {field.number} of its {kind} stands there "
                    f"twice; {AGAIN}"
                )
            if expected.is_message:
                nested = self.parsed(bytes_of(field.value), expected.value)
                message[field.number].append(nested)
            else:
                message[field.number].append(_value(field, expected, kind))
        if kind in _RULES:
            _RULES[kind](message)
        return message


def _expected(field: Field, kind: str) -> FieldKind:
    """The kind that the schema has for a field; refuses one that it does not have."""
    expected = SCHEMA[kind].get(field.number)
    if expected is None:
        what = KNOWN.get((kind, field.number), f"the unknown field {field.number}")
        raise BundleError(
            f"the ONNX file holds {what} in its {kind}, which is refused; export it again plainly"
        )
    is_packed = expected.may_be_packed and field.wire_type is WireType.LENGTH
    if field.wire_type is not expected.wire_type and not is_packed:
        raise BundleError(
            f"the ONNX file is damaged: field {field.number} of its {kind} is of another type; "
            f"{AGAIN}"
        )
    return expected


def _value(field: Field, expected: FieldKind, kind: str) -> int | bytes:
    if expected.may_be_packed and field.wire_type is WireType.LENGTH:
        _check_packed(bytes_of(field.value), expected.value, kind)
    if expected.value == "text":
        _check_text(bytes_of(field.value), kind)
    return field.value


def _check_text(text: bytes, kind: str) -> None:
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise BundleError(
            f"the ONNX file is damaged: a text in its {kind} is not UTF-8; {AGAIN}"
        ) from error


def _check_packed(packed: bytes, value: str, kind: str) -> None:
    if value == "int":
        count_of_packed(packed)
    elif len(packed) % ITEM_BYTES[value]:
        raise BundleError(f"the ONNX file is damaged: numbers in its {kind} are cut; {AGAIN}")


def _check_graph(graph: Message) -> None:
    count = len(graph[GraphField.NODE])
    if count > MAX_NODES:
        raise BundleError(
            f"the ONNX file has {count} nodes, at most {MAX_NODES} are allowed; "
            "export it with lstm-export, as a node a layer"
        )


def _check_opset(opset: Message) -> None:
    """Refuse an import even where no node uses it: a runtime reads it as it loads the file."""
    domain = text_of(opset, OpsetField.DOMAIN)
    if domain not in DOMAINS:
        raise BundleError(
            f"the ONNX file imports the operator set {domain[:80]!r}, only the standard one is "
            "allowed; ONNX Runtime adds others as it saves an optimized file: give the original"
        )


def _check_node(node: Message) -> None:
    domain = text_of(node, NodeField.DOMAIN)
    if domain not in DOMAINS:
        raise BundleError(
            f"the ONNX file uses an operator of the domain {domain[:80]!r}, only standard ones "
            "run; export it again plainly"
        )
    operator = text_of(node, NodeField.OP_TYPE).decode("ascii", "replace")
    if operator not in _OPERATORS:
        raise BundleError(
            f"the ONNX file uses the operator {operator[:80]!a}; allowed are {OPERATORS}; "
            "export it again plainly"
        )


def _check_attribute(attribute: Message) -> None:
    if text_of(attribute, AttributeField.NAME) == b"hidden_size":
        _check_sizes(attribute[AttributeField.I])


def _check_weights(weights: Message) -> None:
    """Dimensions must agree with the bytes of the tensor, all of which must stand in the file."""
    if weights[WeightsField.DATA_LOCATION] not in ([], [0]):  # absent, or the default: in the file
        raise BundleError(
            "the ONNX file keeps weights in another file (external data), which is refused; "
            "save it as one file"
        )
    dims = dims_of(weights)
    raw = text_of(weights, WeightsField.RAW_DATA)
    if raw:
        data_type = int_of(weights, WeightsField.DATA_TYPE)
        element_bytes = _ELEMENT_BYTES.get(data_type, 0)
        agrees = len(raw) == prod(dims) * element_bytes
    else:
        agrees = prod(dims) <= _typed_count(weights)
    if not agrees:
        raise BundleError(
            f"the ONNX file has weights of shape {dims}, for which it does not hold the bytes; "
            f"{AGAIN}"
        )


def _typed_count(weights: Message) -> int:
    """How many elements can stand in a tensor's typed fields: each takes a byte at least."""
    count = 0
    for number in _TYPED_DATA:
        for value in weights[number]:
            count += len(value) if isinstance(value, bytes) else 1
    return count


def dims_of(weights: Message) -> list[int]:
    """The shape of a tensor.

    Raises:
        BundleError: no tensor of a model is of such a shape.
    """
    dims: list[int] = []
    for value in weights[WeightsField.DIMS]:
        if isinstance(value, bytes):
            if len(value) > 10 * MAX_DIMENSIONS:
                raise BundleError(f"the ONNX file has weights of an absurd shape; {AGAIN}")
            dims += packed_varints(value)
        elif isinstance(value, int):
            dims.append(value)
    _check_sizes(dims)
    return dims


def _check_sizes(sizes: Sequence[int | bytes | Message]) -> None:
    fits = all(isinstance(size, int) and 0 < size <= MAX_SIZE for size in sizes)
    if len(sizes) > MAX_DIMENSIONS or not fits:
        shown = list(sizes[:MAX_DIMENSIONS])
        raise BundleError(
            f"the ONNX file has an absurd hidden_size or shape of weights: {shown}; {AGAIN}"
        )


_RULES = {
    "graph": _check_graph,
    "opset": _check_opset,
    "node": _check_node,
    "attribute": _check_attribute,
    "weights": _check_weights,
}


def bytes_of(value: int | bytes | Message) -> bytes:
    """A value that must be text, bytes or packed numbers."""
    if not isinstance(value, bytes):
        raise BundleError(f"this is no ONNX model, or a damaged one; {AGAIN}")
    return value


def text_of(message: Message, number: int) -> bytes:
    """A field of text or bytes that stands there once at most; empty where it is absent."""
    return bytes_of(message[number][0]) if message[number] else b""


def int_of(message: Message, number: int) -> int:
    """A field with a number that stands there once at most; 0 where it is absent."""
    value = message[number][0] if message[number] else 0
    return value if isinstance(value, int) else 0


def messages_of(message: Message, number: int) -> list[Message]:
    """The messages in a field."""
    return [value for value in message[number] if isinstance(value, dict)]
