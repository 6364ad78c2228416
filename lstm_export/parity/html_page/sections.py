"""The sections of one report: what is wrong, why it passed or would, what was noticed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from ...pages import Markup, bullets, element, joined, number, section, table
from ..along_time import AlongTime
from ..conditions import Condition
from ..parity_report import GOOD_STRUCTURE, ParityReport
from ..rule import LARGEST_NOISE
from .sentences import capital, closest_call, needed, times
from .sets_chart import CLASSES
from .time_chart import time_chart

# How many failed sets are told one by one.
MOST_FAILED = 4

_CODE = re.compile(r"(`[^`]*`|--[a-z][a-z-]*)")


def what_is_wrong(report: ParityReport) -> Iterator[Markup]:
    """The diagnosis of a failure."""
    if report.error:
        yield section("What is wrong", bullets([_note(report.error)]))
    if report.diagnosis is not None:
        sentences = report.diagnosis.sentences()
        yield section("What is wrong", bullets(_note(sentence) for sentence in sentences))


def why(report: ParityReport) -> Iterator[Markup]:
    """Why it passed, or what would have to change for that."""
    heading = "What would have to be true for it to pass"
    if report.verdict == "passed":
        heading = "Why it passed"
    if report.sets or report.structure not in GOOD_STRUCTURE:
        yield section(heading, bullets(_points(report)))


def along_time_of(curve: AlongTime | None) -> Iterator[Markup]:
    """The error along time."""
    if curve is None:
        return
    about = (
        f"“{curve.name}”, cut off after so many steps. Each part is asked for on its own and "
        "judged by its own bound: an error that grows faster than the bound is made anew at every "
        "step."
    )
    if curve.by_step:
        compared = "the largest error of any row and output, and the bound"
        about = f"Every step of the answers to “{curve.name}”: {compared}."
    yield section("Error along time", element("p", about), time_chart(curve))


def other_conditions(report: ParityReport) -> Iterator[Markup]:
    """The conditions that changed an answer; those that changed nothing share one line."""
    if not report.conditions:
        return
    alike = [condition.name for condition in report.conditions if condition.is_alike]
    rows = [_condition(entry) for entry in report.conditions if not entry.is_alike]
    parts = []
    if alike:
        parts.append(element("p", f"The very same bits as first: {', '.join(alike)}."))
    if rows:
        heads = ("condition", "verdict", "differs from the first answers by", "error, of allowed")
        parts.append(table(heads, rows))
    yield section("Under other conditions", *parts)


def what_was_noticed(report: ParityReport) -> Iterator[Markup]:
    """The notes."""
    if report.notes:
        yield section("What was noticed", bullets(_note(note) for note in report.notes))


def _condition(condition: Condition) -> Markup:
    return element(
        "tr",
        element("td", condition.name),
        element("td", condition.reason or condition.verdict, class_="verdict"),
        number(f"{condition.difference:.1e}"),
        number(f"{condition.share:.1%}"),
        class_=CLASSES[condition.verdict],
    )


def _points(report: ParityReport) -> Iterator[Markup]:
    """Everything that a pass takes, point by point."""
    yield _structure(report.structure)
    yield from _failed_sets(report)
    for condition in report.conditions:
        if condition.verdict == "failed":
            smaller = f"{times(condition.share)} smaller under this condition"
            need = condition.reason or f"The error would have to be {smaller}."
            yield _point(condition.name, need)
    if report.judged and not report.failed:
        yield _room(report)
    if report.sets and not report.judged:
        yield _too_noisy(report)


def _point(name: str, text: str) -> Markup:
    return joined(element("b", f"{name}. "), text)


def _structure(structure: str) -> Markup:
    if structure in GOOD_STRUCTURE:
        return _point("Structure", f"{capital(GOOD_STRUCTURE[structure])}.")
    need = "The file would have to hold the model, bit for bit."
    return _point("Structure", f"{need} Found: {structure}.")


def _failed_sets(report: ParityReport) -> Iterator[Markup]:
    worst_first = sorted(report.failed, key=lambda result: result.share, reverse=True)
    for result in worst_first[:MOST_FAILED]:
        yield _point(result.name, needed(result))
    more = len(worst_first) - MOST_FAILED
    if more > 0:
        counted = element("b", f"{more} more golden sets ")
        yield joined(counted, "fail as well; the table below has them.")


def _room(report: ParityReport) -> Markup:
    worst = closest_call(report.judged)
    room = 1 / worst.share if worst.share else float("inf")
    more = f"; errors {times(room)} as large would still pass" if np.isfinite(room) else ""
    within = f"Every judged answer lies within its bound{more}."
    return _point("Numbers", f"{within} The closest call is “{worst.name}”.")


def _too_noisy(report: ParityReport) -> Markup:
    floor = min(result.noise_floor for result in report.sets)
    return _point(
        "Noise",
        f"Rounding would have to move the answers by less than {LARGEST_NOISE:.1e} of S, the "
        f"summed magnitude of their terms; at best it moves them by {floor:.1e}. The model "
        "amplifies rounding: no float32 engine computes it reliably.",
    )


def _note(note: str) -> Markup:
    """A sentence, its names between backticks and its options set as code."""
    pieces = _CODE.split(capital(note))
    markup: list[str] = []
    for index, piece in enumerate(pieces):
        is_code = index % 2 == 1  # `split` puts what the pattern matches between the other pieces
        markup.append(element("code", piece.strip("`")) if is_code else piece)
    return joined(*markup)
