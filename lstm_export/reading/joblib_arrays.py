"""Arrays as joblib writes them: their bytes stand in the stream, after the object that wraps them.

The form is that of joblib's numpy_pickle.py: the wrapper's state names shape, order and dtype.
After it come, where the state has `numpy_array_alignment_bytes`, a byte that gives the length of a
padding, and the padding; then the values. An array of objects, such as names of columns, follows as
a pickle of its own.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from .pickle_records import ForeignPickle, Instance, PickleFault

JOBLIB_ARRAY = "joblib.numpy_pickle.NumpyArrayWrapper"
_NUMBERS = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1")
_FARTHEST = 2**40  # no size is beyond it


_OBJECTS = ("O", "O4", "O8")


def holds_objects(state: Any) -> bool:
    """Whether the wrapper with this state is of an array of objects."""
    match state:
        case {"dtype": Instance(kind="numpy.dtype", args=(str(code), *_))}:
            return code in _OBJECTS
    return False


def numpy_dtype(value: Any) -> np.dtype[Any] | None:
    """`numpy.dtype("f8", ...)` with state `(3, "<", ...)`; numbers and booleans alone."""
    if not isinstance(value, Instance) or value.kind != "numpy.dtype":
        return None
    match value.args:
        case (str(code), *_) if code in _NUMBERS:
            pass
        case _:
            return None
    match value.state:
        case (_, ">", *_):
            return np.dtype(f">{code}")
    return np.dtype(f"<{code}")


def take_array(data: bytes, at: int, state: Any) -> tuple[bytes, int]:
    """The bytes of the array whose wrapper ends at `at`, and where they end.

    Raises:
        ForeignPickle: the array holds neither numbers nor objects, such as dates.
        PickleFault: the wrapper is not as joblib writes it, or the data end too soon.
    """
    match state:
        case {"shape": tuple(shape), "dtype": dtype}:
            pass
        case _:
            raise PickleFault("an array of joblib has no shape")
    kind = numpy_dtype(dtype)
    if kind is None:
        raise ForeignPickle("is a dump of joblib with arrays of neither numbers nor objects")
    if not all(type(size) is int and 0 <= size < _FARTHEST for size in shape):
        raise PickleFault("an array of joblib has no sensible shape")
    start = at
    if "numpy_array_alignment_bytes" in state:
        padding = data[at] if at < len(data) else 0
        start = at + 1 + padding
    end = start + prod(shape) * kind.itemsize
    if end > len(data):
        raise PickleFault("it ends too soon")
    return data[start:end], end
