"""Diagnosis of a runner that failed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..model import Model, Runner
from .diagnosis import Diagnosis
from .first_wrong import first_wrong_step
from .golden_set import GoldenSet
from .parity_report import ParityReport
from .suspects import LONGEST, suspects

# How many other bugs that give the same answers are told.
MOST_OTHERS = 3


def diagnose(
    runner: Runner, model: Model, golden: Sequence[GoldenSet], report: ParityReport
) -> Diagnosis | None:
    """Diagnose a runner by the golden sets that it failed.

    None where none did, or the runner never gave a comparable answer.
    """
    failed = report.failed_of(golden)
    never_answered = all(result.reason for result in report.sets)
    if not failed or never_answered:
        return None
    diagnosis = _first_wrong(runner, model, failed)
    agreeing = suspects(runner, model, golden)
    if not agreeing:
        return diagnosis
    best, *others = agreeing
    names = tuple(bug.name for bug in others[:MOST_OTHERS])
    return replace(diagnosis, bug=best.kind, place=best.place, also=names)


def _first_wrong(runner: Runner, model: Model, failed: Sequence[GoldenSet]) -> Diagnosis:
    """The first wrong step, looked for in the longest failed set without lengths."""
    plain = [entry for entry in failed if entry.lengths is None]
    if not plain:
        return Diagnosis()
    longest = max(plain, key=lambda entry: min(entry.seq, LONGEST))
    step = first_wrong_step(runner, model, longest)
    return Diagnosis(golden_set=longest.name, step=step, seq=longest.seq)
