"""The arithmetic of 32-bit whole numbers that C and NumPy share: every result fits int32.

Formats are written Qm.n, as CMSIS-NN does: a value is the whole number times 2^-n. Values are held
as int64 here so that an overflow shows: `in_int32` is where it would. `>>` rounds downwards.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ....model import Array

VALUE_BITS = 15  # h of an unprojected layer, tanh: int16, Q0.15
GATE_BITS = 16  # sigmoid: 1 to 65535, Q0.16
SUM_BITS = 20  # at most, of the sums of a stage: int32, Q11.20
CELL_BITS = 24  # c of an LSTM, and h of a GRU beside its int16: int32, Q7.24
CELL_LIMIT = 2**30 - 1  # |c| stays below 64, so that f * c + i * g stays in int32
GUARD_BITS = 4  # of a wide value beyond the int16 that it is then rounded to
LARGEST = 32767
TABLE_RANGE = 8  # tanh is tabled from -8 to 8; beyond it is 1
PIECE_BITS = 6  # a piece is 1 / 64 wide
FRACTION_BITS = SUM_BITS - PIECE_BITS
TABLE_BITS = 22  # the table's own values: int32, Q9.22
HALF_STEP = 2 ** (TABLE_BITS - VALUE_BITS - 1)  # of Q0.15
SUM_LIMIT = TABLE_RANGE << SUM_BITS


def tanh_table() -> Array:
    """`(2 * 8 * 64 + 1,)` of Q9.22: tanh at the ends of the pieces.

    A chord lies beside its arc by w^2 / 12 times the curvature in the mean, w the piece's width:
    the ends are moved by as much, and by half a step of Q0.15, so that a shift rounds.
    """
    count = TABLE_RANGE << PIECE_BITS
    width = 2.0**-PIECE_BITS
    exact = np.tanh(np.arange(-count, count + 1) * width)
    curvature = -2 * exact * (1 - exact**2)
    moved = exact - curvature * width**2 / 12
    # Nothing may round to 1.
    largest = 2**TABLE_BITS - 2 * HALF_STEP
    table: Array = np.clip(np.rint(moved * 2**TABLE_BITS), -largest, largest) + HALF_STEP
    return table.astype(np.int64)


TANH = tanh_table()


def tanh_fine(sums: Array, up: int = 0) -> Array:
    """tanh by linear pieces, Q9.22, and `HALF_STEP` more.

    Args:
        sums: int32 with `SUM_BITS - up` bits after the point.
        up: 0 to 20.
    """
    limit = SUM_LIMIT >> up
    wide = in_int32(np.clip(sums, -limit, limit - 1) << up)
    piece = (wide >> FRACTION_BITS) + (TABLE_RANGE << PIECE_BITS)
    fraction = wide & ((1 << FRACTION_BITS) - 1)
    rise = in_int32((TANH[piece + 1] - TANH[piece]) * fraction)
    value: Array = TANH[piece] + (rise >> FRACTION_BITS)
    return value


def tanh(sums: Array, up: int = 0) -> Array:
    """tanh rounded to Q0.15, within int16."""
    return tanh_fine(sums, up) >> (TABLE_BITS - VALUE_BITS)


def sigmoid(sums: Array, up: int = 0) -> Array:
    """sigmoid(v) = tanh(v / 2) / 2 + 1 / 2, Q0.16, 1 to 65535."""
    return tanh(sums >> 1, up) + (1 << VALUE_BITS)


def times(gate: Array, wide: Array) -> Array:
    """A sigmoid, Q0.16, times int32 below 2^30, in the format of `wide`, rounded downwards."""
    high = in_int32(gate * (wide >> 16))
    low = (gate * (wide & 0xFFFF)) >> 16  # the product is unsigned
    return in_int32(high + low)


def rounded_shift(values: Array, shift: int) -> Array:
    """Divided by 2^shift, 1 to 30, to the nearest, halves upwards."""
    return in_int32(values + (1 << (shift - 1))) >> shift


def narrowed(values: Array, shift: Array | int) -> Array:
    """int32 to int16: divided by 2^shift, 0 to 30, to the nearest, within -32767 to 32767."""
    half = (1 << np.asarray(shift)) >> 1
    # A value near the end of int32 is cut before half a step is added.
    cut = np.clip(values, -(2**30), 2**30)
    narrow: Array = np.clip(in_int32(cut + half) >> shift, -LARGEST, LARGEST)
    return narrow


def aligned(values: Array, shift: Array, limit: int) -> Array:
    """int32 times 2^shift, -31 to 30, rounded to the nearest, within -limit to limit."""
    up = np.maximum(shift, 0)
    down = np.maximum(-shift, 0)
    cut = np.clip(values, 1 - 2**30, 2**30 - 1)  # before half a step is added
    shifted = in_int32(cut + ((1 << down) >> 1)) >> down
    most = limit >> up
    within: Array = np.clip(shifted, -most, most) << up
    return within


def in_int32(values: Array) -> Array:
    """The values as they are.

    Raises:
        OverflowError: int32 does not hold one of them: a bound of the writer is wrong.
    """
    if not values.size:
        return values
    if values.max() > 2**31 - 1 or values.min() < -(2**31):
        raise OverflowError("a sum leaves int32")
    return values


def float64(values: npt.ArrayLike) -> Array:
    """The values of an array in float64."""
    return np.asarray(values, np.float64)


def nearest(exact: Array) -> Array:
    """The nearest whole numbers, halves to the even one."""
    whole: Array = np.rint(exact)
    return whole.astype(np.int64)


def nearest_int16(exact: Array) -> Array:
    """The same within -32767 to 32767: what is beyond is cut."""
    return nearest(np.clip(exact, -LARGEST, LARGEST))
