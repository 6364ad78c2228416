"""An ONNX file as records, read without the onnx package from the bytes that the guard passed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np

from ..errors import BundleError
from ..model import Array
from .onnx_guard import (
    Message,
    bytes_of,
    check_onnx,
    dims_of,
    int_of,
    messages_of,
    text_of,
)
from .onnx_schema import (
    FLOAT,
    INT32,
    INT64,
    AttributeField,
    DimensionField,
    EntryField,
    GraphField,
    ModelField,
    NodeField,
    OpsetField,
    ShapeField,
    TensorField,
    TypeField,
    ValueField,
    WeightsField,
)
from .protobuf import AGAIN, packed_varints

DTYPES = {FLOAT: "<f4", INT32: "<i4", INT64: "<i8"}

# onnx.AttributeProto.AttributeType
FLOAT_ATTRIBUTE = 1
INT_ATTRIBUTE = 2
STRING_ATTRIBUTE = 3
INTS_ATTRIBUTE = 7
STRINGS_ATTRIBUTE = 8

# The fields of a message that the writer of this package fills.
_PLAIN: Mapping[str, set[int]] = {
    "model": {
        ModelField.IR_VERSION,
        ModelField.PRODUCER_NAME,
        ModelField.PRODUCER_VERSION,
        ModelField.GRAPH,
        ModelField.OPSET_IMPORT,
        ModelField.METADATA_PROPS,
    },
    "graph": {
        GraphField.NODE,
        GraphField.NAME,
        GraphField.INITIALIZER,
        GraphField.INPUT,
        GraphField.OUTPUT,
    },
    "node": {
        NodeField.INPUT,
        NodeField.OUTPUT,
        NodeField.NAME,
        NodeField.OP_TYPE,
        NodeField.ATTRIBUTE,
    },
    "weights": {
        WeightsField.DIMS,
        WeightsField.DATA_TYPE,
        WeightsField.NAME,
        WeightsField.RAW_DATA,
    },
}

Value = TypeVar("Value")
AttributeValue: TypeAlias = "float | int | bytes | list[int] | list[bytes]"

# Name, data type and axes of an input or output.
Declared: TypeAlias = "tuple[str, int, list[str | int]]"


@dataclass(frozen=True)
class Node:
    """One node of the graph: its operator, of the standard set, with names of values."""

    op_type: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, AttributeValue]


@dataclass(frozen=True)
class OnnxFile:
    """The contents of a file.

    Attributes:
        nodes: in their order.
        constants: by name; float32, int32 or int64.
        inputs, outputs: as the graph declares them.
        opset: version of the operators.
        metadata: what the file says of itself.
    """

    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    inputs: tuple[Declared, ...]
    outputs: tuple[Declared, ...]
    opset: int
    metadata: Mapping[str, str]


def read_onnx(data: bytes) -> OnnxFile:
    """The records of a file that holds nothing but what the writer of this package fills.

    Raises:
        BundleError: it does not pass the guard, or holds something else.
    """
    model = check_onnx(data)
    _check_plain(model, "model")
    (graph,) = messages_of(model, ModelField.GRAPH)
    _check_plain(graph, "graph")
    opsets = messages_of(model, ModelField.OPSET_IMPORT)
    if len(opsets) != 1 or text_of(opsets[0], OpsetField.DOMAIN):
        raise _other_form("imports more than the standard operator set")
    constants = [_constant(weights) for weights in messages_of(graph, GraphField.INITIALIZER)]
    metadata = [_entry(entry) for entry in messages_of(model, ModelField.METADATA_PROPS)]
    return OnnxFile(
        nodes=tuple(_node(node) for node in messages_of(graph, GraphField.NODE)),
        constants=once_each(constants, "weights"),
        inputs=tuple(_declared(value) for value in messages_of(graph, GraphField.INPUT)),
        outputs=tuple(_declared(value) for value in messages_of(graph, GraphField.OUTPUT)),
        opset=int_of(opsets[0], OpsetField.VERSION),
        metadata=once_each(metadata, "metadata"),
    )


def _entry(entry: Message) -> tuple[str, str]:
    return _text(entry, EntryField.KEY), _text(entry, EntryField.VALUE)


def _check_plain(message: Message, kind: str) -> None:
    for number in sorted(set(message) - _PLAIN[kind]):
        if message[number]:
            raise _other_form(f"holds the field {number} in its {kind}")


def _other_form(what: str) -> BundleError:
    return BundleError(f"the ONNX file {what}, which lstm-export does not write; export it again")


def once_each(pairs: Iterable[tuple[str, Value]], kind: str) -> dict[str, Value]:
    """Pairs as a mapping.

    Raises:
        BundleError: a name is there twice: one reader takes the first, another the second.
    """
    by_name: dict[str, Value] = {}
    for name, value in pairs:
        if name in by_name:
            raise BundleError(f"the file names {kind} {name!a} twice; {AGAIN}")
        by_name[name] = value
    return by_name


def _node(node: Message) -> Node:
    _check_plain(node, "node")
    attributes = [_attribute(attribute) for attribute in messages_of(node, NodeField.ATTRIBUTE)]
    return Node(
        _text(node, NodeField.OP_TYPE),
        _text(node, NodeField.NAME),
        _texts(node, NodeField.INPUT),
        _texts(node, NodeField.OUTPUT),
        once_each(attributes, "an attribute"),
    )


def _attribute(attribute: Message) -> tuple[str, AttributeValue]:
    kind = int_of(attribute, AttributeField.TYPE)
    name = _text(attribute, AttributeField.NAME)
    if kind == FLOAT_ATTRIBUTE:
        float32 = text_of(attribute, AttributeField.F) or bytes(4)  # protobuf leaves out a 0
        return name, float(np.frombuffer(float32, "<f4")[0])
    if kind == INT_ATTRIBUTE:
        return name, _signed(int_of(attribute, AttributeField.I))
    if kind == STRING_ATTRIBUTE:
        return name, text_of(attribute, AttributeField.S)
    if kind == INTS_ATTRIBUTE:
        return name, [_signed(value) for value in _integers(attribute, AttributeField.INTS)]
    if kind == STRINGS_ATTRIBUTE:
        return name, [bytes_of(text) for text in attribute[AttributeField.STRINGS]]
    raise _other_form(f"has an attribute {name!a} of the type {kind}")


def _constant(weights: Message) -> tuple[str, Array]:
    _check_plain(weights, "weights")
    name = _text(weights, WeightsField.NAME)
    dtype = DTYPES.get(int_of(weights, WeightsField.DATA_TYPE))
    if dtype is None or not weights[WeightsField.RAW_DATA]:
        raise _other_form(f"holds {name!a} of another type, or not as bytes")
    values = np.frombuffer(text_of(weights, WeightsField.RAW_DATA), dtype)
    return name, values.reshape(dims_of(weights))


def _declared(value: Message) -> Declared:
    # each stands there once at most, as the guard has seen
    for kind in messages_of(value, ValueField.TYPE):
        for tensor in messages_of(kind, TypeField.TENSOR_TYPE):
            for shape in messages_of(tensor, TensorField.SHAPE):
                element_type = int_of(tensor, TensorField.ELEM_TYPE)
                axes = [_axis(axis) for axis in messages_of(shape, ShapeField.DIM)]
                return _text(value, ValueField.NAME), element_type, axes
    raise _other_form("declares an input or output without a type or a shape")


def _axis(axis: Message) -> str | int:
    """The name of an axis, or its size where it has none."""
    name = _text(axis, DimensionField.DIM_PARAM)
    return name or _signed(int_of(axis, DimensionField.DIM_VALUE))


def _integers(message: Message, number: int) -> list[int]:
    """Numbers that repeat, be they packed or not."""
    integers: list[int] = []
    for value in message[number]:
        if isinstance(value, int):
            integers.append(value)
        else:
            integers += packed_varints(bytes_of(value))
    return integers


def _signed(value: int) -> int:
    """A varint holds negative numbers in two's complement of 64 bits."""
    return value - 2**64 if value >= 2**63 else value


def _text(message: Message, number: int) -> str:
    return text_of(message, number).decode("utf-8", "replace")


def _texts(message: Message, number: int) -> tuple[str, ...]:
    return tuple(bytes_of(value).decode("utf-8", "replace") for value in message[number])
