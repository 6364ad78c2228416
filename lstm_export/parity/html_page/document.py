"""The page as a whole: the verdict, what was compared, the reports, and how to read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...model import Array, Column
from ...pages import Markup, element, facts, framed, joined, section
from ..along_time import AlongTime
from ..parity_report import ParityReport, all_ok
from ..rule import Verdict
from .sections import along_time_of, other_conditions, what_is_wrong, what_was_noticed, why
from .sentences import apart, capital
from .sets_chart import CLASSES
from .sets_table import golden_sets_of

_SENTENCES = {
    "passed": "computes what {model} defines",
    "failed": "does not compute what {model} defines",
    "cannot be judged": "could not be judged against {model}",
}


@dataclass(frozen=True)
class Page:
    """The contents of the page.

    Attributes:
        artifact: the name of what was judged.
        model: the name of what it was judged against.
        reports: one for each artifact.
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
    def verdict(self) -> Verdict:
        """Of all reports together."""
        if any(report.verdict == "failed" for report in self.reports if report.was_examined):
            return "failed"
        return "passed" if all_ok(self.reports) else "cannot be judged"


def to_html(page: Page) -> bytes:
    """The page as UTF-8."""
    several = len(page.reports) > 1
    reports = [_report(report, page, several) for report in page.reports]
    main = element("main", _compared(page), *reports, _how_to_read())
    title = f"{page.verdict.capitalize()}: {page.artifact}"
    return framed(title, _banner(page), main)


def _banner(page: Page) -> Markup:
    verdict = element("span", page.verdict.capitalize(), class_="verdict")
    sentence = _SENTENCES[page.verdict].format(model=page.model)
    title = element("h1", verdict, element("span", f"{page.artifact} {sentence}"))
    lines = [element("p", _headline(report, page)) for report in page.reports]
    return element("header", title, *lines, class_=CLASSES[page.verdict])


def _headline(report: ParityReport, page: Page) -> str:
    """How far apart, in one sentence."""
    sentence = apart(report)
    return f"{report.subject}: {sentence}" if len(page.reports) > 1 else capital(sentence)


def _report(report: ParityReport, page: Page, several: bool) -> Markup:
    """The sections on one artifact, in the order of a reader's questions."""
    title = [element("h2", report.subject)] if several else []
    return joined(
        *title,
        *what_is_wrong(report),
        *why(report),
        *golden_sets_of(report, page.scales, page.outputs),
        *along_time_of(page.along.get(report.subject)),
        *other_conditions(report),
        *what_was_noticed(report),
    )


def _compared(page: Page) -> Markup:
    tables = [facts(heading, values) for heading, values in page.facts.items()]
    again = element("p", "The same check again: ", element("code", page.command))
    return section("What was compared", element("div", *tables, class_="facts"), again)


_HOW_TO_READ = (
    "The definition is a float64 evaluation of the model's own equations. The artifact was run on "
    "golden sets, inputs chosen to look for trouble, and every answer was compared with the "
    "definition's.",
    "Errors are relative to S, the summed magnitude of the last operation's terms: 1.2e-7 is one "
    "rounding of float32. A number that is a small difference of large terms can be no more exact "
    "than its terms.",
    "What rounding explains is measured, not assumed: the model is evaluated eight times with each "
    "weight, gate and intermediate value moved by half a unit in float32's last place, up or down "
    "at random. The bound is eight times the largest move, and eight roundings. So a model that "
    "amplifies rounding gets a wider bound, and an ordinary one a bound so narrow that rounded "
    "weights or a lost bias stand out.",
    "Where the format can be read back, the file's own content is compared with the model as well, "
    "bit for bit.",
)


def _how_to_read() -> Markup:
    summary = element("summary", "How to read this page")
    paragraphs = [element("p", text) for text in _HOW_TO_READ]
    return element("section", element("details", summary, *paragraphs))
