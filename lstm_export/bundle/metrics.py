"""Results of verification and scores of training, as metrics of a CycloneDX model card."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import printable

ERROR = "largest error of {target} against float64, relative to S"
BOUND = "allowed error of {target} against float64, relative to S"
COST = "{size} error of {target} in whole numbers against float64"
_SCORES = ("rmse", "mae")


def metrics_of(manifest: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """One error and one bound an artifact and golden set, what whole numbers cost each output, then
    the scores of training."""
    for target, result in parity_results(manifest):
        yield _metric(ERROR.format(target=target), result, "name", "error")
        yield _metric(BOUND.format(target=target), result, "name", "bound")
    for target, output in costs(manifest):
        for size in ("largest", "rms"):
            yield _metric(COST.format(size=size, target=target), output, "name", size)
    training = manifest.get("training")
    scores = training.get("metrics") if isinstance(training, dict) else None
    for score in records(scores):
        for kind in _SCORES:
            what = f"{kind} of {score.get('predictor')}, {score.get('target')}"
            yield _metric(what, score, "part", kind)


def parity_results(manifest: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The target and the stored result of every artifact on every golden set."""
    for target, parity in _parities(manifest):
        for result in records(parity.get("sets")):
            yield target, result


def costs(manifest: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The target and the stored cost of every output of every artifact in whole numbers."""
    for target, parity in _parities(manifest):
        cost = parity.get("cost")
        outputs = cost.get("outputs") if isinstance(cost, dict) else None
        for output in records(outputs):
            yield target, output


def _parities(manifest: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The target and the stored parity report of every artifact; other JSON values are skipped."""
    for target, entry in sorted(manifest["artifacts"].items()):
        parity = entry.get("parity")
        if isinstance(parity, dict):
            yield target, parity


def records(array: object) -> list[dict[str, Any]]:
    """The objects in a JSON array that a stranger may have written; nothing else in it counts."""
    if not isinstance(array, list | tuple):
        return []
    return [entry for entry in array if isinstance(entry, dict)]


def _metric(what: str, result: Mapping[str, Any], part: str, value: str) -> dict[str, str]:
    return {
        "type": printable(what),
        "slice": printable(str(result.get(part))),
        "value": printable(repr(result.get(value))),
    }
