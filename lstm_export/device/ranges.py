"""The ranges that training saw, and what lies outside of them."""

from __future__ import annotations

import numpy as np

from ..model import Array, Column, Signature

FLOAT32_MAX = float(np.finfo(np.float32).max)


class InputRangeWarning(UserWarning):
    """An input lies outside the range that the model was trained on: its answers mean little."""


def bounds_of(signature: Signature) -> tuple[Array, Array]:
    """The features' training ranges, float32 `(input_size,)`; where unknown, all that is finite.

    Rounding keeps order, so a value of the training data itself never lies outside.
    """
    columns = signature.features or (Column(""),) * signature.input_size
    low = [-FLOAT32_MAX if column.low is None else column.low for column in columns]
    high = [FLOAT32_MAX if column.high is None else column.high for column in columns]
    return _as_float32(low), _as_float32(high)


def _as_float32(bounds: list[float]) -> Array:
    clipped: Array = np.clip(bounds, -FLOAT32_MAX, FLOAT32_MAX).astype(np.float32)
    return clipped


def out_of_range(values: Array, signature: Signature) -> str:
    """A sentence on `values (samples, input_size)`, some of which lie outside their ranges."""
    lowest, highest = bounds_of(signature)
    low = values.min(axis=0)  # (input_size,)
    high = values.max(axis=0)
    outside = np.flatnonzero((low < lowest) | (high > highest))
    feature = int(outside[0])
    column = signature.features[feature]
    value = low[feature] if low[feature] < lowest[feature] else high[feature]
    got = f"{column.name} is {value:.6g} {column.unit}".rstrip()
    training = f"{_text(column.low)} to {_text(column.high)}"
    return f"{got}, outside the training range {training}{_others(outside.size - 1)}"


def _others(count: int) -> str:
    if not count:
        return ""
    return f", and {count} other feature{'s' if count > 1 else ''} too"


def _text(bound: float | None) -> str:
    return "unknown" if bound is None else f"{bound:.6g}"
