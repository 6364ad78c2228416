"""Does the verifier see what it should? Known bugs are put into copies of an artifact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from .. import targets
from ..errors import InputError, LstmExportError, ParityError, UnsupportedModel
from ..model.runner import takes_lengths
from ..parity import GoldenSet, Mutation, catalogue, check
from ..parity.aligned import aligned
from ..parity.noise import relative_error
from ..parity.parity_report import GOOD_STRUCTURE
from ..parity.rule import bound, is_judgeable
from ..parity.suspects import LONGEST
from .artifact import ArtifactFile
from .judge import judge
from .opened_file import OpenedFile, own_artifact
from .structure import NOT_CHECKED, structure_of
from .subject import Subject

HEADER = ("bug", "change", "by structure", "by numbers", "verdict")
LARGEST_IN_JSON = 1e300  # JSON has no infinity


@dataclass(frozen=True)
class Attempt:
    """One bug, and who caught it.

    Attributes:
        bug: its name in the catalogue.
        change: how far it moves the float64 answers, in units of what is allowed; infinite where
            their shape changes.
        by_structure: whether reading the file back showed it; None where the format cannot be read
            back.
        by_numbers: whether the golden sets showed it.
    """

    bug: str
    change: float
    by_structure: bool | None
    by_numbers: bool

    @property
    def verdict(self) -> str:
        """`caught`, `missed`, or `no change` where it matters less than rounding and was not
        caught."""
        if self.by_structure or self.by_numbers:
            return "caught"
        return "missed" if self.change > 1 else "no change"


@dataclass(frozen=True)
class SelfCheck:
    """Which known bugs were caught.

    Attributes:
        target: what the artifact is.
        attempts: the bugs that copies of the artifact were given.
        left_out: those that the target cannot be made to have here.
    """

    target: str
    attempts: tuple[Attempt, ...]
    left_out: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether no bug that matters was missed."""
        return bool(self.attempts) and all(attempt.verdict != "missed" for attempt in self.attempts)

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping."""
        record = asdict(self) | {"ok": self.ok}
        for entry, attempt in zip(record["attempts"], self.attempts, strict=True):
            entry["verdict"] = attempt.verdict
            entry["change"] = min(attempt.change, LARGEST_IN_JSON)
        return record

    def table(self) -> str:
        """For people: one line a bug."""
        lines = aligned([HEADER, *(_row(attempt) for attempt in self.attempts)])
        lines.append(self._counts())
        if self.left_out:
            names = ", ".join(self.left_out)
            lines.append(f"not tried, the target cannot be made to have them: {names}")
        return "\n".join(lines)

    def _counts(self) -> str:
        """How many were caught, and what to think of the others."""
        counts = Counter(attempt.verdict for attempt in self.attempts)
        of_all = f"{counts['caught']} of {len(self.attempts)} bugs"
        sentence = f"{of_all} caught in copies of the {self.target} artifact"
        if counts["no change"]:
            unmoved = "which move no answer by more than rounding may"
            sentence += f"; {counts['no change']} not caught, {unmoved}"
        if counts["missed"]:
            sentence += f"; {counts['missed']} missed that do"
        return sentence


def _row(attempt: Attempt) -> tuple[str, ...]:
    change = f"{attempt.change:.2g} times"
    if np.isinf(attempt.change):
        change = "another shape"
    words = {True: "caught", False: "-", None: "cannot be read"}
    structure = words[attempt.by_structure]
    numbers = "caught" if attempt.by_numbers else "-"
    return (attempt.bug, change, structure, numbers, attempt.verdict)


def self_check(opened: OpenedFile, subject: Subject) -> SelfCheck:
    """Judge copies of an artifact, each with one bug of `parity.catalogue`; the file itself stays
    as it is.

    A bug that a changed model has is written by the target's own `export`; another is put in by its
    `broken`.

    Raises:
        InputError: it is a bundle.
        ParityError: the artifact itself does not pass, so that nothing can be told from its copies.
    """
    _check_checkable(opened, subject)
    artifact = opened.artifact
    runner = artifact.runner()
    golden = subject.golden_for(runner)
    options = {"lengths": True} if takes_lengths(runner) else {}
    attempts: list[Attempt] = []
    left_out: list[str] = []
    with TemporaryDirectory() as folder:
        for mutation in catalogue(subject.model):
            # rows that are all full cannot show it
            if mutation.ignores_lengths and all(entry.lengths is None for entry in golden):
                continue
            path = Path(folder) / f"copy{len(attempts)}{artifact.module.suffix}"
            if _write_copy(mutation, artifact, path, options):
                copy = own_artifact(artifact.target, path)
                attempts.append(_attempt(mutation, subject, golden, copy))
            else:
                left_out.append(mutation.name)
    return SelfCheck(artifact.target, tuple(attempts), tuple(left_out))


def _check_checkable(opened: OpenedFile, subject: Subject) -> None:
    """Refuse what no copies can be told from: a bundle, whole numbers, a file that fails itself."""
    if opened.bundle is not None:
        raise InputError(
            f"{opened.path} is a bundle, and the self-check takes one artifact: "
            "lstm-export onnx MODEL"
        )
    if opened.artifact.definition(subject.model):
        raise InputError(
            f"{opened.path} computes in whole numbers and is compared bit for bit: "
            "the self-check is for artifacts that are judged by a tolerance"
        )
    report = judge(subject, opened.artifact)
    if not report.ok:
        raise ParityError(
            f"{opened.path} itself does not pass, check it first: {report.summary()}", report
        )


def _write_copy(
    mutation: Mutation, artifact: ArtifactFile, path: Path, options: Mapping[str, Any]
) -> bool:
    """Whether a copy of the artifact, made with these options, was written with this bug."""
    module = artifact.module
    if mutation.is_model:
        try:
            module.export(mutation.model, path, **options)
        except UnsupportedModel:
            return False
        return True
    if artifact.data is None or not isinstance(module, targets.CanBreak):
        return False
    data = module.broken(artifact.data, mutation.kind)
    if data is None:
        return False
    path.write_bytes(data)
    return True


def _attempt(
    mutation: Mutation, subject: Subject, golden: tuple[GoldenSet, ...], copy: ArtifactFile
) -> Attempt:
    expected, _ = targets.lowered(copy.module, subject.model)
    structure = structure_of(copy, expected)
    try:
        failed = check(copy.runner(), golden, subject=copy.target).verdict == "failed"
    except LstmExportError:
        failed = True  # it cannot even be opened
    by_structure = None if structure == NOT_CHECKED else structure not in GOOD_STRUCTURE
    change = max(_changes(mutation, golden), default=0.0)
    return Attempt(mutation.name, change, by_structure, failed)


def _changes(mutation: Mutation, golden: tuple[GoldenSet, ...]) -> Iterator[float]:
    """How far the bug moves the answers of each set that can be judged, in units of its bound."""
    for entry in golden:
        if not is_judgeable(entry) or entry.x.shape[1] > LONGEST:
            continue
        y = mutation(entry.x, lengths=entry.lengths).y
        if y.shape != entry.y.shape:  # an answer every step for one at the end, or the reverse
            yield np.inf
            continue
        moved = relative_error(y, entry.y, entry.scale).max()
        yield float(moved / bound(entry))
