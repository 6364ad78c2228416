"""The first step of a sequence at which a runner goes wrong: each of its beginnings is asked for on its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..errors import LstmExportError
from ..model import Array, Model, Runner, forward
from .golden import GoldenSet
from .noise import in_units_of
from .rule import bound

# As many beginnings are asked for first; then, one by one, those between the last good and the first bad one.
BEGINNINGS = 24


def first_wrong_step(runner: Runner, model: Model, golden: GoldenSet) -> int | None:
    """The first step, from 1, at which the runner is beyond the bound of a golden set without lengths."""
    seq = golden.x.shape[1]
    coarse = sorted({int(step) for step in np.linspace(1, seq, min(seq, BEGINNINGS))})
    wrong = _first(runner, model, golden, coarse)
    if wrong is None:
        return None
    right = max((step for step in coarse if step < wrong), default=0)
    return _first(runner, model, golden, range(right + 1, wrong + 1))


def _first(runner: Runner, model: Model, golden: GoldenSet, steps: Sequence[int]) -> int | None:
    """The first of `steps` whose error is beyond the bound; NaN is."""
    if model.returns_every_step:
        got = _answer(runner, golden.x, golden.y.shape)
        pairs = [(got[:, step - 1], golden.y[:, step - 1]) for step in steps]
    else:
        expected = _beginnings(model, golden.x, steps)
        pairs = [(_answer(runner, golden.x[:, :n], y.shape), y) for n, y in zip(steps, expected, strict=True)]
    allowed = bound(golden)
    errors = (float(in_units_of(np.abs(got - y), golden.scale).max()) for got, y in pairs)
    return next((step for step, error in zip(steps, errors, strict=True) if not error <= allowed), None)


def _beginnings(model: Model, x: Array, steps: Sequence[int]) -> list[Array]:
    """What each beginning of `x` is to be answered with: in one run where no direction starts at the end."""
    if any(stage.bidirectional for stage in model.recurrent):
        return [forward(model, x[:, :step]).y for step in steps]
    every_step = replace(model, stages=tuple(stage for stage in model.stages if stage.steps != "reduce"))
    y = forward(every_step, x).y
    return [y[:, step - 1] for step in steps]


def _answer(runner: Runner, x: Array, shape: tuple[int, ...]) -> Array:
    """The runner's answer, or NaN where it refuses or answers in another shape."""
    try:
        y = np.asarray(runner(x), np.float64)
    except LstmExportError:
        return np.full(shape, np.nan)
    return y if y.shape == shape else np.full(shape, np.nan)
