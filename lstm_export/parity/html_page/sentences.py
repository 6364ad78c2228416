"""A report in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..parity_report import GOOD_STRUCTURE, ParityReport
from ..set_result import SetResult


def apart(report: ParityReport) -> str:
    """How far the answers are apart, in a sentence or two."""
    if report.error:
        return report.error
    if not report.sets:
        return " ".join(report.notes) or "not run here"
    if not report.judged:
        return "float32 rounding alone moves this model's answers too far for any verdict."
    worst = closest_call(report.judged)
    place = f"on “{worst.name}”"
    if worst.reason:
        return f"{place} there was no answer to compare: {worst.reason}"
    if worst.verdict == "failed":
        bug = report.diagnosis.named_bug if report.diagnosis else ""
        like = f" It behaves like: {bug}." if bug else ""
        return f"the largest error, {place}, {used(worst)}.{like}"
    count = f"{len(report.judged)} of {len(report.sets)} golden sets agree."
    sentence = f"{count} The largest error, {place}, {used(worst)}."
    for condition in report.conditions:
        if condition.verdict == "failed":
            sentence += f" But not under every condition: {condition.name}."
            break
    if report.structure not in GOOD_STRUCTURE:
        sentence += " But the file does not hold the same model."
    return sentence


def closest_call(sets: Sequence[SetResult]) -> SetResult:
    """The set that used most of its bound, one without an answer first."""
    return max(sets, key=lambda result: (bool(result.reason), result.share))


def used(result: SetResult) -> str:
    """How much of the bound the error takes."""
    if np.isnan(result.error):
        return "is no number: some answers are NaN"
    if result.share <= 1:
        return f"takes {result.share:.0%} of what rounding explains"
    return f"is {times(result.share)} what rounding explains"


def times(factor: float) -> str:
    """`3.4 times`, `10,287 times`."""
    return f"{factor:.1f} times" if factor < 100 else f"{factor:,.0f} times"


def needed(result: SetResult) -> str:
    """What a failed set would have needed to pass."""
    place = result.place or "an unknown place"
    if result.reason:
        return f"It would have to answer; instead: {result.reason}."
    if np.isnan(result.error):
        return f"Every answer would have to be a number; the first that is none is at {place}."
    if result.error <= result.bound:
        return (
            "PyTorch's own error would have to lie within the bound: "
            "the model or its module is not what it seems to be."
        )
    return (
        f"The error of {result.error:.1e} would have to be at most {result.bound:.1e}, "
        f"{times(result.share)} smaller. It is largest at {place}."
    )


def capital(sentence: str) -> str:
    """The sentence with a capital first letter."""
    return sentence[:1].upper() + sentence[1:]
