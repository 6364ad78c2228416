"""A verification as one page for people: what was compared, how far apart it is, and why that is fine or not.

The page is one file that asks for nothing else: style and charts stand in it, and its own policy forbids all fetching.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..model import Array, Column
from .along_time import AlongTime
from .charts import TIMES, sets_chart, shape, time_chart
from .conditions import Condition
from .diagnosis import UNKNOWN, Diagnosis
from .markup import Markup, element, joined
from .report import GOOD_STRUCTURE, ParityReport, SetResult, all_ok
from .rule import LARGEST_NOISE

STYLE = Path(__file__).with_name("report.css")
POLICY = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Page:
    """What the page tells.

    Attributes:
        artifact: the name of what was judged.
        model: the name of what it was judged against.
        reports: one an artifact.
        facts: tables of facts by heading: the files, the model, the machine.
        command: what to type to have all of it again.
        along: error along time by the report's subject.
        scales: S `(output_size,)` by golden set, in the units of the outputs.
        outputs: the outputs' names and units.
    """

    artifact: str
    model: str
    reports: tuple[ParityReport, ...]
    facts: Mapping[str, Mapping[str, str]]
    command: str
    along: Mapping[str, AlongTime] = field(default_factory=dict)
    scales: Mapping[str, Array] = field(default_factory=dict)
    outputs: tuple[Column, ...] = ()

    @property
    def verdict(self) -> str:
        """`passed`, `failed` or `cannot be judged`, of all reports together."""
        if any(report.verdict == "failed" for report in self.reports if report.sets):
            return "failed"
        return "passed" if all_ok(self.reports) else "cannot be judged"


def to_html(page: Page) -> bytes:
    """The page as UTF-8."""
    head = element(
        "head",
        Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        element("title", f"{_word(page.verdict)}: {page.artifact}"),
        element("style", Markup(STYLE.read_text(encoding="utf-8"))),
    )
    several = len(page.reports) > 1
    body = element(
        "body",
        _banner(page),
        element("main", _compared(page), *(_report(report, page, several) for report in page.reports), _reading()),
    )
    return f'<!doctype html>\n<html lang="en">{head}{body}</html>\n'.encode()


_CLASSES = {"passed": "good", "failed": "bad", "cannot be judged": "open"}
_SENTENCES = {
    "passed": "computes what {model} defines",
    "failed": "does not compute what {model} defines",
    "cannot be judged": "could not be judged against {model}",
}


def _word(verdict: str) -> str:
    return verdict.capitalize()


def _banner(page: Page) -> Markup:
    sentence = _SENTENCES[page.verdict].format(model=page.model)
    return element(
        "header",
        element(
            "h1", element("span", _word(page.verdict), class_="verdict"), element("span", f"{page.artifact} {sentence}")
        ),
        *(element("p", _headline(report, page)) for report in page.reports),
        class_=_CLASSES[page.verdict],
    )


def _headline(report: ParityReport, page: Page) -> str:
    """How far apart, in one sentence."""
    sentence = _apart(report)
    return f"{report.subject}: {sentence}" if len(page.reports) > 1 else f"{sentence[0].upper()}{sentence[1:]}"


def _apart(report: ParityReport) -> str:
    if not report.sets:
        return " ".join(report.notes) or "not run here"
    judged = [result for result in report.sets if result.verdict != "cannot be judged"]
    if not judged:
        return "float32 rounding alone moves this model's answers too far for any verdict."
    worst = _worst(judged)
    place = f"on “{worst.name}”"
    if worst.reason:
        return f"{place} there was no answer to compare: {worst.reason}"
    if worst.verdict == "failed":
        return f"the largest error, {place}, {_times(worst)}.{_bug(report.diagnosis)}"
    agree = f"{len(judged)} of {len(report.sets)} golden sets agree. The largest error, {place}, {_times(worst)}."
    failed = [condition.name for condition in report.conditions if condition.verdict == "failed"]
    but = f" But not under every condition: {failed[0]}." if failed else ""
    other = "" if report.structure in GOOD_STRUCTURE else " But the file holds something else."
    return f"{agree}{but}{other}"


def _bug(diagnosis: Diagnosis | None) -> str:
    if diagnosis is None or diagnosis.bug == UNKNOWN:
        return ""
    return f" It behaves like: {diagnosis.bug}{f' in {diagnosis.place}' if diagnosis.place else ''}."


def _worst(sets: Sequence[SetResult]) -> SetResult:
    return max(sets, key=lambda result: (bool(result.reason), _share(result)))


def _share(result: SetResult) -> float:
    share = result.error / result.bound
    return float("inf") if np.isnan(share) else share


def _times(result: SetResult) -> str:
    share = _share(result)
    if np.isnan(result.error):
        return "is no number: some answers are NaN"
    return f"takes {share:.0%} of what rounding explains" if share <= 1 else f"is {_many(share)} what rounding explains"


def _many(times: float) -> str:
    """`3.4 times`, `10,287 times`."""
    return f"{times:.1f} times" if times < 100 else f"{times:,.0f} times"


def _report(report: ParityReport, page: Page, several: bool) -> Markup:
    parts: list[Markup] = [element("h2", report.subject)] if several else []
    heading = "Why it passed" if report.verdict == "passed" else "What would have to be true for it to pass"
    if report.diagnosis is not None:
        parts.append(_section("What is wrong", _list(map(_note, report.diagnosis.sentences()))))
    if report.sets or report.structure not in GOOD_STRUCTURE:
        parts.append(_section(heading, _list(_to_pass(report))))
    if report.sets:
        parts.append(_section("How far apart", _legend(report), sets_chart(report.sets), _table(report, page)))
    curve = page.along.get(report.subject)
    if curve is not None:
        parts.append(_section("Error along time", element("p", _about(curve)), time_chart(curve)))
    if report.conditions:
        parts.append(_section("Under other conditions", *_conditions(report.conditions)))
    if report.notes:
        parts.append(_section("What was noticed", _list(map(_note, report.notes))))
    return joined(*parts)


def _list(items: Iterable[str]) -> Markup:
    return element("ul", *(element("li", item) for item in items))


def _note(note: str) -> Markup:
    """A sentence, its names between backticks and its options set as code."""
    pieces = _CODE.split(f"{note[:1].upper()}{note[1:]}")
    return joined(*(element("code", piece.strip("`")) if index % 2 else piece for index, piece in enumerate(pieces)))


_DIGEST = re.compile("[0-9a-f]{64}")
_CODE = re.compile(r"(`[^`]*`|--[a-z][a-z-]*)")


def _section(heading: str, *children: Markup) -> Markup:
    return element("section", element("h3", heading), *children)


def _to_pass(report: ParityReport) -> Iterator[Markup]:
    """What is, or would be, enough for a pass, point by point."""
    good = report.structure in GOOD_STRUCTURE
    said = GOOD_STRUCTURE.get(report.structure, report.structure)
    yield joined(
        element("b", "Structure. "),
        f"{said[0].upper()}{said[1:]}."
        if good
        else f"The file would have to hold the model, bit for bit. Found: {said}.",
    )
    failed = [result for result in report.sets if result.verdict == "failed"]
    judged = [result for result in report.sets if result.verdict != "cannot be judged"]
    for result in sorted(failed, key=_share, reverse=True)[:4]:
        yield joined(element("b", f"{result.name}. "), _needed(result))
    if len(failed) > 4:
        yield joined(element("b", f"{len(failed) - 4} more golden sets "), "fail as well; the table below has them.")
    for condition in report.conditions:
        if condition.verdict == "failed":
            yield joined(
                element("b", f"{condition.name}. "),
                condition.reason
                or f"The error would have to be {_many(condition.share)} smaller under this condition.",
            )
    if judged and not failed:
        worst = _worst(judged)
        room = 1 / _share(worst) if _share(worst) else float("inf")
        room_text = f"; errors {_many(room)} as large would still pass" if np.isfinite(room) else ""
        yield joined(
            element("b", "Numbers. "),
            f"Every judged answer lies within its bound{room_text}. The closest call is “{worst.name}”.",
        )
    if not judged and report.sets:
        floor = min(result.noise_floor for result in report.sets)
        yield joined(
            element("b", "Noise. "),
            f"Rounding would have to move the answers by less than {LARGEST_NOISE:.1e} of their terms; at best it "
            f"moves them by {floor:.1e}. The model amplifies rounding: no float32 engine computes it reliably.",
        )


def _needed(result: SetResult) -> str:
    if result.reason:
        return f"It would have to answer; instead: {result.reason}."
    if np.isnan(result.error):
        return f"Every answer would have to be a number; the first that is none is {_where(result)}."
    if result.error <= result.bound:
        return "PyTorch's own error would have to lie within the bound; the model or its module is not what it seems."
    return (
        f"The error of {result.error:.1e} would have to be at most {result.bound:.1e}, "
        f"{_many(_share(result))} smaller. It is largest at {_where(result)}."
    )


def _where(result: SetResult) -> str:
    names = ("row", "output") if len(result.worst) == 2 else ("row", "step", "output")
    return ", ".join(f"{name} {index}" for name, index in zip(names, result.worst, strict=False)) or "an unknown place"


def _legend(report: ParityReport) -> Markup:
    """What the dots are."""
    kinds = {
        "passed": ("good", "error of the artifact, allowed"),
        "failed": ("bad", "error of the artifact, too large"),
    }
    kinds["cannot be judged"] = ("open", "error of the artifact, not judged")
    shown = [kinds[verdict] for verdict in kinds if any(result.verdict == verdict for result in report.sets)]
    if any(result.reference_error is not None for result in report.sets):
        shown.append(("pytorch", "error of PyTorch"))
    items = (element("li", element("i", class_=f"key {kind}"), text) for kind, text in shown)
    return element(
        "ul", *items, element("li", element("i", class_="key allowed"), "what rounding explains"), class_="legend"
    )


_TESTED = {
    "t1": "a single step",
    "t2": "two steps",
    "nominal": "a usual window",
    "saturating": "inputs 30 times as far from their mean as usual",
    "constant": "every step the same, one row at the mean",
    "edges": "every input three standard deviations out",
    "many windows": "several windows on end",
    "stuck channels": "a sensor in every row that never changes",
    "denormals": "numbers too small for float32's full precision",
    "unequal lengths": "rows that end early",
    "real windows": "windows of the training data",
}


def _table(report: ParityReport, page: Page) -> Markup:
    has_pytorch = any(result.reference_error is not None for result in report.sets)
    heads = ["golden set", f"batch {TIMES} steps", "allowed", "error", "of allowed", *(["PyTorch"] * has_pytorch)]
    heads += [*(["the worst output"] * bool(page.scales)), "verdict"]
    rows = (
        element("tr", *_cells(result, page, has_pytorch), class_=_CLASSES[result.verdict]) for result in report.sets
    )
    return element(
        "div",
        element(
            "table", element("thead", element("tr", *(element("th", head) for head in heads))), element("tbody", *rows)
        ),
        class_="scroll",
    )


def _cells(result: SetResult, page: Page, has_pytorch: bool) -> Iterator[Markup]:
    yield element("td", result.name, element("small", _TESTED.get(result.name, "")))
    yield element("td", shape(result))
    yield element("td", f"{result.bound:.1e}", class_="number")
    yield element("td", f"{result.error:.1e}", class_="number")
    yield element("td", _percentage(result), class_="number")
    if has_pytorch:
        yield element("td", "-" if result.reference_error is None else f"{result.reference_error:.1e}", class_="number")
    if page.scales:
        yield element("td", *_in_own_units(result, page), class_="number")
    yield element("td", result.reason or result.verdict, class_="verdict")


def _percentage(result: SetResult) -> str:
    share = _share(result)
    return "-" if not np.isfinite(share) else f"{share:.1%}" if share < 10 else f"{share:,.0f} {TIMES}"


def _in_own_units(result: SetResult, page: Page) -> Iterator[Markup]:
    """The error of the worst output and what is allowed there, as the output itself is measured."""
    scale = page.scales.get(result.name)
    if scale is None or not result.worst or result.worst[-1] >= len(scale):
        return
    index = result.worst[-1]
    column = page.outputs[index] if index < len(page.outputs) else Column(f"y{index}")
    unit = f" {column.unit}" if column.unit else ""
    yield joined(f"{result.error * scale[index]:.1e}{unit}")
    yield element("small", f"{column.name}, may be {result.bound * scale[index]:.1e}")


def _about(curve: AlongTime) -> str:
    if curve.by_step:
        return f"Every step of the answers to “{curve.name}”: the largest error of any row and output, and the bound."
    return (
        f"“{curve.name}” cut after so many steps, each cut asked for on its own and judged with its own bound: "
        "an error that grows faster than the bound is made anew at every step."
    )


def _conditions(found: Sequence[Condition]) -> Iterator[Markup]:
    """What changed under which condition; those that changed nothing in one line."""
    alike = [one.name for one in found if one.difference == 0 and one.verdict == "passed"]
    unlike = [one for one in found if one.name not in alike]
    if alike:
        yield element("p", f"The very same bits as first: {', '.join(alike)}.")
    if unlike:
        rows = (
            element(
                "tr",
                element("td", one.name),
                element("td", f"{one.difference:.1e}", class_="number"),
                element("td", f"{one.share:.1%}", class_="number"),
                element("td", one.reason or one.verdict, class_="verdict"),
                class_=_CLASSES[one.verdict],
            )
            for one in unlike
        )
        heads = ("condition", "differs from the first answers by", "error, of allowed", "verdict")
        head = element("thead", element("tr", *(element("th", text) for text in heads)))
        yield element("div", element("table", head, element("tbody", *rows)), class_="scroll")


def _compared(page: Page) -> Markup:
    tables = (
        element(
            "div",
            element("h4", heading),
            element("dl", *(_fact(name, value) for name, value in facts.items())),
        )
        for heading, facts in page.facts.items()
    )
    again = element("p", "The same check again: ", element("code", page.command))
    return _section("What was compared", element("div", *tables, class_="facts"), again)


def _fact(name: str, value: str) -> Markup:
    return joined(element("dt", name), element("dd", value, class_="digest" if _DIGEST.fullmatch(value) else "fact"))


def _reading() -> Markup:
    paragraphs = (
        "The definition is a float64 evaluation of the model's own equations. The artifact was run on golden sets, "
        "inputs chosen to look for trouble, and every answer was compared with the definition's.",
        "Errors are in units of the terms that an answer is summed from: 1.2e-7 is one rounding of float32. A number "
        "that is a small difference of large terms can be no more exact than its terms.",
        "What rounding explains is measured, not assumed: the model is evaluated eight times with every weight, gate "
        "and intermediate value moved by half a unit in float32's last place, up or down at random. The bound is eight "
        "times the largest move, and eight roundings. So a model that amplifies rounding gets a wider bound, and an "
        "ordinary one a bound so narrow that rounded weights or a lost bias stand out.",
        "Where the format can be read back, the file's own content is compared with the model as well, bit for bit.",
    )
    return element(
        "section",
        element("details", element("summary", "How to read this page"), *(element("p", p) for p in paragraphs)),
    )
