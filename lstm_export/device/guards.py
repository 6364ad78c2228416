"""Check inputs in numpy: copied, then checked once, before any runtime sees them.

Runtimes differ in what they make of an empty batch, of NaN and of big-endian bytes. After these
checks no runtime is asked about any of them. What is checked is a copy, which no other thread can
change between the check and the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NoReturn

import numpy as np

from ..errors import InputError
from ..model import Array
from ..series.given_arrays import given_array

# What NaN and infinities in the input lead to: an error, or NaN as the answer of their whole row.
Nonfinite = Literal["refuse", "propagate"]

# A runtime needs about 16 * hidden_size bytes a layer for every step of every row that it is handed
# at once: 64 MiB at hidden_size 256. Splitting costs nothing measurable at this size.
MAX_STEPS = 2**14


class NotFinite(InputError):
    """NaN or an infinity where it is refused; who knows where x comes from says it in those words.

    Attributes:
        index: row, step and feature.
        place: the same for people.
        found: what is there.
        why: what is wrong with that.
    """

    def __init__(
        self, index: Sequence[int], names: Sequence[str], found: str, why: str, repair: str
    ) -> None:
        self._given = (index, names, found, why, repair)
        row, step, feature = map(int, index)
        name = f"{feature} ({names[feature]})" if names else str(feature)
        self.index = (row, step, feature)
        self.place = f"row {row}, step {step}, feature {name}"
        self.found = found
        self.why = why
        super().__init__(f"x at {self.place} {found}, {why}; {repair}")

    def __reduce__(self) -> tuple[type[NotFinite], tuple[Any, ...]]:
        """A worker's error reaches the process that asked."""
        return NotFinite, self._given


def checked_input(
    x: Any,
    input_size: int,
    *,
    strict: bool = False,
    nonfinite: Nonfinite = "refuse",
    names: Sequence[str] = (),
) -> Array:
    """A copy of `x` as little-endian float32 `(batch, seq, input_size)`; batch may be 0.

    Args:
        x: an array, or nested lists of numbers.
        input_size: the width that the model takes.
        strict: refuse any type but float32 instead of casting.
        nonfinite: "propagate" lets NaN and infinities pass; the caller owes their rows NaN.
        names: the features' names for messages; may be empty.

    Raises:
        InputError: wrong kind, rank or width, masked values, no steps, a value that float32 cannot
            hold, or one that is not finite.
    """
    array = numbers_of(x, strict)
    _check_shape(array.shape, input_size)
    result = as_float32(array)
    unfit = is_unfit(array, result, nonfinite)
    if unfit.any():
        row, step, feature = (int(index) for index in np.argwhere(unfit)[0])
        refuse_unfit(array[row, step, feature], row, step, feature, names)
    return result


def as_float32(array: Array) -> Array:
    """The array as contiguous little-endian float32; numbers beyond its range become infinite."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, "<f4")


def refuse_unknown(nonfinite: str, choices: Sequence[str]) -> None:
    """Raises InputError where `nonfinite` is none of the choices."""
    if nonfinite not in choices:
        known = ", ".join(choices)
        raise InputError(f"nonfinite={nonfinite!r} is unknown; choose one of {known}")


def is_unfit(array: Array, float32: Array, nonfinite: Nonfinite) -> Array:
    """Which values must be refused, bool, where `float32` is the array cast to that."""
    unfit: Array = ~np.isfinite(float32)
    if nonfinite == "propagate":
        unfit &= np.isfinite(array)  # only what the cast itself broke
    return unfit


def checked_lengths(lengths: Any, batch: int, seq: int) -> Array:
    """How many steps of each row count, int64 `(batch,)`.

    Raises:
        InputError: they are no whole numbers, not one a row, or not within 1 to seq. A runtime
            takes a length of 0 without a word and answers with what no step led to.
    """
    array = given_array(lengths, "lengths", f"whole numbers of shape ({batch},)")
    if array.dtype.kind not in "iu":
        raise InputError(
            f"lengths is of type {array.dtype.name}, expected whole numbers such as int32"
        )
    if array.shape != (batch,):
        raise InputError(
            f"lengths has the shape {array.shape}, expected ({batch},), one a row of x"
        )
    is_outside = (array < 1) | (array > seq)
    for row in np.flatnonzero(is_outside)[:1]:
        raise InputError(
            f"lengths is {array[row]} at row {row}, expected 1 to {seq}, the steps that x has"
        )
    return array.astype(np.int64)


def numbers_of(x: Any, strict: bool) -> Array:
    """A copy of `x` as an array of booleans, integers or floats."""
    array = given_array(x, "x", "(batch, seq, input_size)")
    if array.dtype.kind not in "fiub":
        kind = "None" if x is None else f"of type {array.dtype.name}"
        raise InputError(
            f"x is {kind}, expected numbers of shape (batch, seq, input_size); float32 is best"
        )
    if strict and array.dtype != np.dtype("<f4"):
        raise InputError(
            f"x is {array.dtype.str}, expected float32 ('<f4') under strict=True; cast it first"
        )
    return array


def _check_shape(shape: tuple[int, ...], input_size: int) -> None:
    expected = f"expected (batch, seq, {input_size})"
    if len(shape) != 3:
        hint = "; for one sequence pass x[np.newaxis]" if len(shape) == 2 else ""
        raise InputError(f"x has the shape {shape}, {expected}{hint}")
    if shape[2] != input_size:
        raise InputError(f"x has {shape[2]} features, shape {shape}, {expected}")
    if not shape[1]:
        raise InputError(f"x has no time steps, shape {shape}, {expected} with seq at least 1")


def refuse_unfit(value: Any, row: int, step: int, feature: int, names: Sequence[str]) -> NoReturn:
    """Say where a value stands that is not finite, or not within float32."""
    index = (row, step, feature)
    found = f"is {value}"
    if np.isfinite(value):
        raise NotFinite(index, names, found, "more than float32 holds", "check its unit")
    repair = 'repair it, or load with nonfinite="propagate" to get NaN for its row'
    raise NotFinite(index, names, found, "expected a finite number", repair)
