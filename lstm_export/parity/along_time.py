"""How the error of a runner grows with time: step by step, or length by length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..model import Array, Model, Runner
from .golden_set import GoldenSet
from .noise import relative_error
from .parity_report import ParityReport
from .rule import answer, bound, error_of

# How many beginnings of a sequence are asked for; each is judged with a noise floor of its own.
BEGINNINGS = 16
BEGINNINGS_IF_LARGE = 5
LARGE_PARAMETERS = 200_000


@dataclass(frozen=True)
class AlongTime:
    """Errors of one golden set, in units of S.

    Attributes:
        name: the golden set.
        by_step: whether these are the steps of one answer; otherwise the last step of answers to
            its beginnings.
        steps: from 1.
        error: the largest over rows and outputs; NaN where there was no comparable answer.
        bound: the error that is allowed.
    """

    name: str
    by_step: bool
    steps: tuple[int, ...]
    error: tuple[float, ...]
    bound: tuple[float, ...]


def along_time(
    runner: Runner, model: Model, golden: Sequence[GoldenSet], report: ParityReport
) -> AlongTime | None:
    """The longest failed set, or else the nominal one; None where no set has two steps.

    Of a chain that answers every step the steps of one answer are compared. Any other is asked for
    beginnings of the sequence: what a beginning has to be answered with is computed for it alone,
    since a reverse direction sees no more.
    """
    chosen = _chosen(golden, report)
    if chosen is None:
        return None
    if model.returns_every_step:
        return _by_step(runner, chosen)
    return _by_length(runner, model, chosen)


def _by_step(runner: Runner, golden: GoldenSet) -> AlongTime:
    y = answer(runner, golden).y  # (batch, seq, output_size)
    by_output = relative_error(y, golden.y, golden.scale)  # (batch, seq, output_size)
    errors: Array = by_output.max(axis=(0, 2))  # (seq,)
    steps = tuple(range(1, golden.seq + 1))
    allowed = (bound(golden),) * golden.seq
    return AlongTime(golden.name, True, steps, tuple(map(float, errors)), allowed)


def _by_length(runner: Runner, model: Model, golden: GoldenSet) -> AlongTime:
    is_large = model.parameters > LARGE_PARAMETERS
    count = BEGINNINGS_IF_LARGE if is_large else BEGINNINGS
    spread = np.linspace(model.least_steps, golden.seq, count).round()
    steps = sorted({int(step) for step in spread})  # a set: rounding may give a step twice
    errors = []
    allowed = []
    for step in steps:
        beginning = GoldenSet.of(golden.name, model, golden.x[:, :step])
        y = answer(runner, beginning).y
        errors.append(error_of(y, beginning))
        allowed.append(bound(beginning))
    return AlongTime(golden.name, False, tuple(steps), tuple(errors), tuple(allowed))


def _chosen(golden: Sequence[GoldenSet], report: ParityReport) -> GoldenSet | None:
    longer = [entry for entry in golden if entry.seq > 1 and entry.lengths is None]
    failed = report.failed_of(longer)
    nominal = [entry for entry in longer if entry.name == "nominal"]
    return max(failed or nominal or longer, key=lambda entry: entry.seq, default=None)
