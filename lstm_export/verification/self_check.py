"""Does the verifier see what it should? Every known bug of a chain is put into a copy of its artifact, and judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from .. import targets
from ..bundle import is_bundle
from ..errors import InputError, LstmExportError, ParityError, UnsupportedModel
from ..model import Model
from ..model.runner import takes_lengths
from ..parity import GoldenSet, Mutation, catalogue, check
from ..parity.diagnosis import LONGEST
from ..parity.noise import in_units_of
from ..parity.report import GOOD_STRUCTURE
from ..parity.rule import bound, is_judgeable
from .subject import Source, Subject, structure_of, target_of


@dataclass(frozen=True)
class Attempt:
    """One bug, and who caught it.

    Attributes:
        bug: its name in the catalogue.
        change: how far it moves the float64 answers, in units of what is allowed; infinite where their shape changes.
        by_structure: whether reading the file back showed it; None where the format cannot be read back.
        by_numbers: whether the golden sets showed it.
    """

    bug: str
    change: float
    by_structure: bool | None
    by_numbers: bool

    @property
    def verdict(self) -> str:
        """`caught`, `missed`, or `no change` where it matters less than rounding and was not caught."""
        if self.by_structure or self.by_numbers:
            return "caught"
        return "missed" if self.change > 1 else "no change"


@dataclass(frozen=True)
class SelfCheck:
    """What became of every known bug.

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
            entry |= {"verdict": attempt.verdict, "change": min(attempt.change, 1e300)}
        return record

    def table(self) -> str:
        """For people: one line a bug."""
        rows = [("bug", "change", "by structure", "by numbers", "verdict"), *(_row(one) for one in self.attempts)]
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        lines.append(self._count())
        if self.left_out:
            lines.append(f"not tried, the target cannot be made to have them: {', '.join(self.left_out)}")
        return "\n".join(lines)

    def _count(self) -> str:
        """How many were caught, and what to think of the others."""
        caught, unmoved, missed = (
            sum(one.verdict == verdict for one in self.attempts) for verdict in ("caught", "no change", "missed")
        )
        said = f"{caught} of {len(self.attempts)} bugs caught in copies of the {self.target} artifact"
        if unmoved:
            said += f"; {unmoved} not caught, which move no answer by more than rounding may"
        return said + (f"; {missed} missed that do" if missed else "")


def _row(attempt: Attempt) -> tuple[str, ...]:
    change = "another shape" if np.isinf(attempt.change) else f"{attempt.change:.2g} times"
    structure = {True: "caught", False: "-", None: "cannot be read"}[attempt.by_structure]
    return (attempt.bug, change, structure, "caught" if attempt.by_numbers else "-", attempt.verdict)


def self_check(artifact: Path, model: Source) -> SelfCheck:
    """Judge copies of an artifact, each with one bug of `parity.catalogue`; the file itself stays as it is.

    A bug that a changed model has is written by the target's own `export`; another is put in by its `broken`.

    Raises:
        ParityError: the artifact itself does not pass, so that nothing can be told from its copies.
    """
    data = targets.data_of(artifact)
    if is_bundle(data):
        raise InputError(f"{artifact} is a bundle, and the self-check takes one artifact: lstm-export onnx MODEL")
    target, subject = target_of(artifact, data), Subject.of(model)
    report = subject.judge(target, artifact)
    if not report.ok:
        raise ParityError(f"{artifact} itself does not pass, check it first: {report.summary()}", report)
    runner = targets.get(target).load(artifact)
    golden, options = subject.golden_for(runner), {"lengths": True} if takes_lengths(runner) else {}
    attempts: list[Attempt] = []
    left_out: list[str] = []
    with TemporaryDirectory() as folder:
        for mutation in catalogue(subject.checkpoint.model):
            if mutation.ignores_lengths and all(one.lengths is None for one in golden):
                continue
            copy = Path(folder) / f"copy{len(attempts)}{targets.get(target).suffix}"
            if _made(mutation, target, artifact, copy, options):
                attempts.append(_attempt(mutation, subject, golden, target, copy))
            else:
                left_out.append(mutation.name)
    return SelfCheck(target, tuple(attempts), tuple(left_out))


def _made(mutation: Mutation, target: str, artifact: Path, copy: Path, options: Mapping[str, Any]) -> bool:
    """Whether a copy of the artifact, made with these options, was written with this bug."""
    module: Any = targets.get(target)
    if mutation.is_model:
        try:
            module.export(mutation.model, copy, **options)
        except UnsupportedModel:
            return False
        return True
    data = module.broken(artifact.read_bytes(), mutation.kind) if hasattr(module, "broken") else None
    if data is not None:
        copy.write_bytes(data)
    return data is not None


def _attempt(mutation: Mutation, subject: Subject, golden: tuple[GoldenSet, ...], target: str, copy: Path) -> Attempt:
    module = targets.get(target)
    expected: Model = targets.lowered(module, subject.checkpoint.model)[0]
    structure = structure_of(module, copy, expected)
    try:
        failed = check(module.load(copy), golden, subject=target).verdict == "failed"
    except LstmExportError:
        failed = True  # it cannot even be opened
    read = None if structure == "not checked" else structure not in GOOD_STRUCTURE
    return Attempt(mutation.name, max(_changes(mutation, golden), default=0.0), read, failed)


def _changes(mutation: Mutation, golden: tuple[GoldenSet, ...]) -> Iterator[float]:
    """How far the bug moves the answers of each set that can be judged, in units of its bound."""
    for one in golden:
        if is_judgeable(one) and one.x.shape[1] <= LONGEST:
            y = mutation(one.x, lengths=one.lengths).y
            same = y.shape == one.y.shape
            yield float(in_units_of(np.abs(y - one.y), one.scale).max() / bound(one)) if same else np.inf
