"""The rule that judges a runner, and the record of what it found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from ..errors import LstmExportError
from ..model import Array, Runner
from .golden import GoldenSet
from .noise import in_units_of

EPS = 2.0**-23
# The bound is FACTOR * (F + eps) in units of S. 6F + 4 eps gave no false alarm on 2,580 random chains either;
# the rest is room for processors that were not measured.
FACTOR = 8
# A noise floor above this says that the model amplifies rounding until float32 means little: no verdict.
LARGEST_NOISE = 2.0**-10

Verdict = Literal["passed", "failed", "cannot be judged"]

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
    """

    subject: str
    structure: str
    sets: tuple[SetResult, ...]
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """`passed` only if the structure agrees and at least one set was judged and none failed."""
        verdicts = {result.verdict for result in self.sets}
        if self.structure not in GOOD_STRUCTURE or "failed" in verdicts:
            return "failed"
        return "passed" if "passed" in verdicts else "cannot be judged"

    @property
    def ok(self) -> bool:
        """Whether the verdict is `passed`."""
        return self.verdict == "passed"

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping; numbers that JSON lacks (NaN, inf) become strings."""
        record = asdict(self) | {"verdict": self.verdict}
        for result in record["sets"]:
            for key, value in result.items():
                if isinstance(value, float) and not np.isfinite(value):
                    result[key] = str(value)
        return record

    def summary(self) -> str:
        """One line: the verdict and the largest share of the bound that was used."""
        if not self.sets:
            return f"{self.subject}: not run here"
        judged = [result for result in self.sets if result.verdict != "cannot be judged"]
        reasons = [f", {result.name}: {result.reason}" for result in judged if result.reason]
        shares = [result.error / result.bound for result in judged]
        worst = reasons[0] if reasons else _share(max(shares, key=_nan_last)) if judged else ""
        return f"{self.subject}: {self.verdict} on {len(judged)} of {len(self.sets)} golden sets{worst}"

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
        notes = [f"note: {note}" for note in self.notes]
        return "\n".join([structure, *legend, *(lines if self.sets else ()), *reasons, *notes])


def all_ok(reports: Sequence[ParityReport]) -> bool:
    """Whether something was judged here and all of it passed; a report without sets was not run here."""
    judged = [report for report in reports if report.sets]
    return bool(judged) and all(report.ok for report in judged)


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
    y, reason = _answer(runner, golden)
    expected, because = _answer(reference, golden) if reference else (None, "")
    bound = FACTOR * (golden.noise_floor + EPS)
    error, worst = _largest(y, golden.y, golden.scale)
    reference_error = None if expected is None else _largest(expected, golden.y, golden.scale)[0]
    if not golden.noise_floor <= LARGEST_NOISE:
        verdict: Verdict = "cannot be judged"
    else:
        # Not `error > bound`: NaN must fail.
        good = error <= bound and (reference_error is None or reference_error <= bound)
        verdict = "passed" if good else "failed"
    return SetResult(
        name=golden.name,
        shape=golden.x.shape,
        noise_floor=golden.noise_floor,
        bound=bound,
        error=error,
        reference_error=reference_error,
        difference=None if expected is None else _largest(y, expected, golden.scale)[0],
        worst=worst,
        verdict=verdict,
        reason=reason or (because and f"pytorch: {because}"),
    )


def _answer(runner: Runner, golden: GoldenSet) -> tuple[Array, str]:
    """The runner's y, or NaN and the reason why there is none that can be compared."""
    try:
        y = np.asarray(runner(golden.x), np.float64)
    except LstmExportError as error:
        return np.full(golden.y.shape, np.nan), str(error)
    if y.shape != golden.y.shape:
        return np.full(golden.y.shape, np.nan), f"y is {y.shape}, expected {golden.y.shape}"
    return y, ""


def _largest(y: Array, expected: Array, scale: Array) -> tuple[float, tuple[int, ...]]:
    """The largest error in units of S, NaN counting as the largest, and where it is."""
    error = in_units_of(np.abs(y - expected), scale)
    worst = np.unravel_index(int(np.argmax(error)), error.shape)  # argmax takes the first NaN
    return float(error[worst]), tuple(int(index) for index in worst)


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
