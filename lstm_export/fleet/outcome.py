"""What became of one model of a fleet: a record that JSON keeps from run to run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..bundle.metrics import records
from ..parity import ParityReport
from ..parity.endless import MODEL_NAMES

SUFFIX = ".bundle"


@dataclass(frozen=True)
class Judged:
    """One artifact of a bundle.

    Attributes:
        subject: its target.
        verdict: of its verification.
        structure: as a parity report has it.
        shares: by golden set, the largest error as a share of what is allowed; infinite for NaN.
    """

    subject: str
    verdict: str
    structure: str
    shares: Mapping[str, float]

    @classmethod
    def of(cls, report: ParityReport) -> Judged:
        """What is kept of a parity report."""
        shares = {result.name: result.share for result in report.judged}
        return cls(report.subject, report.verdict, report.structure, shares)

    @property
    def share(self) -> float:
        """The largest; 0 where nothing was judged."""
        return max(self.shares.values(), default=0.0)

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping; an infinite share becomes a string."""
        shares = {name: plain_share(share) for name, share in self.shares.items()}
        return {**asdict(self), "shares": shares}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Judged:
        """The inverse of `to_record`."""
        shares = {str(name): float(share) for name, share in record["shares"].items()}
        subject = str(record["subject"])
        return cls(subject, str(record["verdict"]), str(record["structure"]), shares)


@dataclass(frozen=True)
class Outcome:
    """One model.

    Attributes:
        name: of the model.
        error: why there is no good bundle, one line; empty where there is.
        path: the bundle's file in the folder; empty where none was written or found.
        size_bytes: of the bundle.
        sha256: of the bundle.
        input_sha256: of all that it was made from, where that decides it.
        artifacts: what verification found.
        metrics: errors of the model and its baselines on the latest part of the table that `train`
            had, in the form of that command's JSON; empty for models of another origin.
        warnings: what may make its answers wrong, one sentence each.
        seconds: that it took.
        unchanged: whether it was made by an earlier run, from the same.
    """

    name: str
    error: str = ""
    path: str = ""
    size_bytes: int = 0
    sha256: str = ""
    input_sha256: str = ""
    artifacts: tuple[Judged, ...] = ()
    metrics: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    unchanged: bool = False

    @property
    def ok(self) -> bool:
        """Whether there is a bundle, all of whose artifacts passed."""
        return not self.error

    @property
    def verdict(self) -> str:
        """`passed` or `failed`."""
        return "passed" if self.ok else "failed"

    @property
    def worst(self) -> Judged | None:
        """The artifact that takes the largest share of what is allowed; None where none was run."""
        run = [judged for judged in self.artifacts if judged.shares]
        return max(run, key=lambda judged: judged.share, default=None)

    @property
    def rmse(self) -> tuple[float, float] | None:
        """Of the model, and of its best baseline, for the target where it does worst beside that;
        None where neither is known."""
        pairs = []
        for target in dict.fromkeys(score["target"] for score in self.metrics):
            own = [score for score in self.metrics if score["target"] == target]
            by_name = {score["predictor"]: score["rmse"] for score in own}
            models = [by_name.pop(name) for name in MODEL_NAMES if name in by_name]
            if models and by_name:
                pairs.append((models[0], min(by_name.values())))
        return max(pairs, key=_ratio, default=None)

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping."""
        artifacts = [judged.to_record() for judged in self.artifacts]
        return {**asdict(self), "verdict": self.verdict, "artifacts": artifacts}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Outcome:
        """The inverse of `to_record`.

        Raises:
            KeyError, TypeError, ValueError, AttributeError: it is none.
        """
        return cls(
            name=str(record["name"]),
            error=str(record.get("error", "")),
            path=str(record.get("path", "")),
            size_bytes=int(record.get("size_bytes", 0)),
            sha256=str(record.get("sha256", "")),
            input_sha256=str(record.get("input_sha256", "")),
            artifacts=tuple(map(Judged.from_record, record.get("artifacts", ()))),
            metrics=tuple(records(record.get("metrics"))),
            warnings=tuple(map(str, record.get("warnings", ()))),
            seconds=float(record.get("seconds", 0.0)),
            unchanged=bool(record.get("unchanged", False)),
        )


def latest_metrics(training: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The errors on the latest part, of the facts that training leaves in a checkpoint."""
    found = [score for score in records(training.get("metrics")) if _is_score(score)]
    return tuple(score for score in found if score["part"] == found[-1]["part"])


def _is_score(record: Mapping[str, Any]) -> bool:
    """Whether a record that came in a file is what training writes."""
    names = ("part", "predictor", "target")
    are_names = all(isinstance(record.get(name), str) for name in names)
    return are_names and isinstance(record.get("rmse"), float)


def _ratio(pair: tuple[float, float]) -> float:
    model, baseline = pair
    return model / baseline if baseline else math.inf


def plain_share(share: float) -> float | str:
    """As JSON can have it."""
    return share if math.isfinite(share) else str(share)
