"""The values of tensors, taken from the bytes that are really there: dense, finite, float32."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from ..errors import CheckpointError, quoted
from ..model import Array
from .stored_tensors import NUMPY, Tensor
from .torch_files import Storages

LARGEST_WEIGHTS = 256 * 2**20  # bytes of all tensors as float32; no artifact may be larger
MOST_TENSORS = 10_000
MOST_REPEATS = 16  # how often tensors may use a stored byte, counted as float32: tied weights do
FLOATS = ("float32", "float64", "float16", "bfloat16")
_FREE_CLAIM = 2**16  # bytes that may be claimed whatever is stored


def read_arrays(
    tensors: Mapping[str, Tensor], storages: Storages, order: str = "<"
) -> tuple[dict[str, Array], dict[str, Array], tuple[str, ...]]:
    """Float32 arrays, the arrays of other types, and a note for each float type that was cast.

    Args:
        tensors: by name.
        storages: the bytes of a storage, by its key.
        order: `<` or `>`, how the numbers are written.

    Raises:
        CheckpointError: a tensor is not dense, claims more than is there, or holds what float32
            cannot.
    """
    _check_claims(tensors)
    arrays: dict[str, Array] = {}
    buffers: dict[str, Array] = {}
    cast_from: set[str] = set()
    stored: dict[str, int] = {}  # bytes by storage
    claimed = 0  # bytes as float32
    for name, tensor in tensors.items():
        storage = tensor.data if tensor.data is not None else storages(tensor.storage)
        stored[tensor.storage] = len(storage)
        claimed += 4 * prod(tensor.shape)
        _check_repeats(claimed, sum(stored.values()))
        array = _values(name, tensor, storage, order)
        if tensor.dtype in FLOATS:
            arrays[name] = as_float32(name, array)
            cast_from.add(tensor.dtype)
        else:
            buffers[name] = array
    cast_from.discard("float32")
    notes = tuple(f"{dtype} weights were cast to float32" for dtype in sorted(cast_from))
    return arrays, buffers, notes


def _check_repeats(claimed: int, stored: int) -> None:
    if claimed > MOST_REPEATS * stored + _FREE_CLAIM:
        raise CheckpointError(f"its tensors claim {claimed:,} bytes of {stored:,}; it was altered")


def _check_claims(tensors: Mapping[str, Tensor]) -> None:
    """Refuse what is no plain tensor, or too many values, before any of them is read."""
    if len(tensors) > MOST_TENSORS:
        raise CheckpointError(
            f"it holds {len(tensors):,} tensors, expected at most {MOST_TENSORS:,}; it was altered"
        )
    total = 0  # bytes as float32
    for name, tensor in tensors.items():
        _check_plain(name, tensor)
        total += 4 * prod(tensor.shape)
    if total > LARGEST_WEIGHTS:
        raise CheckpointError(
            f"its tensors hold {total:,} bytes as float32, expected at most {LARGEST_WEIGHTS:,}, "
            "the largest artifact"
        )


def _check_plain(name: str, tensor: Tensor) -> None:
    if tensor.fault:
        raise CheckpointError(f"{quoted(name)} is {tensor.fault}")
    is_weight = name.rpartition(".")[2].startswith(("weight", "bias"))
    if is_weight and tensor.dtype not in FLOATS:
        raise CheckpointError(
            f"{quoted(name)} is {tensor.dtype}, expected float weights; save them before quantizing"
        )


def _values(name: str, tensor: Tensor, storage: Array, order: str) -> Array:
    """The values of a tensor, a view of its storage where possible; bfloat16 comes as float32."""
    dtype = np.dtype(order + NUMPY[tensor.dtype])
    whole_bytes = len(storage) // dtype.itemsize * dtype.itemsize  # it may end within a value
    values = storage[:whole_bytes].view(dtype)
    count = prod(tensor.shape)
    if not count:
        return np.zeros(tensor.shape, dtype)
    if _last_index(tensor) >= len(values) or _repeats(tensor):
        raise CheckpointError(
            f"{quoted(name)} claims {count:,} values and stores fewer: it was altered, or must be "
            "saved as .clone()"
        )
    start = values[tensor.offset :]
    byte_strides = tuple(dtype.itemsize * stride for stride in tensor.strides)
    array = np.lib.stride_tricks.as_strided(start, tensor.shape, byte_strides, writeable=False)
    if tensor.dtype == "bfloat16":  # the upper half of a float32
        return (array.astype("<u4") << 16).view("<f4")
    return array


def _last_index(tensor: Tensor) -> int:
    """Index in the storage of the value that lies farthest."""
    last = tensor.offset
    for size, stride in zip(tensor.shape, tensor.strides, strict=True):
        last += (size - 1) * stride
    return last


def _repeats(tensor: Tensor) -> bool:
    """Whether two indices meet the same value.

    They do not where each stride, from the smallest up, steps over all that those before reach.
    """
    reach = 1
    for stride, size in sorted(zip(tensor.strides, tensor.shape, strict=True)):
        if size == 1:
            continue
        if stride < reach:
            return True
        reach += (size - 1) * stride
    return False


def as_float32(name: str, array: Array) -> Array:
    """The array as finite float32, read-only.

    Raises:
        CheckpointError: a value is NaN or infinite, or too large for float32.
    """
    with np.errstate(over="ignore"):  # looked for below
        # numpy makes an array () one of (1,)
        cast = np.ascontiguousarray(array, "<f4").reshape(array.shape)
    faulty = ~np.isfinite(cast)
    if faulty.any():
        place = tuple(int(axis[0]) for axis in np.nonzero(faulty))
        raise CheckpointError(_value_fault(name, place, array[place]))
    cast.setflags(write=False)
    return cast


def _value_fault(name: str, place: tuple[int, ...], value: float) -> str:
    index = list(place) if place else ""
    where = f"{quoted(name)[1:-1]}{index}"
    if np.isfinite(value):
        return f"{where} is {value:.3g}, which float32 cannot hold"
    return f"{where} is {value}: the training diverged, or the file was damaged"
