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
from .protobuf import AGAIN, packed_varints

FLOAT = 1  # onnx.TensorProto.DataType
INT32 = 6
INT64 = 7
DOUBLE = 11
DTYPES = {FLOAT: "<f4", INT32: "<i4", INT64: "<i8"}

# onnx.AttributeProto.AttributeType
FLOAT_ATTRIBUTE = 1
INT_ATTRIBUTE = 2
STRING_ATTRIBUTE = 3
INTS_ATTRIBUTE = 7
STRINGS_ATTRIBUTE = 8

# The fields of a message that the writer of this package fills.
_PLAIN = {
    "model": {1, 2, 3, 7, 8, 14},
    "graph": {1, 2, 5, 11, 12},
    "node": {1, 2, 3, 4, 5},
    "weights": {1, 2, 8, 9},
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
    """What a file holds.

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
    (graph,) = messages_of(model, 7)
    _check_plain(graph, "graph")
    opsets = messages_of(model, 8)
    if len(opsets) != 1 or text_of(opsets[0], 1):
        raise _other_form("imports more than the standard operator set")
    constants = [_constant(weights) for weights in messages_of(graph, 5)]
    metadata = [(_text(entry, 1), _text(entry, 2)) for entry in messages_of(model, 14)]
    return OnnxFile(
        nodes=tuple(_node(node) for node in messages_of(graph, 1)),
        constants=once_each(constants, "weights"),
        inputs=tuple(_declared(value) for value in messages_of(graph, 11)),
        outputs=tuple(_declared(value) for value in messages_of(graph, 12)),
        opset=int_of(opsets[0], 2),
        metadata=once_each(metadata, "metadata"),
    )


def _check_plain(message: Message, kind: str) -> None:
    for number in sorted(set(message) - _PLAIN[kind]):
        if message[number]:
            raise _other_form(f"holds the field {number} in its {kind}")


def _other_form(what: str) -> BundleError:
    return BundleError(f"the ONNX file {what}, which lstm-export does not write; export it again")


def once_each(pairs: Iterable[tuple[str, Value]], kind: str) -> dict[str, Value]:
    """Pairs as a mapping.

    Raises:
        BundleError: a name is there twice, of which readers would take another one each.
    """
    found: dict[str, Value] = {}
    for name, value in pairs:
        if name in found:
            raise BundleError(f"the file names {kind} {name!a} twice; {AGAIN}")
        found[name] = value
    return found


def _node(node: Message) -> Node:
    _check_plain(node, "node")
    attributes = [_attribute(attribute) for attribute in messages_of(node, 5)]
    return Node(
        _text(node, 4),
        _text(node, 3),
        _texts(node, 1),
        _texts(node, 2),
        once_each(attributes, "an attribute"),
    )


def _attribute(attribute: Message) -> tuple[str, AttributeValue]:
    kind = int_of(attribute, 20)
    name = _text(attribute, 1)
    if kind == FLOAT_ATTRIBUTE:
        return name, float(np.frombuffer(text_of(attribute, 2) or bytes(4), "<f4")[0])
    if kind == INT_ATTRIBUTE:
        return name, _signed(int_of(attribute, 3))
    if kind == STRING_ATTRIBUTE:
        return name, text_of(attribute, 4)
    if kind == INTS_ATTRIBUTE:
        return name, [_signed(value) for value in _integers(attribute, 8)]
    if kind == STRINGS_ATTRIBUTE:
        return name, [bytes_of(text) for text in attribute[9]]
    raise _other_form(f"has an attribute {name!a} of the type {kind}")


def _constant(weights: Message) -> tuple[str, Array]:
    _check_plain(weights, "weights")
    name = _text(weights, 8)
    dtype = DTYPES.get(int_of(weights, 2))
    if dtype is None or not weights[9]:
        raise _other_form(f"holds {name!a} of another type, or not as bytes")
    return name, np.frombuffer(text_of(weights, 9), dtype).reshape(dims_of(weights))


def _declared(value: Message) -> Declared:
    for kind in messages_of(value, 2):
        for tensor in messages_of(kind, 1):
            for shape in messages_of(tensor, 2):
                axes = [_axis(axis) for axis in messages_of(shape, 1)]
                return _text(value, 1), int_of(tensor, 1), axes
    raise _other_form("declares an input or output without a type or a shape")


def _axis(axis: Message) -> str | int:
    return _text(axis, 2) or _signed(int_of(axis, 1))


def _integers(message: Message, number: int) -> list[int]:
    """Numbers that repeat, be they packed or not."""
    found: list[int] = []
    for value in message[number]:
        if isinstance(value, int):
            found.append(value)
        else:
            found += packed_varints(bytes_of(value))
    return found


def _signed(value: int) -> int:
    """A varint holds negative numbers in two's complement of 64 bits."""
    return value - 2**64 if value >= 2**63 else value


def _text(message: Message, number: int) -> str:
    return text_of(message, number).decode("utf-8", "replace")


def _texts(message: Message, number: int) -> tuple[str, ...]:
    return tuple(bytes_of(value).decode("utf-8", "replace") for value in message[number])
