"""What changed in a fleet from an earlier report to now, model by model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from .outcome import Judged, Outcome

# Of what is allowed. Packaging and a device sum the definition in float64 in another order, which
# moves an error by far less than this.
_MOVED = 2.0**-20


class Run(Protocol):
    """A run over a fleet, as its report has it.

    Attributes:
        outcomes: one a model.
        machine: what it ran on, as `bench.machine` has it.
    """

    @property
    def outcomes(self) -> Sequence[Outcome]: ...

    @property
    def machine(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Changes:
    """What is otherwise than in an earlier report.

    Attributes:
        versions: by package its version then and now; None where it was not installed.
        models: by the name of a model what changed of it, one sentence each.
    """

    versions: Mapping[str, tuple[str | None, str | None]]
    models: Mapping[str, tuple[str, ...]]

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping."""
        return asdict(self)


def changes_between(before: Run, after: Run) -> Changes:
    """Compare two runs over a fleet."""
    known = {outcome.name: outcome for outcome in before.outcomes}
    models = {}
    for outcome in after.outcomes:
        earlier = known.get(outcome.name)
        sentences = tuple(_told(earlier, outcome)) if earlier else ("not in the earlier report",)
        if sentences:
            models[outcome.name] = sentences
    return Changes(dict(_versions(before.machine, after.machine)), models)


def _versions(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[str | None, str | None]]]:
    old = {"python": before.get("python"), **before.get("versions", {})}
    new = {"python": after.get("python"), **after.get("versions", {})}
    for package in dict.fromkeys((*old, *new)):
        if old.get(package) != new.get(package):
            yield package, (old.get(package), new.get(package))


def _told(before: Outcome, after: Outcome) -> Iterator[str]:
    if before.verdict != after.verdict:
        yield f"{after.verdict}, was {before.verdict}"
    if before.sha256 and after.sha256 and before.sha256 != after.sha256:
        yield "its bundle is another file"
        return  # whose errors are those of another model
    earlier = {judged.subject: judged for judged in before.artifacts}
    for judged in after.artifacts:
        if judged.subject in earlier:
            yield from _moved(earlier[judged.subject], judged)


def _moved(before: Judged, after: Judged) -> Iterator[str]:
    """Verdict and errors of an artifact; of the errors that moved, the one that moved furthest."""
    name = after.subject
    if before.verdict != after.verdict:
        yield f"{name}: {after.verdict}, was {before.verdict}"
    both = [name for name in after.shares if name in before.shares]
    moves = {name: abs(after.shares[name] - before.shares[name]) for name in both}
    moved = [name for name, move in moves.items() if move > _MOVED]
    if moved:
        furthest = max(moved, key=lambda name: moves[name])
        yield (
            f"{name}: error on {len(moved)} of {len(both)} golden sets moved, furthest on "
            f"{furthest}: {after.shares[furthest]:.3f} of what is allowed, "
            f"was {before.shares[furthest]:.3f}"
        )
