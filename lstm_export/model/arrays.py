"""The array type of this package, and the one way to make an array safe to share."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


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
