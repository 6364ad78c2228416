"""The stages that take a square root, in whole numbers: equations that generated C must equal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....model import Array
from .arithmetic import LARGEST, in_int32
from .stages import Counter

NORM_BITS = 14  # of a normalised value: int32, Q17.14
ROOT_BITS = 15  # of a root, beside half of the bits of what it is taken of


def root_of(values: Array) -> tuple[Array, Array]:
    """The whole root of `values * 4^up`, and `up`.

    `values` is 0 to 2^31 - 1; `up`, 15 at most, brings it to 2^29 and more, so that the root has
    its full 15 or 16 bits.
    """
    up = np.zeros_like(values)
    for _ in range(15):
        is_small = values < 2**29
        values = np.where(is_small, values << 2, values)
        up = np.where(is_small, up + 1, up)
    root = np.floor(np.sqrt(values.astype(np.float64))).astype(np.int64)
    return root, up


@dataclass(frozen=True, eq=False)
class Root:
    """torch.sqrt, wide to wide: half of the bits after the point, and `ROOT_BITS`; 0 below 0."""

    def apply(self, values: Array, counter: Counter) -> Array:
        root, up = root_of(np.maximum(values, 0))
        return in_int32(root << (ROOT_BITS - up))


@dataclass(frozen=True, eq=False)
class LayerNorm:
    """torch.nn.LayerNorm or RMSNorm without weight and bias, narrow to wide Q17.14.

    Attributes:
        eps: in the format of the squared values.
        is_centred: whether the mean is taken off, as LayerNorm does.
    """

    eps: int
    is_centred: bool = True

    def apply(self, values: Array, counter: Counter) -> Array:
        size = values.shape[-1]
        if self.is_centred:
            total = values.sum(axis=-1, keepdims=True)  # (..., 1)
            mean = (total + size // 2) // size  # to the nearest
            values = values - mean
        centred = np.clip(values, -LARGEST, LARGEST)  # int16 again: its square stays in int32
        squares = (centred**2).sum(axis=-1, keepdims=True) // size
        variance = np.clip(squares + self.eps, 1, 2**31 - 1)
        root, up = root_of(variance)
        inverse = 2**30 // root  # 2^(30 - up) over the standard deviation
        norm: Array = in_int32(centred * inverse) >> (30 - NORM_BITS - up)
        return norm
