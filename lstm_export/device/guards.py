"""What may enter a runner: checked once, in numpy, before any runtime sees it.

Runtimes differ in what they make of an empty batch, of NaN and of big-endian bytes. After these
checks no runtime is asked about any of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NoReturn

import numpy as np

from ..errors import InputError
from ..model import Array, Column, Signature

# What NaN and infinities in the input lead to: an error, or NaN as the answer of their whole row.
Nonfinite = Literal["refuse", "propagate"]


# A runtime needs about 16 * hidden_size bytes a layer for every step of every row that it is handed at once:
# 64 MiB at hidden_size 256. Splitting costs nothing measurable at this size.
MAX_STEPS = 2**14


class InputRangeWarning(UserWarning):
    """An input lies outside the range that the model was trained on, where its answers mean little."""


class NotFinite(InputError):
    """NaN or an infinity where it is refused; whoever knows where x comes from says it in those words.

    Attributes:
        index: row, step and feature.
        place: the same for people.
        found: what is there.
        why: what is wrong with that.
    """

    def __init__(
        self, index: Sequence[int], names: Sequence[str], found: str, why: str, repair: str
    ) -> None:
        row, step, feature = map(int, index)
        name = f"{feature} ({names[feature]})" if names else str(feature)
        self.index, self.found, self.why = (row, step, feature), found, why
        self.place = f"row {row}, step {step}, feature {name}"
        super().__init__(f"x at {self.place} {found}, {why}; {repair}")


def checked_input(
    x: Any,
    input_size: int,
    *,
    strict: bool = False,
    nonfinite: Nonfinite = "refuse",
    names: Sequence[str] = (),
) -> Array:
    """`x` as contiguous little-endian float32 `(batch, seq, input_size)`; batch may be 0.

    Args:
        x: an array, or nested lists of numbers.
        input_size: the width that the model takes.
        strict: refuse any type but float32 instead of casting.
        nonfinite: "propagate" lets NaN and infinities pass; the caller owes their rows NaN.
        names: the features' names for messages; may be empty.

    Raises:
        InputError: wrong kind, rank or width, no steps, a value that float32 cannot hold, or one that is not finite.
    """
    array = numbers_of(x, strict)
    _check_shape(array.shape, input_size)
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(array, "<f4")
    bad = ~np.isfinite(result)
    if nonfinite == "propagate":
        bad &= np.isfinite(array)  # only what the cast itself broke
    if bad.any():
        row, step, feature = (int(index) for index in np.argwhere(bad)[0])
        refuse_unfit(array[row, step, feature], row, step, feature, names)
    return result


def checked_lengths(lengths: Any, batch: int, seq: int) -> Array:
    """How many steps of each row count, int64 `(batch,)`.

    Raises:
        InputError: they are no whole numbers, not one a row, or not within 1 to seq. A runtime takes a length of 0
            without a word and answers with what no step led to.
    """
    try:
        array = np.asarray(lengths)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"lengths is no array, expected whole numbers of shape ({batch},)"
        ) from error
    if array.dtype.kind not in "iu":
        raise InputError(
            f"lengths is of type {array.dtype.name}, expected whole numbers such as int32"
        )
    if array.shape != (batch,):
        raise InputError(
            f"lengths has the shape {array.shape}, expected ({batch},), one a row of x"
        )
    for row in np.flatnonzero((array < 1) | (array > seq))[:1]:
        raise InputError(
            f"lengths is {array[row]} at row {row}, expected 1 to {seq}, the steps that x has"
        )
    return array.astype(np.int64)


def numbers_of(x: Any, strict: bool) -> Array:
    """`x` as an array of booleans, integers or floats."""
    try:
        array = np.asarray(x)
    except (
        TypeError,
        ValueError,
        RuntimeError,
    ) as error:  # ragged lists; a tensor that still wants its gradient
        raise InputError(
            f"x is no array: {str(error).splitlines()[0]}; expected (batch, seq, input_size)"
        ) from error
    if array.dtype.kind not in "fiub":
        kind = "None" if x is None else f"of type {array.dtype.name}"
        raise InputError(
            f"x is {kind}, expected numbers of shape (batch, seq, input_size); float32 is best"
        )
    if np.ma.is_masked(x):
        raise InputError(
            "x is a masked array with masked values; fill them first, with x.filled(...)"
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
    if np.isfinite(value):
        raise NotFinite(
            (row, step, feature), names, f"is {value}", "more than float32 holds", "check its unit"
        )
    repair = 'repair it, or load with nonfinite="propagate" to get NaN for its row'
    raise NotFinite((row, step, feature), names, f"is {value}", "expected a finite number", repair)


def bounds_of(signature: Signature) -> tuple[Array, Array]:
    """The features' training ranges, float32 `(input_size,)`; where they are unknown, all that is finite.

    Rounding keeps order, so a value of the training data itself never lies outside.
    """
    largest = float(np.finfo(np.float32).max)
    columns = signature.features or (Column(""),) * signature.input_size
    low = [-largest if column.low is None else column.low for column in columns]
    high = [largest if column.high is None else column.high for column in columns]
    return np.clip(low, -largest, largest).astype(np.float32), np.clip(
        high, -largest, largest
    ).astype(np.float32)


def out_of_range(values: Array, signature: Signature) -> str:
    """What to say of `values (samples, input_size)`, some of which lie outside the training ranges."""
    (lowest, highest), low, high = (
        bounds_of(signature),
        values.min(axis=0),
        values.max(axis=0),
    )  # (input_size,)
    outside = np.flatnonzero((low < lowest) | (high > highest))
    feature, more = int(outside[0]), outside.size - 1
    column = signature.features[feature]
    value = low[feature] if low[feature] < lowest[feature] else high[feature]
    others = f", and {more} other feature{'s' * (more > 1)} too" if more else ""
    return (
        f"{column.name} is {value:.6g} {column.unit}".rstrip()
        + f", outside the training range {_text(column.low)} to {_text(column.high)}{others}"
    )


def _text(bound: float | None) -> str:
    return "unknown" if bound is None else f"{bound:.6g}"
