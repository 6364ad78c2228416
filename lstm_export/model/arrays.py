"""The array type of this package, an array that is safe to share, and the digest of arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def sha256_of_arrays(arrays: Mapping[str, Array]) -> str:
    """Digest over names, shapes, types and bytes, the same on every machine and in any order."""
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.shape} {array.dtype.str}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def frozen(array: Array, dtype: str = "<f4") -> Array:
    """A read-only, contiguous copy of `array` in the given dtype.

    The array itself where it is such a copy.
    """
    array = np.asarray(array)
    flags = array.flags
    if array.dtype == dtype and flags.owndata and flags.c_contiguous and not flags.writeable:
        return array
    copy = np.array(array, dtype=dtype, order="C")
    copy.setflags(write=False)
    return copy
