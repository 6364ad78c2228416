"""safetensors files: the length of a JSON header, the header, the values (github.com/huggingface/safetensors)."""

from __future__ import annotations

import json
from math import prod
from typing import Any, BinaryIO

import numpy as np

from ..errors import CheckpointError, quoted
from ..model import Array
from .contents import Contents
from .stored_tensors import MOST_AXES, NUMPY, Tensor
from .tensor_values import read_arrays

LARGEST_HEADER = 2 * 2**20  # bytes
_DTYPES = {"F32": "float32", "F64": "float64", "F16": "float16", "BF16": "bfloat16"}
_DTYPES |= {"I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool"}
_FAULT = "the safetensors header is damaged ({}); copy or save the file again"


def looks_like_safetensors(head: bytes, length: int) -> bool:
    """Eight bytes that give a length below that of the file, then JSON."""
    return len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= length


def read_safetensors(file: BinaryIO) -> Contents:
    """The arrays of a safetensors file; its `__metadata__` are the facts.

    Raises:
        CheckpointError: the header is damaged, or does not fit the bytes that follow it.
    """
    length = file.seek(0, 2)
    file.seek(0)
    size = int.from_bytes(file.read(8), "little")
    if size > LARGEST_HEADER:
        raise CheckpointError(f"the safetensors header has {size:,} bytes, expected at most {LARGEST_HEADER:,}")
    header = _header(file.read(size))
    facts = header.pop("__metadata__", {})
    if not isinstance(facts, dict) or not all(isinstance(value, str) for value in facts.values()):
        raise CheckpointError(_FAULT.format("__metadata__ is not text"))
    places = {name: _place(name, entry) for name, entry in header.items()}
    _check_layout({name: place[1:] for name, place in places.items()}, length - 8 - size)

    def storage(name: str) -> Array:
        start, end = places[name][1:]
        file.seek(8 + size + start)
        return np.frombuffer(file.read(end - start), np.uint8)

    if not places:
        raise CheckpointError("the safetensors file holds no tensors")
    arrays, buffers, notes = read_arrays({name: place[0] for name, place in places.items()}, storage)
    return Contents(arrays, buffers, "safetensors", notes, facts=facts)


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or nested too deep
        raise CheckpointError(_FAULT.format("no JSON")) from error
    if not isinstance(header, dict):
        raise CheckpointError(_FAULT.format("no JSON object"))
    return header


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise CheckpointError(_FAULT.format("a name stands there twice"))
    return dict(pairs)


def _place(name: str, entry: Any) -> tuple[Tensor, int, int]:
    """One tensor, and where its bytes start and end."""
    match entry:
        case {"dtype": str(code), "shape": list(shape), "data_offsets": [int(start), int(end)], **others} if not others:
            if not 0 <= start <= end < 2**40:
                raise CheckpointError(_FAULT.format(f"{quoted(name)} has no sensible place"))
        case _:
            raise CheckpointError(_FAULT.format(f"{quoted(name)} lacks dtype, shape or data_offsets"))
    if code not in _DTYPES:
        known = ", ".join(_DTYPES)
        return Tensor(fault=f"a tensor of type {code[:20]!a}, expected one of {known}"), start, end
    if not all(type(size) is int and 0 <= size < 2**40 for size in shape) or len(shape) > MOST_AXES:
        raise CheckpointError(_FAULT.format(f"{quoted(name)} has no sensible shape"))
    if end - start != prod(shape) * np.dtype(NUMPY[_DTYPES[code]]).itemsize:
        raise CheckpointError(_FAULT.format(f"{quoted(name)} claims {prod(shape):,} values in {end - start:,} bytes"))
    strides = tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))
    return Tensor(_DTYPES[code], name, 0, tuple(shape), strides), start, end


def _check_layout(places: dict[str, tuple[int, int]], length: int) -> None:
    """The tensors fill what follows the header, one after the other, as the format demands."""
    at = 0
    for start, end in sorted(places.values()):
        if start != at or end < start:
            raise CheckpointError(_FAULT.format("its tensors overlap, or leave a hole"))
        at = end
    if at != length:
        raise CheckpointError(
            f"the safetensors file holds {length:,} bytes of values, its header says {at:,}; it was "
            "cut or altered, copy it again"
        )
