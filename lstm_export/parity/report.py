"""The rule that judges a runner, and the record of what it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..model import Runner
from .conditions import Condition
from .golden import GoldenSet
from .rule import Verdict, answer, bound, is_judgeable, largest

if TYPE_CHECKING:
    from .diagnosis import Diagnosis

# What `ParityReport.structure` says of an artifact with nothing wrong, and how it reads for people.
GOOD_STRUCTURE = {
    "identical": "read back from the file, bit for bit the model",
    "as packaged": "the file that was packaged, by its sha256",
    "not checked": "this format cannot be read back; judged by its numbers alone",
}


@dataclass(frozen=True)
class SetResult:
    """One golden set. Errors and bound are in units of S, the size of the terms that each output is summed from.

    Attributes:
        error: largest error of the artifact against the float64 definition; NaN where it gave NaN.
        reference_error: the same for PyTorch, where it ran.
        difference: artifact against PyTorch.
        bound: the error that is allowed, `8 F + 8 eps`.
        worst: index of the worst output, `(row, output)` or `(row, step, output)`.
        reason: why the artifact gave no comparable answer; empty where it gave one.
    """

    name: str
    shape: tuple[int, ...]
    noise_floor: float
    bound: float
    error: float
    reference_error: float | None
    difference: float | None
    worst: tuple[int, ...]
    verdict: Verdict
    reason: str = ""


@dataclass(frozen=True)
class ParityReport:
    """What a comparison found. It never raises: the caller decides what follows from `ok`.

    Attributes:
        subject: what was judged, such as `onnx`.
        structure: a key of `GOOD_STRUCTURE`, otherwise what differs.
        sets: one result a golden set.
        notes: what a user should know besides.
        conditions: the same artifact under other conditions, where its target names any.
        diagnosis: what is wrong, where golden sets failed.
    """

    subject: str
    structure: str
    sets: tuple[SetResult, ...]
    notes: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    diagnosis: Diagnosis | None = None

    @property
    def verdict(self) -> Verdict:
        """`passed` only if the structure agrees, at least one set was judged, and none and no condition failed."""
        verdicts = {result.verdict for result in self.sets}
        failed = {"failed"} & (verdicts | {condition.verdict for condition in self.conditions})
        if self.structure not in GOOD_STRUCTURE or failed:
            return "failed"
        return "passed" if "passed" in verdicts else "cannot be judged"

    @property
    def remarks(self) -> tuple[str, ...]:
        """Notes, conditions and diagnosis, one sentence each."""
        told = self.diagnosis.sentences() if self.diagnosis else ()
        return (*self.notes, *_conditions(self.conditions), *told)

    @property
    def ok(self) -> bool:
        """Whether the verdict is `passed`."""
        return self.verdict == "passed"

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping; numbers that JSON lacks (NaN, inf) become strings."""
        record: dict[str, Any] = _without_nan(asdict(self) | {"verdict": self.verdict})
        return record

    def summary(self) -> str:
        """One line: the verdict and the largest share of the bound that was used."""
        if not self.sets:
            return f"{self.subject}: not run here"
        judged = [result for result in self.sets if result.verdict != "cannot be judged"]
        reasons = [f", {result.name}: {result.reason}" for result in judged if result.reason]
        shares = [result.error / result.bound for result in judged]
        worst = reasons[0] if reasons else _share(max(shares, key=_nan_last)) if judged else ""
        said, counted = str(self.verdict), judged
        if said == "failed":
            counted = [result for result in judged if result.verdict == "failed"]
            if not counted:
                why = "by its structure" if self.structure not in GOOD_STRUCTURE else "under another condition"
                said, counted = f"failed {why}, though its numbers passed", judged
        return f"{self.subject}: {said} on {len(counted)} of {len(self.sets)} golden sets{worst}"

    def table(self) -> str:
        """For people: the structure, one line a set, reasons and notes."""
        has_reference = any(result.reference_error is not None for result in self.sets)
        header = (
            "golden set",
            "batch x seq",
            "allowed",
            self.subject,
            *(_REFERENCE if has_reference else ()),
            "verdict",
        )
        rows = [header, *(_row(result, has_reference) for result in self.sets)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
        reasons = [
            f"{result.name}: {_where(result)}" for result in self.sets if result.reason or result.verdict == "failed"
        ]
        structure = f"structure: {GOOD_STRUCTURE.get(self.structure, self.structure)}"
        legend = [_LEGEND] if self.sets else []
        notes = [f"note: {note}" for note in self.remarks]
        return "\n".join([structure, *legend, *(lines if self.sets else ()), *reasons, *notes])


def all_ok(reports: Sequence[ParityReport]) -> bool:
    """Whether something was judged here and all of it passed; a report without sets was not run here."""
    judged = [report for report in reports if report.sets]
    return bool(judged) and all(report.ok for report in judged)


def _without_nan(value: Any) -> Any:
    """NaN and infinities as strings, all the way down."""
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(one) for one in value]
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value


def _conditions(found: Sequence[Condition]) -> list[str]:
    """One sentence where every answer was the same, else one for each condition that made a difference."""
    unlike = [one for one in found if one.difference != 0 or one.verdict == "failed"]
    alike = [one.name for one in found if one not in unlike]
    lines = [f"the same bits with {', '.join(alike)}"] if alike else []
    for one in unlike:
        told = one.reason or f"differs by {one.difference:.1e}, largest error {one.share:.2f} of what is allowed"
        lines.append(f"with {one.name}: {told}: {one.verdict}")
    return lines


def _nan_last(share: float) -> float:
    return np.inf if np.isnan(share) else share


def _share(share: float) -> str:
    """How much of the bound the largest error takes, for the end of a summary."""
    if np.isnan(share):
        return ", some answers are no numbers"
    return (
        f", largest error {share:.2f} of what is allowed"
        if share <= 1
        else f", largest error {share:,.0f} times what is allowed"
    )


_REFERENCE = ("pytorch", "difference")
_LEGEND = "numbers:   largest error against the float64 definition, in units of the terms that an output is summed from"


def check(  # noqa: PLR0913 - the rule's inputs, named at every call
    runner: Runner,
    golden: Sequence[GoldenSet],
    *,
    subject: str,
    structure: str = "not checked",
    reference: Runner | None = None,
    notes: tuple[str, ...] = (),
) -> ParityReport:
    """Judge `runner` on golden sets by the rule: it passes a set iff every error is at most `(8 F + 8 eps) S`.

    PyTorch is given as `reference`; it is judged by the same rule, and a set that it fails is failed.
    """
    return ParityReport(subject, structure, tuple(_judge(runner, one, reference) for one in golden), notes)


def _judge(runner: Runner, golden: GoldenSet, reference: Runner | None) -> SetResult:
    y, reason = answer(runner, golden)
    expected, because = answer(reference, golden) if reference else (None, "")
    allowed = bound(golden)
    error, worst = largest(y, golden.y, golden.scale)
    reference_error = None if expected is None else largest(expected, golden.y, golden.scale)[0]
    # Not `error > allowed`: NaN must fail.
    good = error <= allowed and (reference_error is None or reference_error <= allowed)
    return SetResult(
        name=golden.name,
        shape=golden.x.shape,
        noise_floor=golden.noise_floor,
        bound=allowed,
        error=error,
        reference_error=reference_error,
        difference=None if expected is None else largest(y, expected, golden.scale)[0],
        worst=worst,
        verdict=("passed" if good else "failed") if is_judgeable(golden) else "cannot be judged",
        reason=reason or (because and f"pytorch: {because}"),
    )


def _where(result: SetResult) -> str:
    """Why there was no comparable answer, or else which answer was worst."""
    if result.reason:
        return result.reason
    names = ("row", "output") if len(result.worst) == 2 else ("row", "step", "output")
    return "worst at " + ", ".join(f"{name} {index}" for name, index in zip(names, result.worst, strict=True))


def _row(result: SetResult, has_reference: bool) -> tuple[str, ...]:
    batch, seq, _ = result.shape
    numbers = [result.bound, result.error, *((result.reference_error, result.difference) if has_reference else ())]
    cells = ("-" if number is None else f"{number:.1e}" for number in numbers)
    return (result.name, f"{batch} x {seq}", *cells, result.verdict)
