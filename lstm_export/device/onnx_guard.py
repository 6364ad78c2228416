"""Refuses an ONNX file that could reach beyond itself, before any runtime parses it.

A file that this package wrote needs a few operators and weights that stand in the file. Everything else that the
format allows (files beside it, operators from other libraries, functions, loops) is an opening or an accident.
This walks protobuf's wire format (protobuf.dev/programming-guides/encoding) without the onnx package, which a device
does not have. Field numbers: onnx/onnx.proto, github.com/onnx/onnx.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from math import prod

from ..errors import BundleError

MAX_BYTES = 256 * 2**20
MAX_FIELDS = 10**6  # in one message
MAX_METADATA = 64  # entries that are looked at
MAX_SIZE = 2**24  # the largest dimension that is believed, hidden_size included

OPERATORS = """Add, Cast, Concat, Constant, Div, Elu, Erf, Expand, GRU, Gather, GatherND, Gelu, Gemm, Identity, \
LSTM, LayerNormalization, LeakyRelu, Less, MatMul, Mul, Range, Relu, Reshape, Shape, Sigmoid, Slice, Softplus, Split, \
Squeeze, Sub, Tanh, Transpose, Unsqueeze, Where"""
DOMAINS = (b"", b"ai.onnx")

# The fields that each message may have: `*` may repeat, `:kind` is looked into. Any other field is refused.
_FIELDS = {
    "model": "1 2 3 4 5 6 7:graph 8*:opset 14*",
    "opset": "1 2",
    "graph": "1*:node 2 5*:weights 10 11* 12* 13* 16*",
    "node": "1* 2* 3 4 5*:attribute 6 7 9*",
    "attribute": "1 2 3 4 5:weights 7* 8* 9* 13 20",
    "weights": "1* 2 4* 5* 7* 8 9 10* 12 14 16*",
}
_SCHEMA = {
    kind: {
        int(field.rstrip("*")): (field, inner)
        for field, _, inner in (item.partition(":") for item in text.split())
    }
    for kind, text in _FIELDS.items()
}
_KNOWN = {
    ("model", 20): "training steps",
    ("model", 25): "functions",
    ("graph", 15): "sparse weights",
    ("attribute", 6): "a subgraph",
    ("attribute", 11): "subgraphs",
    ("attribute", 22): "sparse weights",
    ("weights", 13): "external data",
}
# TensorProto.DataType: bytes an element, for FLOAT, UINT8, INT8, INT32, INT64, BOOL, FLOAT16, DOUBLE.
_ITEM_BYTES = {1: 4, 2: 1, 3: 1, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8}

_AGAIN = "copy it again, or export it again"

_Found = dict[int, list[int | bytes]]


def check_onnx(data: bytes) -> None:
    """Pass a plain, self-contained graph of known operators.

    Raises:
        BundleError: the file is no ONNX model, is damaged, or holds what is not allowed; one sentence says what.
    """
    if len(data) > MAX_BYTES:
        raise BundleError(f"the ONNX file has {len(data)} bytes, at most {MAX_BYTES} are allowed")
    if 7 not in _check(data, "model"):
        raise BundleError(f"this is no ONNX model: it holds no graph; {_AGAIN}")


def metadata_of(data: bytes) -> dict[str, str]:
    """What the file says of itself, found without looking into its graph; empty where the bytes are no ONNX model."""
    try:
        entries = [_bytes(value) for number, value in _fields(data) if number == 14]
        pairs = [dict(_fields(entry)) for entry in entries[:MAX_METADATA]]
        return {
            _bytes(pair[1]).decode(): _bytes(pair[2]).decode()
            for pair in pairs
            if {1, 2} <= set(pair)
        }
    except (BundleError, UnicodeDecodeError):
        return {}


def _check(data: bytes, kind: str) -> _Found:
    """Walk one message and all that are nested in it; the values of its fields."""
    allowed = _SCHEMA[kind]
    found: _Found = defaultdict(list)
    for number, value in _fields(data):
        if number not in allowed:
            what = _KNOWN.get((kind, number), f"the unknown field {number}")
            raise BundleError(
                f"the ONNX file holds {what} in its {kind}, which is refused; export it again plainly"
            )
        field, inner = allowed[number]
        if number in found and not field.endswith(
            "*"
        ):  # protobuf merges the two, which would blur what is checked
            raise BundleError(
                f"the ONNX file is damaged: field {number} of its {kind} stands there twice; {_AGAIN}"
            )
        if inner:
            _check(_bytes(value), inner)
        found[number].append(value)
    if kind in _RULES:
        _RULES[kind](found)
    return found


def _check_domain(domain: bytes) -> None:
    if domain not in DOMAINS:
        raise BundleError(
            f"the ONNX file needs operators of the domain {domain!r}, only standard ones run; export it again plainly"
        )


def _check_opset(found: _Found) -> None:
    _check_domain(_bytes(*found[1]))


def _check_node(found: _Found) -> None:
    _check_domain(_bytes(*found[7]))
    operator = _bytes(*found[4]).decode("ascii", "replace")
    if operator not in OPERATORS.split(", "):
        raise BundleError(
            f"the ONNX file uses the operator {operator!a}; allowed are {OPERATORS}; export it again plainly"
        )


def _check_attribute(found: _Found) -> None:
    if found[1] == [b"hidden_size"]:
        _check_sizes(found[3])


def _check_weights(found: _Found) -> None:
    """A tensor's dimensions must agree with the bytes that it brings, and all of them must stand in the file."""
    if found[14] not in ([], [0]):  # data_location
        raise BundleError(
            "the ONNX file keeps weights in another file (external data), which is refused; save it as one file"
        )
    dims = [
        size
        for value in found[1]
        for size in (_varints(value) if isinstance(value, bytes) else [value])
    ]
    _check_sizes(dims)
    raw, typed = _bytes(*found[9]), found[4] + found[5] + found[7] + found[10]
    if raw:
        kind = found[2][0] if found[2] else 0
        agrees = isinstance(kind, int) and len(raw) == prod(dims) * _ITEM_BYTES.get(kind, 0)
    else:  # an element takes at least one byte
        agrees = prod(dims) <= sum(len(value) if isinstance(value, bytes) else 1 for value in typed)
    if not agrees:
        raise BundleError(
            f"the ONNX file has weights of shape {dims}, for which it does not hold the bytes; {_AGAIN}"
        )


def _check_sizes(sizes: list[int | bytes] | list[int]) -> None:
    if len(sizes) > 8 or not all(isinstance(size, int) and 0 < size <= MAX_SIZE for size in sizes):
        raise BundleError(
            f"the ONNX file has an absurd hidden_size or shape of weights: {sizes[:8]}; {_AGAIN}"
        )


_RULES = {
    "opset": _check_opset,
    "node": _check_node,
    "attribute": _check_attribute,
    "weights": _check_weights,
}


def _bytes(value: int | bytes = b"") -> bytes:
    """A field that must be text, bytes or a message; empty where it is absent."""
    if not isinstance(value, bytes):
        raise BundleError(f"this is no ONNX model, or a damaged one; {_AGAIN}")
    return value


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Every field of a message in wire format, as (number, value)."""
    at = count = 0
    while at < len(data):
        count += 1
        if count > MAX_FIELDS:
            raise BundleError(f"the ONNX file holds a message of more than {MAX_FIELDS} fields")
        key, at = _varint(data, at)
        wire_type = key & 7
        if wire_type == 0:  # varint
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if wire_type == 2:  # length, then as many bytes
            size, at = _varint(data, at)
        elif wire_type in (1, 5):  # fixed 64, fixed 32 bits
            size = 8 if wire_type == 1 else 4
        else:
            raise BundleError(f"this is no ONNX model, or a damaged one; {_AGAIN}")
        if at + size > len(data):
            raise BundleError(f"this is no ONNX model, or one that is cut short; {_AGAIN}")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number in base 128, lowest digits first, and where it ends."""
    value = 0
    for index in range(10):
        if at + index >= len(data):
            break
        byte = data[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, at + index + 1
    raise BundleError(f"this is no ONNX model, or a damaged one; {_AGAIN}")


def _varints(data: bytes) -> Iterator[int]:
    """The packed form of a few repeated numbers."""
    if len(data) > 80:  # 8 numbers at the most, see _check_sizes
        raise BundleError(f"the ONNX file has weights of an absurd shape; {_AGAIN}")
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value
