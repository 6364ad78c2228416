"""An artifact that failed: what is wrong with it, and the smallest input that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .. import targets
from ..bundle import Bundle
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
from .artifact import ArtifactFile
from .opened_file import OpenedFile
from .subject import Subject


def diagnosis_of(
    subject: Subject, artifact: ArtifactFile, runner: Runner, report: ParityReport
) -> Diagnosis | None:
    """Diagnose a failed artifact; where its target can open it up, find the first wrong layer."""
    golden = subject.golden_for(runner)
    diagnosis = diagnose(runner, subject.model, golden, report)
    if diagnosis is None:
        return None
    probes = artifact.probes()
    if probes is None:
        return diagnosis
    chain, _ = targets.lowered(artifact.module, subject.model)
    return replace(diagnosis, layer=first_wrong_layer(probes, chain, golden, report))


def smallest_failure(opened: OpenedFile, subject: Subject | None) -> GoldenSet | None:
    """The smallest input on which an artifact, or the first of a bundle's that does, fails.

    Returns:
        None where none fails by its numbers.

    Raises:
        InputError: it is no bundle, and there is no subject.
    """
    if opened.bundle is not None:
        return _smallest_in_bundle(opened, opened.bundle, subject)
    if subject is None:
        raise InputError(
            f"{opened.path} is an artifact of {opened.artifact.target}; name its model"
        )
    return _smallest_beside_model(opened.artifact, subject)


def _smallest_in_bundle(
    opened: OpenedFile, bundle: Bundle, subject: Subject | None
) -> GoldenSet | None:
    """The smallest input of the first artifact that fails by the model, or by the bundle itself."""
    for artifact in opened.artifacts.values():
        if artifact.why_not_run():
            continue
        try:
            if subject is None:
                smallest = _smallest_by_itself(artifact, bundle)
            else:
                smallest = _smallest_beside_model(artifact, subject)
        except LstmExportError:  # it cannot be opened, as its report says
            continue
        if smallest is not None:
            return smallest
    return None


def _smallest_by_itself(artifact: ArtifactFile, bundle: Bundle) -> GoldenSet | None:
    runner = artifact.runner()
    return smallest_failing(runner, bundle.model, asked_of(runner, bundle.golden))


def _smallest_beside_model(artifact: ArtifactFile, subject: Subject) -> GoldenSet | None:
    runner = artifact.runner()
    model = subject.model
    definition = artifact.definition(model)
    if definition is not None:
        return _smallest_unequal(runner, definition, subject.golden)
    if artifact.data is not None:
        model = targets.held(artifact.module, model, artifact.data)
    return smallest_failing(runner, model, subject.golden_for(runner))


def _smallest_unequal(
    runner: Runner, definition: Runner, golden: Sequence[GoldenSet]
) -> GoldenSet | None:
    """The golden set of the fewest values that a definition of the artifact's own answers
    otherwise."""
    for entry in sorted(golden, key=lambda entry: entry.x.size):
        if not np.array_equal(runner(entry.x), definition(entry.x)):
            return entry
    return None
