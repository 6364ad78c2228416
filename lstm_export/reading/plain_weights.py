"""Weights that are no tensors: numpy arrays and lists of numbers, as pickles and JSON hold."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import prod
from typing import Any

import numpy as np

from ..model import Array
from .stored_tensors import MOST_AXES, NUMPY, Tensor, as_numpy

LARGEST_ARRAY = 32 * 2**20  # bytes of one numpy array; no pickle is larger
MOST_NUMBERS = 8_000_000  # of all arrays and lists of a file

_RECURRENT = re.compile(r"(.*\.)?weight_(ih|hh)_l\d+(_reverse)?")
_TORCH = {np.dtype(code): name for name, code in NUMPY.items() if name != "bfloat16"}


def names_weights(keys: Iterable[Any]) -> bool:
    """Whether keys are those of a state_dict with a recurrent module."""
    return any(isinstance(key, str) and _RECURRENT.fullmatch(key) for key in keys)


def array_tensor(value: Any) -> Tensor | None:
    """A numpy array of a pickle as a tensor; None for anything else, and for single values."""
    array = as_numpy(value, LARGEST_ARRAY)
    if array is None or not array.ndim:
        return None
    return _tensor(array)


def list_size(value: Any) -> int:
    """How many numbers nested lists hold by the lengths of their first elements; 0 for others."""
    shape = _shape(value)
    return prod(shape) if shape else 0


def list_tensor(value: Any) -> Tensor | None:
    """Nested lists of numbers as a float64 tensor; None where they are none.

    Takes `list_size` steps: whoever calls it keeps count.
    """
    shape = _shape(value)
    if shape is None:
        return None
    numbers: list[Any] = value
    for size in shape[1:]:
        if any(not isinstance(row, list) or len(row) != size for row in numbers):
            return None
        numbers = [number for row in numbers for number in row]
    if not all(type(number) in (int, float) for number in numbers):
        return None
    try:
        return _tensor(np.array(numbers, np.float64).reshape(shape))
    except OverflowError:  # an integer that no float holds
        return None


def _shape(value: Any) -> tuple[int, ...] | None:
    """Lengths along the first elements."""
    shape: list[int] = []
    while isinstance(value, list):
        if not value or len(shape) == MOST_AXES:
            return None
        shape.append(len(value))
        value = value[0]
    return tuple(shape) or None


def _tensor(array: Array) -> Tensor | None:
    """The array in a storage of its own."""
    dtype = _TORCH.get(array.dtype.newbyteorder("="))
    if dtype is None:
        return None
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    strides = tuple(stride // little.itemsize for stride in little.strides)
    data = little.reshape(-1).view(np.uint8)
    return Tensor(dtype, f"array {id(data)}", 0, little.shape, strides, data=data)
