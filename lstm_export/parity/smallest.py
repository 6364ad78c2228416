"""The smallest input on which a runner still fails: few steps, one row, simple numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from ..model import Affine, Array, Model, Runner
from .golden_set import GoldenSet
from .rule import fails

NAME = "smallest failing input"

# Smaller inputs made of x `(batch, seq, input_size)`, the smallest first.
_Smaller = Callable[[Array], Iterator[Array]]


def smallest_failing(runner: Runner, model: Model, golden: Sequence[GoldenSet]) -> GoldenSet | None:
    """A failing input made as small as it still fails, judged with its own S and F.

    Rows and steps are left out, features set to where the model's scaler is centred, and what
    remains is rounded. None where nothing fails.
    """
    for entry in sorted(golden, key=lambda entry: entry.seq):
        if fails(runner, entry):
            return _shrunk(runner, model, entry)
    return None


def _shrunk(runner: Runner, model: Model, golden: GoldenSet) -> GoldenSet:
    """One kind of smaller input after another; of each the first that still fails is kept."""
    smallest = GoldenSet.of(NAME, model, golden.x, golden.lengths)
    if golden.lengths is None:
        least = model.least_steps
        shorter: list[_Smaller] = [_rows, partial(_beginnings, least), partial(_ends, least)]
        for smaller in (*shorter, *_centred_features(model), _rounded):
            smallest = _first_failing(runner, model, smaller, smallest)
    return smallest if fails(runner, smallest) else golden


def _first_failing(runner: Runner, model: Model, smaller: _Smaller, golden: GoldenSet) -> GoldenSet:
    """The first of the smaller inputs that fails, else the set itself."""
    for x in smaller(golden.x):
        entry = GoldenSet.of(NAME, model, x)
        if fails(runner, entry):
            return entry
    return golden


def _rows(x: Array) -> Iterator[Array]:
    for row in x:
        yield row[np.newaxis]  # (1, seq, input_size)


def _beginnings(least: int, x: Array) -> Iterator[Array]:
    for step in range(least, x.shape[1]):
        yield x[:, :step]


def _ends(least: int, x: Array) -> Iterator[Array]:
    for step in range(least, x.shape[1]):
        yield x[:, -step:]


def _centred_features(model: Model) -> Iterator[_Smaller]:
    """Feature after feature at the scaler's offset, or at 0."""
    first = model.stages[0]
    centre = np.zeros(model.signature.input_size, np.float32)  # (input_size,)
    if isinstance(first, Affine):
        centre = first.offset
    for feature in range(model.signature.input_size):

        def centred(x: Array, feature: int = feature) -> Iterator[Array]:  # bound in this turn
            changed = x.copy()
            changed[..., feature] = centre[feature]
            yield changed

        yield centred


def _rounded(x: Array) -> Iterator[Array]:
    for decimals in range(4):  # the fewest first
        yield np.round(x, decimals)
