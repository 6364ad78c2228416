"""The stages that map every value by itself, from a float model to whole numbers."""

from __future__ import annotations

import numpy as np

from ....model import Activation, Array, Clamp, Replace
from ....model.forward.activations import FUNCTIONS
from ....model.wiring import INPUT
from . import roots
from . import stages as whole
from .arithmetic import (
    CELL_LIMIT,
    LARGEST,
    SUM_BITS,
    VALUE_BITS,
    nearest,
    nearest_int16,
)
from .draft import Draft, Value, refusal

Elementwise = Activation | Clamp | Replace


def elementwise(stage: Elementwise, value: Value, draft: Draft) -> Value:
    """What a stage makes of a value.

    Raises:
        UnsupportedModel: it has no integer form.
    """
    if isinstance(stage, Clamp):
        return _clamp_between(value, draft, stage.low, stage.high)
    if isinstance(stage, Replace):
        return _replace(stage, value, draft)
    if stage.function == "relu":
        return _clamp_between(value, draft, 0.0, None)
    if stage.function == "sqrt":
        return _root(value, draft)
    return _curve(stage, value, draft)


def _clamp_between(value: Value, draft: Draft, low: float | None, high: float | None) -> Value:
    if value.is_raw:
        value = draft.narrow(value)
    limit = 2.0**31 - 1 if value.is_wide else float(LARGEST)
    scale = 2.0**value.bits  # (width,)
    lowest = (-np.inf if low is None else low) * scale
    highest = (np.inf if high is None else high) * scale
    clamp = whole.Clamp(
        nearest(np.clip(lowest, -limit, limit)),
        nearest(np.clip(highest, -limit, limit)),
    )
    return draft.keep(clamp, value)


def _root(value: Value, draft: Draft) -> Value:
    """Of an even number of bits: a wide value may lose its last, a narrow one has room for more."""
    if value.is_raw:
        value = draft.narrow(value)
    is_odd = value.bits % 2
    even = value.bits - is_odd if value.is_wide else value.bits + is_odd
    if not value.is_wide or is_odd.any():
        value = draft.aligned(value, even, CELL_LIMIT)
    bits = even // 2 + roots.ROOT_BITS
    return draft.add_wide(roots.Root(), [value], bits)


def _curve(stage: Activation, value: Value, draft: Draft) -> Value:
    """A table of its own, but for tanh and sigmoid of a sum."""
    is_sum = value.is_wide and not value.is_raw
    if stage.function in ("tanh", "sigmoid") and is_sum and _are_alike(value.bits):
        surplus = value.common_bits - SUM_BITS
        if -SUM_BITS <= surplus <= 31:
            gate = whole.Gate(stage.function, max(surplus, 0), max(-surplus, 0))
            bits = np.full_like(value.bits, VALUE_BITS)
            return draft.add_narrow(gate, [value], bits)
    value = draft.narrow(value, alike=True)
    after = min(draft.formats.after[stage.name])
    counts = (np.arange(513) - 256) * 128  # at the ends of the pieces
    ends = counts * 2.0**-value.common_bits
    exact = FUNCTIONS[stage.function](ends, np.abs(ends), stage.parameter or 0.0).y
    table = whole.Table(nearest_int16(exact * 2.0**after))
    return draft.add_narrow(table, [value], np.full_like(value.bits, after))


def _are_alike(bits: Array) -> bool:
    return bool((bits == bits[0]).all())


def _replace(stage: Replace, value: Value, draft: Draft) -> Value:
    """A sentinel is compared as a count of an input, which has to stand for it exactly.

    Where the user told the format of a sensor's counts, one beyond int16 never comes.
    """
    if not value.is_raw or value.is_wide:
        raise refusal(stage, f": rounding blurs {stage.value:g} where it is computed")
    counts = np.rint((stage.value - value.zero) / value.step)
    by = np.rint((stage.by - value.zero) / value.step)
    stood_for = value.zero + value.step * counts
    is_held = (stood_for == stage.value) & (np.abs(counts) <= LARGEST)
    never_comes = np.zeros(len(counts), bool)
    if value.index == INPUT:
        given = list(draft.formats.given)
        never_comes[given] = np.abs(counts[given]) > LARGEST
    unknown = ~is_held & ~never_comes
    _check_counts(stage, stage.value, unknown)
    _check_counts(stage, stage.by, is_held & (np.abs(by) > LARGEST))
    beyond = np.where(is_held, counts, LARGEST + 1)
    within = np.where(is_held, by, 0)
    return draft.keep(whole.Replace(nearest(beyond), nearest(within)), value)


def _check_counts(stage: Replace, value: float, is_missing: Array) -> None:
    """Refuse a sentinel, or what takes its place, where an input has no count for it."""
    if is_missing.any():
        place = int(np.argmax(is_missing))
        raise refusal(
            stage,
            f": no count of input {place} stands for {value:g}; choose a format that has one, such "
            f"as --input-format with q:STEP, or calibrate on a table in which it occurs "
            "(--calibrate)",
        )
