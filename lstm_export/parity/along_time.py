"""How the error of a runner grows with time: step by step where it answers every step, else length by length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import LstmExportError
from ..model import Array, Model, Runner
from .golden import GoldenSet
from .noise import in_units_of
from .report import ParityReport
from .rule import bound

# How many beginnings of a sequence are asked for; each is judged with a noise floor of its own.
BEGINNINGS, BEGINNINGS_IF_LARGE = 16, 5
LARGE_PARAMETERS = 200_000


@dataclass(frozen=True)
class AlongTime:
    """Errors of one golden set, in units of S.

    Attributes:
        name: the golden set.
        by_step: whether these are the steps of one answer; otherwise the last step of answers to its beginnings.
        steps: from 1.
        error: the largest over rows and outputs; NaN where there was no comparable answer.
        bound: the error that is allowed.
    """

    name: str
    by_step: bool
    steps: tuple[int, ...]
    error: tuple[float, ...]
    bound: tuple[float, ...]


def along_time(runner: Runner, model: Model, golden: Sequence[GoldenSet], report: ParityReport) -> AlongTime | None:
    """The longest failed set, or else the nominal one; None where no set has two steps.

    Of a chain that answers every step the steps of one answer are compared. Any other is asked for beginnings of the
    sequence: what a beginning has to be answered with is computed for it alone, since a reverse direction sees no more.
    """
    chosen = _chosen(golden, report)
    if chosen is None:
        return None
    if model.returns_every_step:
        error = in_units_of(np.abs(_asked(runner, chosen.x, chosen.y.shape) - chosen.y), chosen.scale).max(axis=(0, 2))
        steps = tuple(range(1, len(error) + 1))
        return AlongTime(chosen.name, True, steps, tuple(map(float, error)), (bound(chosen),) * len(steps))
    count = BEGINNINGS_IF_LARGE if model.parameters > LARGE_PARAMETERS else BEGINNINGS
    steps = tuple(sorted({int(step) for step in np.linspace(1, chosen.x.shape[1], count).round()}))
    begun = [GoldenSet.of(chosen.name, model, chosen.x[:, :step]) for step in steps]
    errors = tuple(float(in_units_of(np.abs(_asked(runner, g.x, g.y.shape) - g.y), g.scale).max()) for g in begun)
    return AlongTime(chosen.name, False, steps, errors, tuple(map(bound, begun)))


def _chosen(golden: Sequence[GoldenSet], report: ParityReport) -> GoldenSet | None:
    failed = {result.name for result in report.sets if result.verdict == "failed"}
    longer = [one for one in golden if one.x.shape[1] > 1 and getattr(one, "lengths", None) is None]
    best = [one for one in longer if one.name in failed] or [one for one in longer if one.name == "nominal"] or longer
    return max(best, key=lambda one: one.x.shape[1], default=None)


def _asked(runner: Runner, x: Array, shape: tuple[int, ...]) -> Array:
    """The runner's answer, or NaN where it refuses or its shape is another."""
    try:
        y = np.asarray(runner(x), np.float64)
    except LstmExportError:
        return np.full(shape, np.nan)
    return y if y.shape == shape else np.full(shape, np.nan)
