"""The messages of an ONNX file that a plain graph needs, field by field.

Names and numbers are those of onnx/onnx.proto, github.com/onnx/onnx. A field that is not listed
here is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

from .protobuf import WireType

# TensorProto.DataType
FLOAT = 1
UINT8 = 2
INT8 = 3
INT32 = 6
INT64 = 7
BOOL = 9
FLOAT16 = 10
DOUBLE = 11


class ModelField(IntEnum):
    """ModelProto."""

    IR_VERSION = 1
    PRODUCER_NAME = 2
    PRODUCER_VERSION = 3
    DOMAIN = 4
    MODEL_VERSION = 5
    DOC_STRING = 6
    GRAPH = 7
    OPSET_IMPORT = 8
    METADATA_PROPS = 14


class OpsetField(IntEnum):
    """OperatorSetIdProto."""

    DOMAIN = 1
    VERSION = 2


class EntryField(IntEnum):
    """StringStringEntryProto."""

    KEY = 1
    VALUE = 2


class GraphField(IntEnum):
    """GraphProto."""

    NODE = 1
    NAME = 2
    INITIALIZER = 5
    DOC_STRING = 10
    INPUT = 11
    OUTPUT = 12
    VALUE_INFO = 13
    METADATA_PROPS = 16


class NodeField(IntEnum):
    """NodeProto."""

    INPUT = 1
    OUTPUT = 2
    NAME = 3
    OP_TYPE = 4
    ATTRIBUTE = 5
    DOC_STRING = 6
    DOMAIN = 7
    METADATA_PROPS = 9


class AttributeField(IntEnum):
    """AttributeProto."""

    NAME = 1
    F = 2
    I = 3  # noqa: E741 - onnx.proto's own name
    S = 4
    T = 5
    FLOATS = 7
    INTS = 8
    STRINGS = 9
    DOC_STRING = 13
    TYPE = 20


class WeightsField(IntEnum):
    """TensorProto."""

    DIMS = 1
    DATA_TYPE = 2
    FLOAT_DATA = 4
    INT32_DATA = 5
    INT64_DATA = 7
    NAME = 8
    RAW_DATA = 9
    DOUBLE_DATA = 10
    DOC_STRING = 12
    DATA_LOCATION = 14
    METADATA_PROPS = 16


class ValueField(IntEnum):
    """ValueInfoProto."""

    NAME = 1
    TYPE = 2
    DOC_STRING = 3
    METADATA_PROPS = 4


class TypeField(IntEnum):
    """TypeProto."""

    TENSOR_TYPE = 1
    DENOTATION = 6


class TensorField(IntEnum):
    """TypeProto.Tensor."""

    ELEM_TYPE = 1
    SHAPE = 2


class ShapeField(IntEnum):
    """TensorShapeProto."""

    DIM = 1


class DimensionField(IntEnum):
    """TensorShapeProto.Dimension."""

    DIM_VALUE = 1
    DIM_PARAM = 2
    DENOTATION = 3


# The word for each kind of value: `int`, `float` (32 bits), `double`, `bytes`, `text` (UTF-8), or
# the name of a message. `*` may repeat; numbers that repeat may also come packed.
_MESSAGES: Mapping[str, Mapping[int, str]] = {
    "model": {
        ModelField.IR_VERSION: "int",
        ModelField.PRODUCER_NAME: "text",
        ModelField.PRODUCER_VERSION: "text",
        ModelField.DOMAIN: "text",
        ModelField.MODEL_VERSION: "int",
        ModelField.DOC_STRING: "text",
        ModelField.GRAPH: "graph",
        ModelField.OPSET_IMPORT: "opset*",
        ModelField.METADATA_PROPS: "entry*",
    },
    "opset": {OpsetField.DOMAIN: "text", OpsetField.VERSION: "int"},
    "entry": {EntryField.KEY: "text", EntryField.VALUE: "text"},
    "graph": {
        GraphField.NODE: "node*",
        GraphField.NAME: "text",
        GraphField.INITIALIZER: "weights*",
        GraphField.DOC_STRING: "text",
        GraphField.INPUT: "value*",
        GraphField.OUTPUT: "value*",
        GraphField.VALUE_INFO: "value*",
        GraphField.METADATA_PROPS: "entry*",
    },
    "node": {
        NodeField.INPUT: "text*",
        NodeField.OUTPUT: "text*",
        NodeField.NAME: "text",
        NodeField.OP_TYPE: "text",
        NodeField.ATTRIBUTE: "attribute*",
        NodeField.DOC_STRING: "text",
        NodeField.DOMAIN: "text",
        NodeField.METADATA_PROPS: "entry*",
    },
    "attribute": {
        AttributeField.NAME: "text",
        AttributeField.F: "float",
        AttributeField.I: "int",
        AttributeField.S: "bytes",
        AttributeField.T: "weights",
        AttributeField.FLOATS: "float*",
        AttributeField.INTS: "int*",
        AttributeField.STRINGS: "bytes*",
        AttributeField.DOC_STRING: "text",
        AttributeField.TYPE: "int",
    },
    "weights": {
        WeightsField.DIMS: "int*",
        WeightsField.DATA_TYPE: "int",
        WeightsField.FLOAT_DATA: "float*",
        WeightsField.INT32_DATA: "int*",
        WeightsField.INT64_DATA: "int*",
        WeightsField.NAME: "text",
        WeightsField.RAW_DATA: "bytes",
        WeightsField.DOUBLE_DATA: "double*",
        WeightsField.DOC_STRING: "text",
        WeightsField.DATA_LOCATION: "int",
        WeightsField.METADATA_PROPS: "entry*",
    },
    "value": {
        ValueField.NAME: "text",
        ValueField.TYPE: "type",
        ValueField.DOC_STRING: "text",
        ValueField.METADATA_PROPS: "entry*",
    },
    "type": {TypeField.TENSOR_TYPE: "tensor", TypeField.DENOTATION: "text"},
    "tensor": {TensorField.ELEM_TYPE: "int", TensorField.SHAPE: "shape"},
    "shape": {ShapeField.DIM: "dimension*"},
    "dimension": {
        DimensionField.DIM_VALUE: "int",
        DimensionField.DIM_PARAM: "text",
        DimensionField.DENOTATION: "text",
    },
}

# What a refused field is called, where a user may know it.
KNOWN = {
    ("model", 20): "training steps",
    ("model", 25): "functions",
    ("graph", 15): "sparse weights",
    ("attribute", 6): "a subgraph",
    ("attribute", 11): "subgraphs",
    ("attribute", 22): "sparse weights",
    ("weights", 13): "external data",
}

_WIRE_TYPES = {
    "int": WireType.VARINT,
    "float": WireType.FIXED32,
    "double": WireType.FIXED64,
}

ITEM_BYTES = {"float": 4, "double": 8}


class FieldKind(NamedTuple):
    """The kind of a message's field.

    Attributes:
        value: `int`, `float`, `double`, `bytes`, `text`, or the name of a message.
        wire_type: how a single value is written.
        repeats: whether it may stand there more than once.
    """

    value: str
    wire_type: WireType
    repeats: bool

    @property
    def is_message(self) -> bool:
        """Whether the value is a message of its own."""
        return self.value in _MESSAGES

    @property
    def may_be_packed(self) -> bool:
        """Whether many numbers may come in one field of bytes."""
        return self.repeats and self.value in _WIRE_TYPES


def _field_kind(word: str) -> FieldKind:
    value = word.removesuffix("*")
    return FieldKind(value, _WIRE_TYPES.get(value, WireType.LENGTH), word.endswith("*"))


def _schema() -> dict[str, dict[int, FieldKind]]:
    """The kind of every field, by message and field number."""
    schema = {}
    for message, words in _MESSAGES.items():
        schema[message] = {int(number): _field_kind(word) for number, word in words.items()}
    return schema


SCHEMA = _schema()
