"""Judging an artifact that computes by a definition of its own: every answer must be equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np

from .. import targets
from ..bundle import Bundle
from ..errors import LstmExportError
from ..model import Array, Runner
from ..parity import GoldenSet, ParityReport, SetResult
from ..parity.rule import largest
from .artifact import ArtifactFile
from .rounding import shown_inputs
from .subject import Subject


def judge_exactly(
    subject: Subject, artifact: ArtifactFile, definition: targets.Definition
) -> ParityReport:
    """Ask an artifact the golden sets and what its definition names besides."""
    if subject.is_replay:
        return _judged(artifact, definition, subject.golden, {})
    cost = definition.cost(*shown_inputs(subject.golden))
    notes = (
        *subject.checkpoint.remarks,
        *targets.notes_on(artifact.module, subject.model, subject.checkpoint.windows),
        *cost.sentences(),
    )
    report = _judged(artifact, definition, subject.golden, definition.inputs())
    return replace(report, notes=notes, cost=cost.to_record())


def judge_packaged(
    bundle: Bundle, artifact: ArtifactFile, definition: targets.Definition
) -> ParityReport:
    """Judge an artifact in a bundle in the same way, by the bundle's own golden sets."""
    return _judged(artifact, definition, bundle.golden, definition.inputs())


def _judged(
    artifact: ArtifactFile,
    definition: targets.Definition,
    golden: Sequence[GoldenSet],
    more: Mapping[str, Array],
) -> ParityReport:
    runner = artifact.runner()
    inputs = {entry.name: entry.x for entry in golden if entry.lengths is None}
    inputs |= more
    sets = []
    for name, x in inputs.items():
        sets.append(_equal(name, x, runner, definition))
    return ParityReport(artifact.target, definition.structure, tuple(sets))


def _equal(name: str, x: Array, runner: Runner, definition: Runner) -> SetResult:
    """One set: the largest difference, in the outputs' own units, must be 0."""
    expected = definition(x)
    start = perf_counter()
    y, reason = _answer(runner, x, expected.shape)
    seconds = perf_counter() - start
    in_own_units = np.ones(expected.shape[-1])  # (output_size,), in the place of S
    error, worst = largest(y, expected, in_own_units)
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
    no_answer = np.full(expected, np.nan)  # its error is NaN, which is not 0
    try:
        y = np.asarray(runner(x), np.float64)
    except LstmExportError as error:
        return no_answer, str(error)
    if y.shape != expected:
        return no_answer, f"y is {y.shape}, expected {expected}"
    return y, ""
