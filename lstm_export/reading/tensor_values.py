"""The values of tensors, taken from the bytes that are really there: dense, finite, float32."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from ..errors import CheckpointError, quoted
from ..model import Array
from .stored_tensors import NUMPY, Tensor
from .torch_files import Storages

LARGEST_WEIGHTS = 256 * 2**20  # bytes of all tensors together, as float32; no artifact may be larger
MOST_TENSORS = 10_000
MOST_REPEATS = 16  # how often the tensors may use each stored byte, counted as float32: tied weights do
FLOATS = ("float32", "float64", "float16", "bfloat16")


def read_arrays(
    tensors: Mapping[str, Tensor], storages: Storages, order: str = "<"
) -> tuple[dict[str, Array], dict[str, Array], tuple[str, ...]]:
    """Float32 arrays, the arrays of other types, and a note for each float type that was cast.

    Args:
        tensors: by name.
        storages: the bytes of a storage, by its key.
        order: `<` or `>`, how the numbers are written.

    Raises:
        CheckpointError: a tensor is not dense, claims more than is there, or holds what float32 cannot.
    """
    _check_claims(tensors)
    arrays, buffers, cast = {}, {}, set()
    stored: dict[str, int] = {}
    claimed = 0
    for name, tensor in tensors.items():
        storage = storages(tensor.storage) if tensor.data is None else tensor.data
        stored[tensor.storage] = len(storage)
        claimed += 4 * prod(tensor.shape)
        if claimed > MOST_REPEATS * sum(stored.values()) + 2**16:
            raise CheckpointError(f"its tensors claim {claimed:,} bytes of {sum(stored.values()):,}; it was altered")
        array = _values(name, tensor, storage, order)
        if tensor.dtype in FLOATS:
            arrays[name] = as_float32(name, array)
            cast.add(tensor.dtype)
        else:
            buffers[name] = array
    return arrays, buffers, tuple(f"{dtype} weights were cast to float32" for dtype in sorted(cast - {"float32"}))


def _check_claims(tensors: Mapping[str, Tensor]) -> None:
    """Refuse what is no plain tensor, or too many values, before any of them is read."""
    total = 0
    if len(tensors) > MOST_TENSORS:
        raise CheckpointError(f"it holds {len(tensors):,} tensors, expected at most {MOST_TENSORS:,}; it was altered")
    for name, tensor in tensors.items():
        if tensor.fault:
            raise CheckpointError(f"{quoted(name)} is {tensor.fault}")
        if tensor.dtype not in FLOATS and name.rpartition(".")[2].startswith(("weight", "bias")):
            raise CheckpointError(
                f"{quoted(name)} is {tensor.dtype}, expected float weights; save them before quantizing"
            )
        total += 4 * prod(tensor.shape)
    if total > LARGEST_WEIGHTS:
        raise CheckpointError(
            f"its tensors hold {total:,} bytes as float32, expected at most {LARGEST_WEIGHTS:,}, the largest artifact"
        )


def _values(name: str, tensor: Tensor, storage: Array, order: str) -> Array:
    """The values of a tensor, a view of its storage where it can be one; bfloat16 comes as float32."""
    dtype = np.dtype(order + NUMPY[tensor.dtype])
    values = storage[: len(storage) // dtype.itemsize * dtype.itemsize].view(dtype)
    count = prod(tensor.shape)
    if not count:
        return np.zeros(tensor.shape, dtype)
    last = tensor.offset + sum((size - 1) * step for size, step in zip(tensor.shape, tensor.strides, strict=True))
    if last >= len(values) or _repeats(tensor):
        raise CheckpointError(
            f"{quoted(name)} claims {count:,} values and stores fewer: it was altered, or must be saved as .clone()"
        )
    steps = tuple(dtype.itemsize * step for step in tensor.strides)
    array = np.lib.stride_tricks.as_strided(values[tensor.offset :], tensor.shape, steps, writeable=False)
    if tensor.dtype == "bfloat16":  # the upper half of a float32
        return (array.astype("<u4") << 16).view("<f4")
    return array


def _repeats(tensor: Tensor) -> bool:
    """Whether two indices meet the same value: from the smallest stride up, each must step over all before."""
    reach = 1
    for step, size in sorted(zip(tensor.strides, tensor.shape, strict=True)):
        if size > 1:
            if step < reach:
                return True
            reach += (size - 1) * step
    return False


def as_float32(name: str, array: Array) -> Array:
    """The array as finite float32, read-only.

    Raises:
        CheckpointError: a value is NaN or infinite, or too large for float32.
    """
    with np.errstate(over="ignore"):  # looked for below
        cast = np.ascontiguousarray(array, "<f4").reshape(array.shape)
    if not np.isfinite(cast).all():
        place = tuple(int(axis[0]) for axis in np.nonzero(~np.isfinite(cast)))
        where = f"{quoted(name)[1:-1]}{list(place) if place else ''}"
        if np.isfinite(array[place]):
            raise CheckpointError(f"{where} is {array[place]:.3g}, which float32 cannot hold")
        raise CheckpointError(f"{where} is {array[place]}: the training diverged, or the file was damaged")
    cast.setflags(write=False)
    return cast
