"""The output of `lstm-export fleet`: how many passed, which failed and why, and what changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..fleet.changes import Changes
    from ..fleet.fleet_report import FleetReport

MOST_NAMES = 10  # in the one line of an error
MOST_CHANGED = 20  # models; --json has every one


def fleet_lines(report: FleetReport) -> Iterator[str]:
    """A report as text."""
    passed = len(report.outcomes) - len(report.failed)
    unchanged = sum(outcome.unchanged for outcome in report.outcomes)
    earlier = f", {unchanged:,} of them as an earlier run left them" if unchanged else ""
    counts = f"{passed:,} passed{earlier}, {len(report.failed):,} failed"
    yield f"{len(report.outcomes):,} models: {counts}"
    yield f"{report.seconds:.1f} s, {report.sharing.describe()}"
    for outcome in report.failed:
        yield f"failed: {outcome.name}: {outcome.error}"
    worst = report.worst
    if worst and worst.worst:
        share = worst.worst.share
        yield f"largest error {share:.2f} of what is allowed: {worst.name}, {worst.worst.subject}"
    trained = [outcome.rmse for outcome in report.outcomes if outcome.rmse]
    if trained:
        better = sum(model <= baseline for model, baseline in trained)
        yield f"RMSE at most that of the best baseline: {better:,} of {len(trained):,} models"
    warned = [outcome.name for outcome in report.outcomes if outcome.warnings]
    if warned:
        yield f"warnings, which the report has: {_named(warned)}"
    if report.changes:
        yield from _change_lines(report.changes, len(report.outcomes))


def _change_lines(changes: Changes, models: int) -> Iterator[str]:
    for package, (before, after) in changes.versions.items():
        yield f"{package} is {after or 'not installed'}, was {before or 'not installed'}"
    if not changes.models:
        yield "no model changed since the earlier report"
        return
    yield f"changed since the earlier report: {len(changes.models):,} of {models:,} models"
    for name in list(changes.models)[:MOST_CHANGED]:
        yield f"changed: {name}: {'; '.join(changes.models[name])}"
    more = len(changes.models) - MOST_CHANGED
    if more > 0:
        yield f"and {more:,} more, which --json lists"


def verdict(report: FleetReport) -> str:
    """How many failed, and which."""
    names = [outcome.name for outcome in report.failed]
    return f"{len(names):,} of {len(report.outcomes):,} models failed: {_named(names)}"


def _named(names: list[str]) -> str:
    more = len(names) - MOST_NAMES
    shown = ", ".join(names[:MOST_NAMES])
    return f"{shown} and {more:,} more" if more > 0 else shown
