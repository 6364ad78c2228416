"""Judging an artifact that computes by a definition of its own: every answer must be equal."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from .. import targets
from ..errors import LstmExportError
from ..model import Array, Runner
from ..parity import ParityReport, SetResult
from ..parity.rule import largest
from .artifact import ArtifactFile
from .rounding import shown_inputs
from .subject import Subject


def judge_exactly(
    subject: Subject, artifact: ArtifactFile, definition: targets.Definition
) -> ParityReport:
    """Ask an artifact the golden sets and what its definition names besides."""
    runner = artifact.runner()
    inputs = {golden.name: golden.x for golden in subject.golden if golden.lengths is None}
    if not subject.is_replay:
        inputs |= definition.inputs()
    sets = tuple(_equal(name, x, runner, definition) for name, x in inputs.items())
    notes = (
        *subject.checkpoint.remarks,
        *targets.notes_on(artifact.module, subject.model),
        *_remarks(subject, definition),
    )
    return ParityReport(artifact.target, definition.structure, sets, notes)


def _remarks(subject: Subject, definition: targets.Definition) -> tuple[str, ...]:
    if subject.is_replay:
        return ()
    shown, source = shown_inputs(subject)
    return definition.remarks(shown, source)


def _equal(name: str, x: Array, runner: Runner, definition: Runner) -> SetResult:
    """One set: the largest difference, in the outputs' own units, must be 0."""
    expected = definition(x)
    start = perf_counter()
    y, reason = _answer(runner, x, expected.shape)
    seconds = perf_counter() - start
    error, worst = largest(y, expected, np.ones(expected.shape[-1]))
    return SetResult(
        name=name,
        shape=x.shape,
        noise_floor=0.0,
        bound=0.0,
        error=error,
        reference_error=None,
        difference=None,
        worst=worst,
        verdict="passed" if error == 0 else "failed",
        reason=reason,
        seconds=seconds,
    )


def _answer(runner: Runner, x: Array, expected: tuple[int, ...]) -> tuple[Array, str]:
    """The runner's answer, NaN where there is no comparable one, and why."""
    no_answer = np.full(expected, np.nan)
    try:
        y = np.asarray(runner(x), np.float64)
    except LstmExportError as error:
        return no_answer, str(error)
    if y.shape != expected:
        return no_answer, f"y is {y.shape}, expected {expected}"
    return y, ""
