"""The equations of the stages that take several values, `join(stage, values)`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

import numpy as np

from ..arrays import Array
from ..stages import Add, Concat, Divide, Join, Multiply, Subtract
from .context import Value


@singledispatch
def join(stage: Join, values: Sequence[Value]) -> Value:
    """The result of several values; a row `(*runs, batch, size)` goes to every step."""
    raise NotImplementedError(f"no float64 definition of {stage.kind}")


@join.register
def _add(stage: Add, values: Sequence[Value]) -> Value:
    first, *others = values
    y = first.y
    terms = first.terms  # terms add up whatever the signs: a sum may cancel
    for other in others:
        y = y + other.y
        terms = terms + other.terms
    return Value(y, terms)


@join.register
def _subtract(stage: Subtract, values: Sequence[Value]) -> Value:
    first, second = values
    return Value(first.y - second.y, first.terms + second.terms)


@join.register
def _multiply(stage: Multiply, values: Sequence[Value]) -> Value:
    first, second = values
    # each factor's own rounding, grown by the other; the product itself rounds relatively
    of_first = first.terms * np.abs(second.y)
    of_second = np.abs(first.y) * second.terms
    return Value(first.y * second.y, np.maximum(of_first, of_second))


@join.register
def _divide(stage: Divide, values: Sequence[Value]) -> Value:
    first, second = values
    divisor = np.abs(second.y)
    y = first.y / second.y
    # d(a / b) = da / b, and a / b * db / b
    of_first = first.terms / divisor
    of_second = np.abs(y) * second.terms / divisor
    return Value(y, np.maximum(of_first, of_second))


@join.register
def _concat(stage: Concat, values: Sequence[Value]) -> Value:
    # a sequence has one axis more than a row
    *shape, _ = max((value.y.shape for value in values), key=len)
    y = _side_by_side([value.y for value in values], shape)
    terms = _side_by_side([value.terms for value in values], shape)
    return Value(y, terms)


def _side_by_side(arrays: Sequence[Array], shape: Sequence[int]) -> Array:
    """Arrays `(*shape, size)`, or what broadcasts to it, along the features."""
    alike = [np.broadcast_to(array, (*shape, array.shape[-1])) for array in arrays]
    return np.concatenate(alike, axis=-1)
