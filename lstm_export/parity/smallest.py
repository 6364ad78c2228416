"""The smallest input on which a runner still fails: fewest steps, one row, fewest features, simplest numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from ..model import Affine, Array, Model, Runner
from .golden import GoldenSet
from .rule import answer, bound, is_judgeable, largest

NAME = "smallest failing input"


def smallest_failing(runner: Runner, model: Model, golden: Sequence[GoldenSet]) -> GoldenSet | None:
    """A failing input made as small as it still fails, judged with its own S and F; None where nothing fails.

    Rows and steps are left out, features set to where the model's scaler is centred, and what remains is rounded.
    """
    for one in sorted(golden, key=lambda one: one.x.shape[1]):
        if _fails(runner, one):
            return _shrunk(runner, model, one)
    return None


def _fails(runner: Runner, golden: GoldenSet) -> bool:
    return is_judgeable(golden) and not largest(answer(runner, golden)[0], golden.y, golden.scale)[0] <= bound(golden)


def _shrunk(runner: Runner, model: Model, golden: GoldenSet) -> GoldenSet:
    """One kind of smaller input after another; of each the first that still fails is kept."""
    smallest = GoldenSet.of(NAME, model, golden.x, golden.lengths)
    if golden.lengths is not None:
        return smallest if _fails(runner, smallest) else golden
    kinds: tuple[Callable[[Array], Iterator[Array]], ...] = (_rows, _beginnings, _ends, _rounded)
    for smaller in (*kinds[:3], *_centred_features(model), kinds[3]):
        for x in smaller(smallest.x):
            one = GoldenSet.of(NAME, model, x)
            if _fails(runner, one):
                smallest = one
                break
    return smallest if _fails(runner, smallest) else golden


def _rows(x: Array) -> Iterator[Array]:
    yield from (row[np.newaxis] for row in x)


def _beginnings(x: Array) -> Iterator[Array]:
    yield from (x[:, :step] for step in range(1, x.shape[1]))


def _ends(x: Array) -> Iterator[Array]:
    yield from (x[:, -step:] for step in range(1, x.shape[1]))


def _centred_features(model: Model) -> Iterator[Callable[[Array], Iterator[Array]]]:
    """Feature after feature at the scaler's offset, or at 0."""
    first = model.stages[0]
    centre = first.offset if isinstance(first, Affine) else np.zeros(model.signature.input_size, np.float32)
    for feature in range(model.signature.input_size):

        def without(x: Array, feature: int = feature) -> Iterator[Array]:
            changed = x.copy()
            changed[..., feature] = centre[feature]
            yield changed

        yield without


def _rounded(x: Array) -> Iterator[Array]:
    yield from (np.round(x, decimals) for decimals in range(4))
