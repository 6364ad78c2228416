"""The stages that take several values, from a float model to whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import singledispatch

import numpy as np

from ....model import Add, Array, Concat, Divide, Join, Multiply, Subtract
from . import joins
from .arithmetic import VALUE_BITS
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
    return draft.add(joins.Multiply(), [first, second], first.bits + second.bits, True)


@joined.register
def _divide(stage: Divide, taken: Sequence[Value], draft: Draft) -> Value:
    first, second = (draft.narrow(value) for value in taken)
    bits = first.bits + VALUE_BITS - second.bits
    return draft.add(joins.Divide(), [first, second], bits, True)


@joined.register
def _concat(stage: Concat, taken: Sequence[Value], draft: Draft) -> Value:
    """Raw values stay so, and narrow ones narrow; beside a wide value all become wide."""
    are_raw = all(value.is_raw and not value.is_wide for value in taken)
    parts = list(taken) if are_raw else [_settled(value, draft) for value in taken]
    is_wide = any(value.is_wide for value in parts)
    if is_wide:
        parts = [value if value.is_wide else _wide_as_it_is(value, draft) for value in parts]
    width = sum(len(value.step) for value in parts)
    beside = draft.add(joins.Concat(), parts, np.zeros(width), is_wide)
    step = np.concatenate([value.step for value in parts])
    zero = np.concatenate([value.zero for value in parts])
    return replace(beside, step=step, zero=zero, is_raw=are_raw)


def answer(value: Value, draft: Draft) -> Value:
    """The last value with all columns in the same format."""
    value = _settled(value, draft)
    room = 0 if value.is_wide else MOST_UP
    bits = np.full_like(value.bits, min(value.bits.max(), value.bits.min() + room))
    if (bits == value.bits).all():
        return value
    return draft.aligned(value, bits, 2 * ROOM - 1)


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
        are_raw = first.is_raw and second.is_raw and _have_ratios(first, second)
        first = (_raw_sum if are_raw else _settled_sum)(join, first, second, draft)
    return first


def _settled_sum(join: joins.Join, first: Value, second: Value, draft: Draft) -> Value:
    """Both brought to the finest format that either of them has room in."""
    settled = [_settled(value, draft) for value in (first, second)]
    room = [value.bits + (0 if value.is_wide else MOST_UP) for value in settled]
    bits = np.minimum(*room)
    parts = [draft.aligned(value, bits, ROOM) for value in settled]
    return draft.add(join, parts, bits, True)


def _have_ratios(first: Value, second: Value) -> bool:
    """Whether the steps of two raw values are powers of two apart, or one of them is 0."""
    are_narrow = not first.is_wide and not second.is_wide
    both = (first.step != 0) & (second.step != 0)
    ratio = np.log2(np.abs(first.step[both] / second.step[both]))
    same_sign = np.sign(first.step[both]) == np.sign(second.step[both])
    are_near = bool((ratio % 1 == 0).all() and (np.abs(ratio) <= MOST_UP).all())
    return are_narrow and are_near and bool(same_sign.all())


def _raw_sum(join: joins.Join, first: Value, second: Value, draft: Draft) -> Value:
    """Counts added, in the finer of both steps."""
    step = _finer(first.step, second.step)
    parts = [_recounted(value, step, draft) for value in (first, second)]
    sign = -1 if isinstance(join, joins.Subtract) else 1
    total = draft.add(join, parts, np.zeros(len(step)), True)
    return replace(total, step=step, zero=first.zero + sign * second.zero, is_raw=True)


def _finer(first: Array, second: Array) -> Array:
    """The step that is nearer to 0, but is not 0; 1 where both are."""
    smaller = np.where(np.abs(first) < np.abs(second), first, second)
    larger = np.where(np.abs(first) < np.abs(second), second, first)
    found = np.where(smaller != 0, smaller, larger)
    step: Array = np.where(found != 0, found, 1.0)
    return step


def _recounted(value: Value, step: Array, draft: Draft) -> Value:
    """A narrow raw value in another step, which is a power of two away; 0 where its own is 0."""
    ratio = np.where(value.step != 0, value.step / step, 2.0**-30)  # an int16 becomes 0
    shift = np.rint(np.log2(ratio)).astype(np.int64)
    align = joins.Align(value.name or "x", shift, ROOM)
    return draft.add(align, [value], np.zeros(len(step)), True)
