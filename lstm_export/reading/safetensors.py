"""safetensors files: the length of a JSON header, the header, the values.

The format: https://github.com/huggingface/safetensors
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import prod
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ..errors import CheckpointError, quoted
from ..model import Array
from .contents import Contents
from .found_objects import check_name
from .places import beneath
from .stored_tensors import MOST_AXES, NUMPY, Tensor
from .tensor_values import read_arrays

LARGEST_HEADER = 2 * 2**20  # bytes
_LENGTH_SIZE = 8  # bytes of the header's length, before the header
_FARTHEST = 2**40  # no size and no place in a file is beyond it
_FAULT = "the safetensors header is damaged ({}); copy or save the file again"
_DTYPES = {
    "F32": "float32",
    "F64": "float64",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}


class _Place(NamedTuple):
    """A tensor, and where its bytes lie after the header."""

    tensor: Tensor
    start: int
    end: int


def looks_like_safetensors(head: bytes, length: int) -> bool:
    """Eight bytes that give a length below that of the file, then JSON."""
    if len(head) <= _LENGTH_SIZE or head[_LENGTH_SIZE : _LENGTH_SIZE + 1] != b"{":
        return False
    return int.from_bytes(head[:_LENGTH_SIZE], "little") <= length


def read_safetensors(file: BinaryIO, key: str | None = None) -> Contents:
    """The arrays of a safetensors file; its `__metadata__` are the facts.

    Args:
        key: the place of the one module that is meant, such as `ema_model`.

    Raises:
        CheckpointError: the header is damaged, or does not fit the bytes that follow it; or
            nothing lies under `key`.
    """
    length = file.seek(0, 2)
    file.seek(0)
    size = int.from_bytes(file.read(_LENGTH_SIZE), "little")
    if size > LARGEST_HEADER:
        raise CheckpointError(
            f"the safetensors header has {size:,} bytes, expected at most {LARGEST_HEADER:,}; "
            "copy or save the file again"
        )
    header = _header(file.read(size))
    facts = _metadata(header)
    places = {name: _place(name, entry) for name, entry in header.items() if name != "__metadata__"}
    values_start = _LENGTH_SIZE + size
    _check_layout(places, length - values_start)
    if not places:
        raise CheckpointError("the safetensors file holds no tensors; save the model's state_dict")

    def storage(name: str) -> Array:
        place = places[name]
        file.seek(values_start + place.start)
        return np.frombuffer(file.read(place.end - place.start), np.uint8)

    tensors = {name: place.tensor for name, place in places.items()}
    shared = _shared_names(facts, tensors)
    tensors = _named(tensors, shared, key)
    arrays, buffers, notes = read_arrays(tensors, storage)
    notes = (*notes, *_shared_notes(shared))
    return Contents(arrays, buffers, "safetensors", notes, facts=facts)


def _named(
    tensors: Mapping[str, Tensor], shared: Mapping[str, str], key: str | None
) -> dict[str, Tensor]:
    """The tensors under all their names, or those of the one module that is meant."""
    named = dict(tensors)
    if shared:
        named |= {name: tensors[kept] for name, kept in shared.items()}
        named = dict(sorted(named.items()))  # as save_model sorts the names that it keeps
    for name in named:
        check_name(name)
    return _beneath(named, key) if key and key != "." else named


def _beneath(tensors: Mapping[str, Tensor], key: str) -> dict[str, Tensor]:
    found = beneath(tensors, key)
    if not found:
        raise CheckpointError(f"there are no tensors under {quoted(key)}; leave out --key")
    return found


def _shared_names(facts: Mapping[str, str], tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Names of shared weights that the file lacks, and the name that each is stored under.

    `safetensors.torch.save_model` writes a shared weight once, and `{lost name: kept name}` into
    `__metadata__`, among whatever else stands there.
    """
    return {name: kept for name, kept in facts.items() if kept in tensors and name not in tensors}


def _shared_notes(shared: Mapping[str, str]) -> list[str]:
    if not shared:
        return []
    name, kept = next(iter(shared.items()))
    more = f", and {len(shared) - 1} more" if len(shared) > 1 else ""
    return [f"{name} is stored once, as {kept}, which shares its values{more}"]


def _header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or nested too deep
        raise CheckpointError(_FAULT.format("no JSON")) from error
    if not isinstance(header, dict):
        raise CheckpointError(_FAULT.format("no JSON object"))
    return header


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise CheckpointError(_FAULT.format("a name stands there twice"))
    return entries


def _metadata(header: Mapping[str, Any]) -> dict[str, str]:
    facts = header.get("__metadata__", {})
    if not isinstance(facts, dict) or not all(isinstance(value, str) for value in facts.values()):
        raise CheckpointError(_FAULT.format("__metadata__ is not text"))
    return facts


def _place(name: str, entry: Any) -> _Place:
    match entry:
        case {
            "dtype": str(code),
            "shape": list(shape),
            "data_offsets": [int(start), int(end)],
            **others,
        } if not others:
            return _Place(_tensor(name, code, shape, start, end), start, end)
    raise CheckpointError(_FAULT.format(f"{quoted(name)} lacks dtype, shape or data_offsets"))


def _tensor(name: str, code: str, shape: list[Any], start: int, end: int) -> Tensor:
    """The tensor as its entry describes it, its storage under its own name."""
    if not 0 <= start <= end < _FARTHEST:
        raise CheckpointError(_FAULT.format(f"{quoted(name)} has no sensible place"))
    if code not in _DTYPES:
        known = ", ".join(_DTYPES)
        return Tensor(fault=f"a tensor of type {code[:20]!a}, expected one of {known}")
    is_sensible = all(type(size) is int and 0 <= size < _FARTHEST for size in shape)
    if not is_sensible or len(shape) > MOST_AXES:
        raise CheckpointError(_FAULT.format(f"{quoted(name)} has no sensible shape"))
    dtype = _DTYPES[code]
    count = prod(shape)
    if end - start != count * np.dtype(NUMPY[dtype]).itemsize:
        what = f"{quoted(name)} claims {count:,} values in {end - start:,} bytes"
        raise CheckpointError(_FAULT.format(what))
    # row by row: a step along an axis passes all values of the axes behind it
    strides = tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))
    return Tensor(dtype, name, 0, tuple(shape), strides)


def _check_layout(places: Mapping[str, _Place], length: int) -> None:
    """The tensors fill what follows the header, one after the other, as the format demands."""
    at = 0
    for place in sorted(places.values(), key=lambda place: (place.start, place.end)):
        if place.start != at or place.end < place.start:
            raise CheckpointError(_FAULT.format("its tensors overlap, or leave a hole"))
        at = place.end
    if at != length:
        raise CheckpointError(
            f"the safetensors file holds {length:,} bytes of values, its header says {at:,}; "
            "it was cut or altered, copy it again"
        )
