"""An artifact that failed: what is wrong with it, and the smallest input that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .. import targets
from ..errors import InputError, LstmExportError
from ..model import Runner
from ..parity import (
    Diagnosis,
    GoldenSet,
    ParityReport,
    asked_of,
    diagnose,
    first_wrong_layer,
    smallest_failing,
)
from .artifact import ArtifactFile, OpenedFile
from .subject import Subject


def diagnosis_of(
    subject: Subject, artifact: ArtifactFile, runner: Runner, report: ParityReport
) -> Diagnosis | None:
    """What is wrong with a failed artifact, which is opened up where its target can do that."""
    golden = subject.golden_for(runner)
    found = diagnose(runner, subject.model, golden, report)
    if found is None:
        return None
    probes = artifact.probes()
    if probes is None:
        return found
    chain = targets.lowered(artifact.module, subject.model)[0]
    return replace(found, layer=first_wrong_layer(probes, chain, golden, report))


def smallest_failure(opened: OpenedFile, subject: Subject | None) -> GoldenSet | None:
    """The smallest input on which an artifact, or the first of a bundle's that does, fails.

    Returns:
        None where none fails by its numbers.

    Raises:
        InputError: it is no bundle, and there is no subject.
    """
    if opened.bundle is None and subject is None:
        raise InputError(
            f"{opened.path} is an artifact of {opened.artifact.target}; name its model"
        )
    if opened.bundle is None:
        return _smallest(opened, opened.artifact, subject)
    for artifact in opened.artifacts.values():
        if artifact.why_not_run():
            continue
        try:
            found = _smallest(opened, artifact, subject)
        except LstmExportError:  # it cannot be opened, as its report says
            continue
        if found is not None:
            return found
    return None


def _smallest_unequal(
    runner: Runner, definition: Runner, golden: Sequence[GoldenSet]
) -> GoldenSet | None:
    """The golden set of the fewest values that a definition of the artifact's own answers
    otherwise."""
    for entry in sorted(golden, key=lambda entry: entry.x.size):
        if not np.array_equal(runner(entry.x), definition(entry.x)):
            return entry
    return None


def _smallest(
    opened: OpenedFile, artifact: ArtifactFile, subject: Subject | None
) -> GoldenSet | None:
    runner = artifact.runner()
    if subject is not None:
        model = subject.model
        definition = artifact.definition(model)
        if definition is not None:
            return _smallest_unequal(runner, definition, subject.golden)
        if artifact.data is not None:
            model = targets.held(artifact.module, model, artifact.data)
        return smallest_failing(runner, model, subject.golden_for(runner))
    bundle = opened.bundle
    assert bundle is not None  # noqa: S101 - smallest_failure has seen to it
    return smallest_failing(runner, bundle.model, asked_of(runner, bundle.golden))
