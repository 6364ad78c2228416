"""A matrix of int16 or int8 weights with a power of two a row, and how a float one is rounded."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ....errors import BundleError, UnsupportedModel
from ....model import Array
from .arithmetic import LARGEST, SUM_BITS, float64, in_int32, nearest

MOST_COLUMNS = 2048
# Products that are summed before a shift, by bits of a weight. The weights are bounded for it: the
# fewer products of int16 there are, the finer the weights can be, and the longer it takes. A whole
# row of int8 stays in int32.
LAYER_CHUNK = {16: 16, 8: MOST_COLUMNS}
FINE_CHUNK = {16: 4, 8: MOST_COLUMNS}  # of what every error goes straight into the answer from
# Right shift of a chunk's sum, so that the sums of 256 chunks stay in int32.
CHUNK_SHIFT = {16: 8, 8: 0}
CHUNK_NORM = 65535  # sum of |weight| in a chunk: times 32768 it stays below 2^31
ROW_NORM = 2**23  # sum of |weight| in a row: times 32768, shifted by 8, it stays below 2^30
# The largest weight that a row's power of two is chosen for. Of int8 it is held as 127, at most a
# unit too small: so a row that reaches just below a power of two keeps its last bit, as many do
# with the weights that torch.nn begins with, of 64 or 256 units.
WEIGHT_LIMIT = {16: LARGEST, 8: 127.999}
LARGEST_SHIFT = 31
SMALLEST = 1e-300  # a row of zeros has a scale, too
REACH = 2.0**29  # |sum| of a row; x, h and the bias together stay in int32


@dataclass(frozen=True)
class Storage:
    """How weights are held.

    Attributes:
        bits: 16 or 8.
        up: by a matrix's name which of its weights are rounded upwards, the others downwards (see
            `packed`). A matrix that is not in it is rounded to the nearest.
    """

    bits: int
    up: Mapping[str, str] = field(default_factory=dict)

    def rounded(self, name: str, exact: Array) -> Array:
        """A matrix in whole numbers.

        Raises:
            BundleError: `up` is of a matrix of another size.
        """
        if name not in self.up:
            return self._held(np.rint(exact))
        try:
            data = base64.b64decode(self.up[name] + "==", altchars=b"_.")
        except ValueError:
            data = b""
        if len(data) != -(-exact.size // 8):
            fault = f"the rounding of {name} in this C source does not fit the model"
            raise BundleError(f"{fault}; export it again")
        is_up = np.unpackbits(np.frombuffer(data, np.uint8), count=exact.size)
        return self._held(np.floor(exact) + is_up.reshape(exact.shape))

    def _held(self, whole: Array) -> Array:
        """int64, no weight beyond the largest that there is room for."""
        largest = 2 ** (self.bits - 1) - 1
        held: Array = np.clip(whole, -largest, largest).astype(np.int64)
        return held


def packed(is_up: Array) -> str:
    """Which weights are rounded upwards, a bit each, row by row, in base64 with `_` and `.`."""
    data = np.packbits(is_up.ravel()).tobytes()
    return base64.b64encode(data, altchars=b"_.").decode("ascii").rstrip("=")


@dataclass(frozen=True, eq=False)
class Rows:
    """Whole weights.

    Attributes:
        name: of the matrix.
        exact: float64 `(rows, columns)`: the weights before they are rounded.
        weight: int64 `(rows, columns)`, within int16 or int8.
        shift: `(rows,)`: a row's sum of chunks is shifted right by it, into the stage's format.
        chunk: products that are summed before a shift.
        chunk_shift: that of every chunk's sum before.
        exponents: `(rows, columns)`: a weight stands for its whole number times 2^-exponent.
    """

    name: str
    exact: Array
    weight: Array
    shift: Array
    chunk: int
    chunk_shift: int
    exponents: Array

    @property
    def values(self) -> Array:
        """What the whole weights stand for, float64 `(rows, columns)`."""
        stood_for: Array = self.weight * 2.0**-self.exponents
        return stood_for

    def sums(self, values: Array) -> Array:
        """int16 `(..., columns)` -> int32 `(..., rows)`."""
        count, columns = self.weight.shape
        chunk = min(self.chunk, columns)
        padding = -columns % chunk
        at_the_end = ((0, 0), (0, padding))  # of the columns
        # Float64 holds products and sums of int32 exactly, and has a fast product.
        weight = np.pad(self.weight, at_the_end).astype(np.float64)
        by_chunk = weight.reshape(count, -1, chunk).transpose(1, 2, 0)  # (chunks, chunk, rows)
        flat = np.pad(values.reshape(-1, columns), at_the_end).astype(np.float64)
        parts = flat.reshape(len(flat), -1, chunk).swapaxes(0, 1)  # (chunks, batch, chunk)
        chunks = in_int32((parts @ by_chunk).astype(np.int64))  # (chunks, batch, rows)
        total = in_int32((chunks >> self.chunk_shift).sum(axis=0))
        return (total >> self.shift).reshape(*values.shape[:-1], count)


@dataclass(frozen=True)
class RowBits:
    """How finely a float matrix can be held.

    Attributes:
        product: `(rows,)`: bits after the point of a product of weight and value.
        sums: the most bits after the point of a row's sum for which every shift is 0 or more.
    """

    product: Array
    sums: int


def row_bits(
    weight: Array, value_bits: Array, bits: int, chunks: Mapping[int, int] = LAYER_CHUNK
) -> RowBits:
    """The finest power of two a row.

    Args:
        weight: float64 `(rows, columns)`.
        value_bits: `(columns,)`: bits after the point of the values that it is multiplied with.
        bits: of a whole weight, 16 or 8.
        chunks: products that are summed before a shift, by bits of a weight.

    Raises:
        UnsupportedModel: there are too many columns.
    """
    columns = weight.shape[1]
    chunk = min(chunks[bits], columns)
    if columns > MOST_COLUMNS:
        fault = f"a row of {columns} weights, whole numbers take {MOST_COLUMNS}"
        raise UnsupportedModel(f"{fault}; export it in float")
    scaled = np.abs(weight) * 2.0**-value_bits  # of a weight, in units of 2^product
    by_weight = np.log2(WEIGHT_LIMIT[bits] / (scaled.max(axis=1) + SMALLEST))
    starts = range(0, columns, chunk)
    norms = [scaled[:, start : start + chunk].sum(axis=1) for start in starts]  # (rows,) each
    # Rounding adds a unit a weight to a norm, at most.
    by_chunk = np.log2((CHUNK_NORM - chunk) / (np.maximum.reduce(norms) + SMALLEST))
    by_row = np.log2((ROW_NORM - columns) / (scaled.sum(axis=1) + SMALLEST))
    shift = CHUNK_SHIFT[bits]
    finest = np.minimum.reduce([by_weight, by_chunk, by_row])
    product = np.floor(finest).astype(np.int64)
    product = np.minimum(product, SUM_BITS + shift + LARGEST_SHIFT)
    return RowBits(product, int((product - shift).min()))


def whole_rows(  # noqa: PLR0913, PLR0917 - a matrix and the formats around it
    name: str,
    weight: Array,
    value_bits: Array,
    storage: Storage,
    sum_bits: int,
    chunks: Mapping[int, int] = LAYER_CHUNK,
) -> Rows:
    """The weights as whole numbers; sums get `sum_bits` after the point."""
    bits = storage.bits
    product = row_bits(weight, value_bits, bits, chunks).product
    # A row of tiny weights gains nothing from more bits than a shift can take away.
    product = np.minimum(product, sum_bits + CHUNK_SHIFT[bits] + LARGEST_SHIFT)
    exponents = product[:, np.newaxis] - value_bits
    exact = weight * 2.0**exponents  # (rows, columns), what the whole weights come nearest to
    whole = storage.rounded(name, exact)
    shift = product - CHUNK_SHIFT[bits] - sum_bits
    return Rows(name, exact, whole, shift, chunks[bits], CHUNK_SHIFT[bits], exponents)


def reach(weight: Array, value_bits: Array) -> float:
    """The largest |sum| of a row over all values of int16."""
    widest = 2.0 ** (15 - value_bits)  # (columns,), the largest |value| that int16 holds
    largest = np.abs(weight) * widest
    return float(largest.sum(axis=1).max())


def whole_bias(bias: Array, sum_bits: int) -> Array:
    """Rounded to `sum_bits` after the point."""
    return nearest(float64(bias) * 2.0**sum_bits)
