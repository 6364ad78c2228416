"""Bugs of how numbers are stored: weights in too few digits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ...model import Affine, Array, Model, Stage
from .mutation import ArrayChange, Mutation, each, exchanged, mutations, with_arrays


def numbers_of_all(model: Model) -> Iterator[Mutation]:
    """All arrays but those of scalers; where there are scalers, theirs too."""
    others = [stage for stage in model.stages if not isinstance(stage, Affine)]
    yield from _rounded(model, others, "")
    if len(others) < len(model.stages):
        yield from _rounded(model, model.stages, "every stage")


def numbers_of_one_stage(model: Model) -> Iterator[Mutation]:
    """One stage after another."""
    for stage in model.stages:
        if stage.arrays:
            yield from _rounded(model, [stage], stage.name)


def _rounded(model: Model, stages: Sequence[Stage], place: str) -> Iterator[Mutation]:
    with_weights = [stage for stage in stages if stage.arrays]
    for kind, change in _ROUNDINGS.items():
        pairs = [(stage, with_arrays(stage, each(change))) for stage in with_weights]
        yield from mutations(f"{kind} weights", exchanged(model, *pairs), place)


def _float16(_: str, array: Array) -> Array:
    within = np.clip(array, -65504, 65504)  # float16's largest; beyond it would be infinite
    rounded: Array = within.astype(np.float16).astype(np.float32)
    return rounded


def _bfloat16(_: str, array: Array) -> Array:
    """Rounded to the nearest bfloat16, ties to even: the upper half of a float32."""
    bits = np.ascontiguousarray(array).view(np.uint32)
    is_odd = (bits >> 16) & 1  # the last bit that stays
    # Half a step less one, and one more where that bit is set: a tie goes to the even neighbour.
    upper = (bits + 0x7FFF + is_odd) & np.uint32(0xFFFF0000)
    rounded: Array = upper.view(np.float32)
    return rounded


def _four_decimals(_: str, array: Array) -> Array:
    rounded: Array = array.round(4)
    return rounded


def _float16_matrices(key: str, array: Array) -> Array:
    return _float16(key, array) if array.ndim > 1 else array


_ROUNDINGS: dict[str, ArrayChange] = {
    "float16": _float16,
    "bfloat16": _bfloat16,
    "4-decimal": _four_decimals,
    "float16 (biases float32)": _float16_matrices,
}
