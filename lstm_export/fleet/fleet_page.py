"""The report of a fleet as one HTML page: the verdict, what failed, what changed, every model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from ..pages import (
    LinearAxis,
    Markup,
    Plot,
    bullets,
    element,
    facts,
    framed,
    number,
    plain,
    row,
    section,
    table,
)
from .changes import Changes
from .fleet_report import FleetReport, share_of
from .outcome import Outcome

MOST_ROWS = 1000
MOST_CHANGED = 200
_BINS = 20
_HEADS = (
    "model",
    "verdict",
    "largest error / allowed",
    "RMSE",
    "of the best baseline",
    "bytes",
    "seconds",
)


def page(report: FleetReport, name: str, again: str) -> bytes:
    """The page as UTF-8.

    Args:
        report: what is told.
        name: of the folder.
        again: the command that does the same once more.
    """
    word = "Passed" if report.ok else "Failed"
    title = element("h1", element("span", word, class_="verdict"), name)
    lines = [element("p", sentence) for sentence in _sentences(report)]
    header = element("header", title, *lines, class_="good" if report.ok else "bad")
    main = [
        *_failed(report.failed),
        *_changed(report.changes, len(report.outcomes)),
        *_errors(report.outcomes),
        *_baselines(report.outcomes),
        *_warnings(report.outcomes),
        _models(report.outcomes),
        _made_of(report, again),
    ]
    return framed(f"{word}: {name}", header, element("main", *main))


def _sentences(report: FleetReport) -> Iterator[str]:
    passed = len(report.outcomes) - len(report.failed)
    yield f"{passed:,} of {len(report.outcomes):,} models passed; {report.size_bytes:,} bytes."
    worst = report.worst
    if worst:
        yield f"The largest error is {share_of(worst):.2f} of what is allowed, in {worst.name}."


def _failed(failed: Sequence[Outcome]) -> Iterator[Markup]:
    if failed:
        rows = []
        for outcome in failed[:MOST_ROWS]:
            rows.append(row(outcome.name, outcome.error, class_="bad"))
        yield section(f"What failed: {len(failed):,}", table(("model", "why"), rows))


def _changed(changes: Changes | None, models: int) -> Iterator[Markup]:
    """Since the earlier report."""
    if changes is None:
        return
    versions = [
        f"{package}: {after or 'not installed'}, was {before or 'not installed'}"
        for package, (before, after) in changes.versions.items()
    ]
    rows = []
    for name, changed in islice(changes.models.items(), MOST_CHANGED):
        rows.append(row(name, "; ".join(changed), class_="open"))
    told = f"{len(changes.models):,} of {models:,} models changed."
    parts = [element("p", told)]
    if rows:
        parts.append(table(("model", "what"), rows))
    if versions:
        parts.append(bullets(versions))
    yield section("Changed since the earlier report", *parts)


def _errors(outcomes: Sequence[Outcome]) -> Iterator[Markup]:
    """How many models take how much of what is allowed."""
    shares = [share_of(outcome) for outcome in outcomes if outcome.worst]
    if len(shares) > 1:
        chart = _histogram(shares, 1.0, "largest error as a share of what is allowed")
        yield section("Errors of the artifacts", element("p", "number of models"), chart)


def _baselines(outcomes: Sequence[Outcome]) -> Iterator[Markup]:
    """How many models do how well beside their best baselines."""
    ratios = []
    for outcome in outcomes:
        if outcome.rmse:
            own, best = outcome.rmse
            ratios += [own / best] if best else []
    if len(ratios) > 1:
        chart = _histogram(ratios, 1.5, "RMSE / that of the best baseline")
        about = "number of models; the outermost bar holds what lies beyond"
        yield section("Beside the baselines", element("p", about), chart)


def _histogram(values: Sequence[float], reach: float, label: str) -> Markup:
    within = np.clip(values, 0.0, reach)
    counts, edges = np.histogram(within, _BINS, (0.0, reach))
    plot = Plot(
        LinearAxis.across(edges.tolist()),
        LinearAxis.up([0.0, *counts.tolist()]),
        label=label,
        said=f"models by {label}",
    )
    return plot.drawn(plot.bars(edges.tolist(), counts.tolist()))


def _warnings(outcomes: Sequence[Outcome]) -> Iterator[Markup]:
    told = [f"{outcome.name}: {text}" for outcome in outcomes for text in outcome.warnings]
    if told:
        yield section("What was noticed", bullets(told[:MOST_CHANGED]))


def _models(outcomes: Sequence[Outcome]) -> Markup:
    """Every model, the largest error first."""
    ordered = sorted(outcomes, key=lambda outcome: (outcome.ok, -share_of(outcome)))
    rows = [_model_row(outcome) for outcome in ordered[:MOST_ROWS]]
    more = len(ordered) - MOST_ROWS
    parts = [table(_HEADS, rows)]
    if more > 0:
        parts.append(element("p", f"And {more:,} more, which the JSON report lists."))
    return section("Every model", *parts)


def _model_row(outcome: Outcome) -> Markup:
    errors = [plain(value) for value in outcome.rmse] if outcome.rmse else ["-", "-"]
    numbers = (
        f"{share_of(outcome):.3f}" if outcome.worst else "-",
        *errors,
        f"{outcome.size_bytes:,}" if outcome.size_bytes else "-",
        f"{outcome.seconds:.1f}",
    )
    return row(
        outcome.name,
        element("td", outcome.verdict, class_="verdict"),
        *(number(text) for text in numbers),
        class_="good" if outcome.ok else "bad",
    )


def _made_of(report: FleetReport, again: str) -> Markup:
    found = report.machine
    where = {
        "processor": f"{found['processor']}, {found['cores']} cores",
        "system": str(found["system"]),
        "Python": str(found["python"]),
        "processes": report.sharing.describe(),
        "seconds": f"{report.seconds:.1f}",
    }
    tables = [facts("Where", where), facts("Made with", found["versions"])]
    command = element("p", "The same again: ", element("code", again, class_="command"))
    return section("What it was made of", element("div", *tables, class_="facts"), command)
