"""Protobuf's wire format, read to the last byte and in one spelling only.

A message is a list of fields, each a number and a wire type in a varint, then a value. Readers
differ in what they make of the spellings that the format allows besides the one that writers use: a
number in more bytes than it needs, a field number 0, a group, a value of another wire type than the
field has. Here all of them are refused, so that no two readers see two different files.

Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import NamedTuple

import numpy as np

from ..errors import BundleError

MAX_FIELDS = 50_000  # in a file; a model of a thousand layers has fewer
LONGEST_VARINT = 10  # bytes of 7 bits for a number of 64
LONGEST_KEY = 5  # bytes for a field number of 29 bits and a wire type of 3

AGAIN = "copy it again, or export it again"


class WireType(IntEnum):
    """How a value is written. Groups, 3 and 4, are deprecated and refused."""

    VARINT = 0
    FIXED64 = 1
    LENGTH = 2  # a length, then as many bytes: text, bytes, a message or packed numbers
    FIXED32 = 5


_WIRE_TYPES = {int(kind): kind for kind in WireType}  # a call of WireType takes much longer
_FIXED_BYTES = {WireType.FIXED64: 8, WireType.FIXED32: 4}


class Field(NamedTuple):
    """One field of a message: varints as an int, everything else as its bytes."""

    number: int
    wire_type: WireType
    value: int | bytes


def fields(message: bytes) -> Iterator[Field]:
    """Every field of a message in its order.

    Raises:
        BundleError: the bytes are no message, or one in a spelling that no writer uses.
    """
    at = 0
    for count in range(len(message) + 1):
        if at == len(message):
            return
        if count == MAX_FIELDS:
            raise too_many_fields()
        key, at = _varint(message, at, LONGEST_KEY)
        number = key >> 3
        wire_type = _wire_type(key & 7)
        if not number:
            raise _damaged()
        if wire_type is WireType.VARINT:
            value, at = _varint(message, at, LONGEST_VARINT)
            yield Field(number, wire_type, value)
            continue
        if wire_type is WireType.LENGTH:
            size, at = _varint(message, at, LONGEST_VARINT)
        else:
            size = _FIXED_BYTES[wire_type]
        if at + size > len(message):
            raise BundleError(f"this is no ONNX model, or one that is cut short; {AGAIN}")
        yield Field(number, wire_type, message[at : at + size])
        at += size


def count_of_packed(packed: bytes) -> int:
    """How many varints are packed one after another, each in as few bytes as it needs.

    Raises:
        BundleError: they are not.
    """
    values = np.frombuffer(packed, np.uint8)
    ends = np.flatnonzero(values < 0x80)
    if len(values) and (not len(ends) or ends[-1] != len(values) - 1):
        raise _damaged()
    lengths = np.diff(ends, prepend=-1)
    is_overlong = (lengths > 1) & (values[ends] == 0)
    if is_overlong.any() or (lengths > LONGEST_VARINT).any():
        raise _damaged()
    return len(ends)


def packed_varints(packed: bytes) -> list[int]:
    """The few numbers of a packed field.

    Raises:
        BundleError: as `count_of_packed`.
    """
    numbers = []
    at = 0
    while at < len(packed):
        number, at = _varint(packed, at, LONGEST_VARINT)
        numbers.append(number)
    return numbers


def _wire_type(code: int) -> WireType:
    if code not in _WIRE_TYPES:
        raise _damaged()
    return _WIRE_TYPES[code]


def _varint(data: bytes, at: int, longest: int) -> tuple[int, int]:
    """A number in base 128, lowest digits first, and where it ends."""
    if at < len(data) and data[at] < 0x80:  # most numbers are of one digit
        return data[at], at + 1
    value = 0
    for index in range(longest):
        if at + index >= len(data):
            raise _damaged()
        byte = data[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            is_overlong = index > 0 and byte == 0
            if is_overlong or value >= 2**64:
                raise _damaged()
            return value, at + index + 1
    raise _damaged()


def too_many_fields() -> BundleError:
    """The error for a file that takes longer to read than any model does."""
    return BundleError(
        f"the ONNX file holds more than {MAX_FIELDS:,} fields, as no model does; {AGAIN}"
    )


def _damaged() -> BundleError:
    return BundleError(f"this is no ONNX model, or a damaged one; {AGAIN}")
