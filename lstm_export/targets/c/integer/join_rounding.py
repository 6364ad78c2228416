"""The stages that take several values, from a float model to whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import singledispatch

import numpy as np

from ....model import Add, Array, Concat, Divide, Join, Multiply, Subtract
from . import joins
from .arithmetic import VALUE_BITS, nearest
from .draft import Draft, Value, refusal

ROOM = 2**29  # of a sum; what is then added to it has as much
MOST_UP = 12  # that a narrow value is shifted left


@singledispatch
def joined(stage: Join, taken: Sequence[Value], draft: Draft) -> Value:
    """One value of several.

    Raises:
        UnsupportedModel: the stage has no integer form.
    """
    raise refusal(stage)


@joined.register
def _add(stage: Add, taken: Sequence[Value], draft: Draft) -> Value:
    return _sum(joins.Add(), taken, draft)


@joined.register
def _subtract(stage: Subtract, taken: Sequence[Value], draft: Draft) -> Value:
    return _sum(joins.Subtract(), taken, draft)


@joined.register
def _multiply(stage: Multiply, taken: Sequence[Value], draft: Draft) -> Value:
    first, second = (draft.narrow(value) for value in taken)
    return draft.add_wide(joins.Multiply(), [first, second], first.bits + second.bits)


@joined.register
def _divide(stage: Divide, taken: Sequence[Value], draft: Draft) -> Value:
    first, second = (draft.narrow(value) for value in taken)
    bits = first.bits + VALUE_BITS - second.bits
    return draft.add_wide(joins.Divide(), [first, second], bits)


@joined.register
def _concat(stage: Concat, taken: Sequence[Value], draft: Draft) -> Value:
    """Raw values stay so, and narrow ones narrow; beside a wide value all become wide."""
    are_raw = all(value.is_raw and not value.is_wide for value in taken)
    parts = list(taken) if are_raw else [_settled(value, draft) for value in taken]
    is_wide = any(value.is_wide for value in parts)
    if is_wide:
        parts = [value if value.is_wide else _wide_as_it_is(value, draft) for value in parts]
    step = np.concatenate([value.step for value in parts])
    zero = np.concatenate([value.zero for value in parts])
    add = draft.add_wide if is_wide else draft.add_narrow
    beside = add(joins.Concat(), parts, np.zeros(len(step)))
    return replace(beside, step=step, zero=zero, is_raw=are_raw)


def answer(value: Value, draft: Draft) -> Value:
    """The last value with all columns in the same format."""
    value = _settled(value, draft)
    room = 0 if value.is_wide else MOST_UP  # bits that a shift left can add
    common = min(value.bits.max(), value.bits.min() + room)
    if (value.bits == common).all():
        return value
    return draft.aligned(value, np.full_like(value.bits, common), 2 * ROOM - 1)


def _wide_as_it_is(value: Value, draft: Draft) -> Value:
    return draft.aligned(value, value.bits, ROOM)


def _settled(value: Value, draft: Draft) -> Value:
    """A value in bits; of a raw one as many as there is room for."""
    if not value.is_raw:
        return value
    return draft.narrow(value) if value.is_wide else draft.widened(value)


def _sum(join: joins.Join, taken: Sequence[Value], draft: Draft) -> Value:
    """Two values at a time."""
    first, *others = taken
    for second in others:
        if first.is_raw and second.is_raw and _have_ratios(first, second):
            first = _raw_sum(join, first, second, draft)
        else:
            first = _settled_sum(join, first, second, draft)
    return first


def _settled_sum(join: joins.Join, first: Value, second: Value, draft: Draft) -> Value:
    """Both brought to the finest format that either of them has room in."""
    first = _settled(first, draft)
    second = _settled(second, draft)
    bits = np.minimum(_finest(first), _finest(second))
    parts = [draft.aligned(value, bits, ROOM) for value in (first, second)]
    return draft.add_wide(join, parts, bits)


def _finest(value: Value) -> Array:
    """The most bits after the point that a value has room for."""
    return value.bits if value.is_wide else value.bits + MOST_UP


def _have_ratios(first: Value, second: Value) -> bool:
    """Whether the steps of two raw values are powers of two apart, or one of them is 0."""
    if first.is_wide or second.is_wide:
        return False
    both = (first.step != 0) & (second.step != 0)  # (width,)
    ratio = first.step[both] / second.step[both]
    exponent = np.log2(np.abs(ratio))
    are_powers = exponent % 1 == 0
    are_near = np.abs(exponent) <= MOST_UP
    return bool((are_powers & are_near & (ratio > 0)).all())


def _raw_sum(join: joins.Join, first: Value, second: Value, draft: Draft) -> Value:
    """Counts added, in the finer of both steps."""
    step = _finer(first.step, second.step)
    parts = [_recounted(value, step, draft) for value in (first, second)]
    sign = -1 if isinstance(join, joins.Subtract) else 1
    total = draft.add_wide(join, parts, np.zeros(len(step)))
    return replace(total, step=step, zero=first.zero + sign * second.zero, is_raw=True)


def _finer(first: Array, second: Array) -> Array:
    """The step that is nearer to 0, but is not 0; 1 where both are."""
    is_smaller = np.abs(first) < np.abs(second)
    smaller = np.where(is_smaller, first, second)
    larger = np.where(is_smaller, second, first)
    finer = np.where(smaller != 0, smaller, larger)
    step: Array = np.where(finer != 0, finer, 1.0)
    return step


def _recounted(value: Value, step: Array, draft: Draft) -> Value:
    """A narrow raw value in another step, which is a power of two away; 0 where its own is 0."""
    ratio = np.where(value.step != 0, value.step / step, 2.0**-30)  # an int16 becomes 0
    shift = nearest(np.log2(ratio))
    align = joins.Align(value.name or "x", shift, ROOM)
    return draft.add_wide(align, [value], np.zeros(len(step)))
