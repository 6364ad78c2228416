"""The equations of the stages that take several values, `join(stage, taken)`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

import numpy as np

from ..stages import Add, Concat, Divide, Join, Multiply, Subtract
from .context import Value


@singledispatch
def join(stage: Join, taken: Sequence[Value]) -> Value:
    """The result of several values; a row `(*runs, batch, size)` goes to every step."""
    raise NotImplementedError(f"no float64 definition of {stage.kind}")


@join.register
def _add(stage: Add, taken: Sequence[Value]) -> Value:
    first, *others = taken
    y = first.y
    terms = first.terms
    for other in others:
        y = y + other.y
        terms = terms + other.terms
    return Value(y, terms)


@join.register
def _subtract(stage: Subtract, taken: Sequence[Value]) -> Value:
    first, second = taken
    return Value(first.y - second.y, first.terms + second.terms)


@join.register
def _multiply(stage: Multiply, taken: Sequence[Value]) -> Value:
    first, second = taken
    # each factor's own rounding, grown by the other
    terms = np.maximum(first.terms * np.abs(second.y), np.abs(first.y) * second.terms)
    return Value(first.y * second.y, terms)


@join.register
def _divide(stage: Divide, taken: Sequence[Value]) -> Value:
    """What the divisor's own rounding moves is its share of the quotient."""
    first, second = taken
    divisor = np.abs(second.y)
    y = first.y / second.y
    terms = np.maximum(first.terms / divisor, np.abs(y) * second.terms / divisor)
    return Value(y, terms)


@join.register
def _concat(stage: Concat, taken: Sequence[Value]) -> Value:
    # a sequence has one axis more than a row
    *shape, _ = max((value.y.shape for value in taken), key=len)
    y = [np.broadcast_to(value.y, (*shape, value.y.shape[-1])) for value in taken]
    terms = [np.broadcast_to(value.terms, (*shape, value.y.shape[-1])) for value in taken]
    return Value(np.concatenate(y, axis=-1), np.concatenate(terms, axis=-1))
