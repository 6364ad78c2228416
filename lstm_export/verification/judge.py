"""Judging: an artifact against its model, a bundle beside its model or by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from .. import targets
from ..bundle import Bundle, check_claims
from ..bundle.metrics import costs
from ..device import packaged_structure, recomputed, self_test
from ..errors import BundleError, InputError, LstmExportError, UnsupportedModel, naming, printable
from ..model import Model, Runner
from ..model.runner import is_stateful, row_by_row
from ..parity import (
    GOOD_STRUCTURE,
    GoldenSet,
    ParityReport,
    check,
    check_conditions,
    check_streaming,
    could_not_be_opened,
)
from .artifact import ArtifactFile
from .engine import NUMPY, why_not_onnx
from .exactly import judge_exactly, judge_packaged
from .failure import diagnosis_of
from .opened_file import OpenedFile
from .rounding import coarse_inputs, rounding_cost
from .structure import NOT_CHECKED, check_sizes, difference_between, structure_of
from .subject import Subject, replayed


def judge(subject: Subject, artifact: ArtifactFile) -> ParityReport:
    """Read the artifact back where the format allows, then run it on every golden set."""
    if artifact.data is None:
        return judge_runner(subject, artifact, artifact.runner(), NOT_CHECKED)
    definition = artifact.definition(subject.model)
    if definition is not None:
        check_sizes(artifact.name, artifact.runner().signature, subject.model)
        return judge_exactly(subject, artifact, definition)
    cost: tuple[str, ...] = ()
    # A file of rounded weights has to compute the model of those weights; a note says what the
    # rounding costs.
    rounded = targets.held(artifact.module, subject.model, artifact.data)
    if rounded is not subject.model:
        cost = rounding_cost(subject, rounded)
        subject = subject.with_weights_of(rounded)
    expected, notes = targets.lowered(artifact.module, subject.model)
    runner = artifact.runner()
    structure = structure_of(artifact, expected)
    check_sizes(artifact.name, runner.signature, expected)
    return judge_runner(subject, artifact, runner, structure, (*notes, *cost))


def judge_runner(
    subject: Subject,
    artifact: ArtifactFile,
    runner: Runner,
    structure: str,
    notes: tuple[str, ...] = (),
) -> ParityReport:
    """Judge a runner on every golden set; see it under other conditions, or say what is wrong with
    it.

    Args:
        subject: what it has to compute.
        artifact: what it is a runner of.
        runner: what is judged.
        structure: what was found when the artifact was read back.
        notes: what a user should know besides.
    """
    module = artifact.module
    windows = subject.checkpoint.windows
    notes = (*notes, *targets.notes_on(module, subject.model, windows))
    golden = subject.golden_for(runner)
    report = check(
        runner,
        golden,
        subject=artifact.target,
        structure=structure,
        reference=row_by_row(subject.reference),
        notes=(*subject.checkpoint.remarks, *coarse_inputs(subject.model), *notes),
    )
    if not report.ok:
        return replace(report, diagnosis=diagnosis_of(subject, artifact, runner, report))
    conditions = artifact.conditions()
    if conditions is not None:
        report = replace(report, conditions=check_conditions(runner, golden, conditions))
    if not is_stateful(runner):
        return report
    chain, _ = targets.lowered(module, subject.model)
    proofs = check_streaming(runner, subject.golden, chain)
    return replace(report, sets=(*report.sets, *proofs))


def judge_file(
    opened: OpenedFile,
    subject: Subject | None,
    replay: Path | None = None,
    *,
    numbers_only: bool = False,
) -> tuple[ParityReport, ...]:
    """Judge an artifact or every artifact of a bundle; a bundle without a subject by the answers
    that it carries.

    An ONNX file of another tool is judged by its numbers alone; with `numbers_only` one of ours is,
    too.

    Raises:
        InputError: there is no subject, and it is no bundle; or it is no ONNX file, and
            `numbers_only` is asked.
        LstmExportError: something in it cannot be opened.
    """
    with naming(opened.path):
        if subject is None:
            return _by_itself(opened, replay)
        if replay is not None:
            subject = subject.replaying(replay)
        if numbers_only or opened.is_foreign_onnx:
            return (judge_numbers(subject, opened),)
        if opened.bundle is None:
            return (_judged_alone(subject, opened),)
        check_sizes(opened.path, opened.bundle.model.signature, subject.model)
        return _beside_its_model(opened, opened.bundle, subject)


def _judged_alone(subject: Subject, opened: OpenedFile) -> ParityReport:
    """A lone artifact; the guard of ONNX files refuses what other tools make of one."""
    try:
        return judge(subject, opened.artifact)
    except BundleError as error:
        if opened.artifact.target != "onnx":
            raise
        raise BundleError(f"{error}, or judge it by its numbers alone: --numbers-only") from error


def judge_numbers(subject: Subject, opened: OpenedFile) -> ParityReport:
    """Judge an ONNX file by its numbers alone, in a process of its own.

    Raises:
        InputError: it is none, or cannot be asked.
    """
    from .foreign_onnx import numbers_of

    data = opened.lone_onnx()
    try:
        report = numbers_of(subject.model, subject.golden, data)
    except (InputError, UnsupportedModel) as error:
        raise InputError(f"{opened.path}: {error}") from error
    return replace(report, notes=(*subject.checkpoint.remarks, *report.notes))


def _by_itself(opened: OpenedFile, replay: Path | None) -> tuple[ParityReport, ...]:
    bundle = opened.bundle
    if bundle is None:
        raise InputError(
            f"{opened.path} is an artifact of {opened.artifact.target}; "
            f"name its model: lstm-export verify {opened.path} MODEL"
        )
    check_claims(bundle)
    if replay is not None:
        bundle = replace(bundle, golden=(replayed(replay, bundle.model),))
    golden = recomputed(bundle)  # from its weights: stored answers alone could be made to fit
    judged = partial(_by_its_bundle, bundle, golden)
    reports = [_in_bundle(artifact, bundle, judged) for artifact in opened.artifacts.values()]
    if why_not_onnx(opened):  # numpy is what runs then
        runner = opened.engines[NUMPY].runner()
        reports.append(self_test(bundle, runner, NUMPY, golden))
    return tuple(reports)


def _in_bundle(
    artifact: ArtifactFile, bundle: Bundle, judged: Callable[[ArtifactFile], ParityReport]
) -> ParityReport:
    """The report of one artifact of a bundle: one that cannot be opened fails by itself, and the
    others are judged all the same."""
    reason = artifact.why_not_run()
    try:
        report = _not_run(artifact.target, reason) if reason else judged(artifact)
        return _held_against_weights(report, artifact, bundle.model)
    except LstmExportError as error:
        return could_not_be_opened(artifact.target, str(error))


def _held_against_weights(
    report: ParityReport, artifact: ArtifactFile, model: Model
) -> ParityReport:
    """The report with what of the file is not what its target writes of the bundle's weights."""
    stored = artifact.stored
    is_known = artifact.target in targets.names()
    if stored is None or not is_known or report.structure not in GOOD_STRUCTURE:
        return report
    module = artifact.module
    differs = isinstance(module, targets.DiffersFrom) and module.differs_from(model, stored)
    return replace(report, structure=differs) if differs else report


def _by_its_bundle(
    bundle: Bundle, golden: Sequence[GoldenSet], artifact: ArtifactFile
) -> ParityReport:
    definition = artifact.definition(bundle.model)
    if definition:
        return judge_packaged(bundle, artifact, definition)
    if any(target == artifact.target for target, _ in costs(bundle.manifest)):
        raise BundleError(
            f"the manifest says that {printable(artifact.target)} computes in whole numbers, and "
            "its artifact does not; package the model again"
        )
    return self_test(bundle, artifact.runner(), artifact.target, golden)


def _beside_its_model(
    opened: OpenedFile, bundle: Bundle, subject: Subject
) -> tuple[ParityReport, ...]:
    """The bundle's artifacts, judged as artifacts of the model that it was made from."""
    differs = difference_between(subject.model, bundle.model)  # once for all artifacts

    def judged(artifact: ArtifactFile) -> ParityReport:
        definition = artifact.definition(subject.model)
        if definition:
            return judge_exactly(subject, artifact, definition)
        structure = differs or packaged_structure(bundle, artifact.target)
        return judge_runner(subject, artifact, artifact.runner(), structure)

    return tuple(_in_bundle(artifact, bundle, judged) for artifact in opened.artifacts.values())


def _not_run(target: str, reason: str) -> ParityReport:
    return ParityReport(target, NOT_CHECKED, (), (f"not run here: {reason}",))
