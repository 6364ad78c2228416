"""The record of what a comparison found, and how it reads for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..model import Runner
from .aligned import aligned
from .conditions import Condition
from .diagnosis import Diagnosis
from .golden_set import GoldenSet
from .rule import Verdict
from .set_result import SetResult, judge

# What `ParityReport.structure` says of an artifact with nothing wrong, and how it reads for people.
GOOD_STRUCTURE = {
    "identical": "read back from the file, bit for bit the model",
    "as packaged": "the file that was packaged, by its sha256",
    "as defined": "weights and tables read back from the file, bit for bit those of the definition",
    "not checked": "this format cannot be read back; judged by its numbers alone",
}

_REFERENCE = ("pytorch", "difference")
_LEGEND = (
    "numbers:   largest error against the float64 definition, "
    "relative to S, the summed magnitude of the last operation's terms"
)
_LEGEND_OF_EQUAL = (
    "numbers:   largest difference from the definition in whole numbers, in the outputs' units; "
    "none is allowed"
)


@dataclass(frozen=True)
class ParityReport:
    """The record of a comparison. It never raises: the caller decides what follows from `ok`.

    Attributes:
        subject: what was judged, such as `onnx`.
        structure: a key of `GOOD_STRUCTURE`, otherwise what differs.
        sets: a result for each golden set.
        notes: what a user should know besides.
        conditions: the same artifact under other conditions, where its target names any.
        diagnosis: what is wrong, where golden sets failed.
        error: why nothing could be judged, such as `could not be opened: ...`; a failure.
        cost: what an arithmetic of its own costs it against float64, JSON-ready.
    """

    subject: str
    structure: str
    sets: tuple[SetResult, ...]
    notes: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    diagnosis: Diagnosis | None = None
    error: str = ""
    cost: Mapping[str, Any] | None = None

    @property
    def verdict(self) -> Verdict:
        """`passed` only if the structure agrees, a set was judged, and nothing failed."""
        verdicts = {result.verdict for result in self.sets}
        by_condition = {condition.verdict for condition in self.conditions}
        if "failed" in verdicts | by_condition:
            return "failed"
        if self.error or self.structure not in GOOD_STRUCTURE:
            return "failed"
        return "passed" if "passed" in verdicts else "cannot be judged"

    @property
    def ok(self) -> bool:
        """Whether the verdict is `passed`."""
        return self.verdict == "passed"

    @property
    def must_equal(self) -> bool:
        """Whether every answer was held to be equal, without a tolerance."""
        return bool(self.sets) and all(result.bound == 0 for result in self.sets)

    @property
    def was_examined(self) -> bool:
        """Whether anything is known of the artifact here: it was run, could not be opened, or is
        not what its target writes."""
        return bool(self.sets or self.error or self.structure not in GOOD_STRUCTURE)

    @property
    def judged(self) -> list[SetResult]:
        """The sets that have a verdict."""
        return [result for result in self.sets if result.is_judged]

    @property
    def failed(self) -> list[SetResult]:
        """The sets that failed."""
        return [result for result in self.sets if result.verdict == "failed"]

    def failed_of(self, golden: Sequence[GoldenSet]) -> list[GoldenSet]:
        """The golden sets that failed."""
        names = {result.name for result in self.failed}
        return [entry for entry in golden if entry.name in names]

    @property
    def remarks(self) -> tuple[str, ...]:
        """Notes, conditions and diagnosis, one sentence each."""
        diagnosis = self.diagnosis.sentences() if self.diagnosis else ()
        return (*self.notes, *_conditions(self.conditions), *diagnosis)

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping; numbers that JSON lacks (NaN, inf) become strings."""
        record = asdict(self) | {"verdict": self.verdict}
        for entry in (*record["sets"], *record["conditions"]):
            del entry["seconds"]  # differs from run to run
        if not self.error:
            del record["error"]
        if self.cost is None:
            del record["cost"]
        plain: dict[str, Any] = _without_nan(record)
        return plain

    def summary(self) -> str:
        """One line: the verdict and the largest share of the bound that was used."""
        if self.error:
            return f"{self.subject}: {self.error}"
        if not self.was_examined:
            return f"{self.subject}: not run here"
        if not self.sets:
            return f"{self.subject}: failed by its structure; it was not run here"
        verdict: str = self.verdict
        counted = self.judged
        if verdict == "failed" and self.failed:
            counted = self.failed
        elif verdict == "failed":
            is_other = self.structure not in GOOD_STRUCTURE
            cause = "by its structure" if is_other else "under another condition"
            verdict = f"failed {cause}, though its numbers passed"
        count = f"{len(counted)} of {len(self.sets)} golden sets"
        return f"{self.subject}: {verdict} on {count}{_worst(self.judged)}"

    def table(self) -> str:
        """For people: the structure, what is wrong, a line for each set, reasons and notes."""
        if self.error:
            return self.error
        lines: list[str] = []
        if self.sets or self.structure != "not checked":  # else nothing was looked at
            lines.append(f"structure: {GOOD_STRUCTURE.get(self.structure, self.structure)}")
        if self.diagnosis:
            lines += [f"diagnosis: {sentence}" for sentence in self.diagnosis.sentences()]
        if self.sets:
            lines.append(_LEGEND_OF_EQUAL if self.must_equal else _LEGEND)
            lines += aligned(self._rows())
        for result in self.sets:
            if result.reason or result.verdict == "failed":
                lines.append(f"{result.name}: {result.reason or f'worst at {result.place}'}")
        notes = (*self.notes, *_conditions(self.conditions))
        lines += [f"note: {note}" for note in notes]
        return "\n".join(lines)

    def _rows(self) -> Iterator[tuple[str, ...]]:
        has_reference = any(result.reference_error is not None for result in self.sets)
        more = _REFERENCE if has_reference else ()
        yield ("golden set", "batch x seq", "allowed", self.subject, *more, "verdict")
        for result in self.sets:
            yield _row(result, has_reference)


def could_not_be_opened(subject: str, reason: str) -> ParityReport:
    """The report of an artifact that could not be read or loaded, and why."""
    return ParityReport(subject, "not checked", (), error=f"could not be opened: {reason}")


def all_ok(reports: Sequence[ParityReport]) -> bool:
    """Whether something was judged here and all of it passed; what is not known is left out."""
    judged = [report for report in reports if report.was_examined]
    return bool(judged) and all(report.ok for report in judged)


def check(  # noqa: PLR0913 - the rule's inputs, named at every call
    runner: Runner,
    golden: Sequence[GoldenSet],
    *,
    subject: str,
    structure: str = "not checked",
    reference: Runner | None = None,
    notes: tuple[str, ...] = (),
) -> ParityReport:
    """Judge `runner` on golden sets by the rule.

    It passes a set if and only if every error is at most `(8 F + 8 eps) S`. PyTorch is given as
    `reference`; it is judged by the same rule, and a set that it fails is failed.
    """
    results = tuple(judge(runner, entry, reference) for entry in golden)
    return ParityReport(subject, structure, results, notes)


def _without_nan(value: Any) -> Any:
    """NaN and infinities as strings, all the way down."""
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(inner) for inner in value]
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value


def _conditions(conditions: Sequence[Condition]) -> Iterator[str]:
    """A sentence where every answer was the same, and one for each condition that changed some."""
    alike = [condition.name for condition in conditions if condition.is_alike]
    if alike:
        yield f"the same bits with {', '.join(alike)}"
    for condition in conditions:
        if condition.is_alike:
            continue
        largest = f"largest error {condition.share:.2f} of what is allowed"
        difference = f"differs by {condition.difference:.1e}, {largest}"
        yield f"{condition.name}: {condition.reason or difference}: {condition.verdict}"


def _worst(judged: Sequence[SetResult]) -> str:
    """For the end of a summary: a reason, or how much of the bound the largest error takes."""
    if not judged:
        return ""
    for result in judged:
        if result.reason:
            return f", {result.name}: {result.reason}"
    worst = max(judged, key=lambda result: result.share)
    if worst.bound == 0:
        return ", every bit equal" if worst.error == 0 else ", some answers differ"
    if np.isnan(worst.error):
        return ", some answers are no numbers"
    if worst.share <= 1:
        return f", largest error {worst.share:.2f} of what is allowed"
    return f", largest error {worst.share:,.0f} times what is allowed"


def _row(result: SetResult, has_reference: bool) -> tuple[str, ...]:
    batch, seq, _ = result.shape
    numbers: list[float | None] = [result.bound, result.error]
    if has_reference:
        numbers += [result.reference_error, result.difference]
    cells = ("-" if number is None else f"{number:.1e}" for number in numbers)
    return (result.name, f"{batch} x {seq}", *cells, result.verdict)
