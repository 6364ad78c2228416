"""The messages of an ONNX file that a plain graph needs, field by field.

Source: onnx/onnx.proto, github.com/onnx/onnx. A field that is not listed here is refused.
"""

from __future__ import annotations

from typing import NamedTuple

from .protobuf import WireType

# The word for each kind of value: `int`, `float` (32 bits), `double`, `bytes`, `text` (UTF-8), or
# the name of a message. `*` may repeat; numbers that repeat may also come packed.
_MESSAGES = {
    "model": {
        1: "int",  # ir_version
        2: "text",  # producer_name
        3: "text",  # producer_version
        4: "text",  # domain
        5: "int",  # model_version
        6: "text",  # doc_string
        7: "graph",
        8: "opset*",  # opset_import
        14: "entry*",  # metadata_props
    },
    "opset": {1: "text", 2: "int"},  # domain, version
    "entry": {1: "text", 2: "text"},  # key, value
    "graph": {
        1: "node*",
        2: "text",  # name
        5: "weights*",  # initializer
        10: "text",  # doc_string
        11: "value*",  # input
        12: "value*",  # output
        13: "value*",  # value_info
        16: "entry*",  # metadata_props
    },
    "node": {
        1: "text*",  # input
        2: "text*",  # output
        3: "text",  # name
        4: "text",  # op_type
        5: "attribute*",
        6: "text",  # doc_string
        7: "text",  # domain
        9: "entry*",  # metadata_props
    },
    "attribute": {
        1: "text",  # name
        2: "float",  # f
        3: "int",  # i
        4: "bytes",  # s
        5: "weights",  # t
        7: "float*",  # floats
        8: "int*",  # ints
        9: "bytes*",  # strings
        13: "text",  # doc_string
        20: "int",  # type
    },
    "weights": {
        1: "int*",  # dims
        2: "int",  # data_type
        4: "float*",  # float_data
        5: "int*",  # int32_data
        7: "int*",  # int64_data
        8: "text",  # name
        9: "bytes",  # raw_data
        10: "double*",  # double_data
        12: "text",  # doc_string
        14: "int",  # data_location
        16: "entry*",  # metadata_props
    },
    "value": {1: "text", 2: "type", 3: "text", 4: "entry*"},  # name, type, doc_string
    "type": {1: "tensor", 6: "text"},  # tensor_type, denotation
    "tensor": {1: "int", 2: "shape"},  # elem_type, shape
    "shape": {1: "dimension*"},
    "dimension": {1: "int", 2: "text", 3: "text"},  # dim_value, dim_param, denotation
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
    """What a field of a message may be.

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


SCHEMA = {
    message: {number: _field_kind(word) for number, word in kinds.items()}
    for message, kinds in _MESSAGES.items()
}
