"""The report of a whole fleet: in the folder as JSON, read again by the next run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files import read_bytes, write_bytes
from ..version import JSON_SCHEMA_VERSION
from .changes import Changes
from .outcome import Outcome, plain_share
from .tasks import HERE, Sharing

REPORT = "fleet.json"
_NEXT_STEP = "name a report that fleet wrote, or remove it and package the fleet again"


@dataclass(frozen=True)
class FleetReport:
    """Every model of a fleet, in the order of its table.

    Attributes:
        outcomes: one a model.
        machine: where they were made or verified, as `bench.machine` has it.
        sharing: which processes shared them.
        seconds: from the start to the last.
        changes: since an earlier report, where there was one.
    """

    outcomes: tuple[Outcome, ...]
    machine: Mapping[str, Any]
    sharing: Sharing = HERE
    seconds: float = 0.0
    changes: Changes | None = field(default=None, compare=False)

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """The models that failed."""
        return tuple(outcome for outcome in self.outcomes if not outcome.ok)

    @property
    def ok(self) -> bool:
        """Whether there are models, and none failed."""
        return bool(self.outcomes) and not self.failed

    @property
    def by_name(self) -> dict[str, Outcome]:
        """The models by name."""
        return {outcome.name: outcome for outcome in self.outcomes}

    @property
    def worst(self) -> Outcome | None:
        """The model that takes the largest share of what is allowed; None where none was run."""
        run = [outcome for outcome in self.outcomes if outcome.worst]
        return max(run, key=share_of, default=None)

    @property
    def size_bytes(self) -> int:
        """Of all bundles."""
        return sum(outcome.size_bytes for outcome in self.outcomes)

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping."""
        record: dict[str, Any] = {
            "ok": self.ok,
            "failed": [outcome.name for outcome in self.failed],
            "worst": self._worst_record(),
            "size_bytes": self.size_bytes,
            "seconds": round(self.seconds, 3),
            **asdict(self.sharing),
            "machine": dict(self.machine),
            "models": [outcome.to_record() for outcome in self.outcomes],
        }
        if self.changes:
            record["changes"] = self.changes.to_record()
        return record

    def _worst_record(self) -> dict[str, Any] | None:
        worst = self.worst
        if worst is None or worst.worst is None:
            return None
        judged = worst.worst
        return {"name": worst.name, "subject": judged.subject, "share": plain_share(judged.share)}


def share_of(outcome: Outcome) -> float:
    """The largest share of what is allowed that a model's artifacts take; 0 where none was run."""
    return outcome.worst.share if outcome.worst else 0.0


def write_report(path: Path, report: FleetReport) -> None:
    """Write a report as `fleet --json` prints it.

    Law: `read_report(path) == report`; only changes are not read again.

    Raises:
        InputError: it cannot be written.
    """
    head = {"schema_version": JSON_SCHEMA_VERSION, "command": "fleet"}
    write_bytes(path, f"{json.dumps({**head, **report.to_record()}, indent=2)}\n".encode())


def read_report(path: Path) -> FleetReport:
    """A report that an earlier run wrote, or that `fleet verify --json` printed.

    Raises:
        InputError: it cannot be read, or is none, or of a later version.
    """
    data = read_bytes(path, "a report that fleet wrote")
    try:
        record = json.loads(data)
        version = record["schema_version"]
        if version == JSON_SCHEMA_VERSION:
            return _report_of(record)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is no report of a fleet; {_NEXT_STEP}") from error
    raise InputError(
        f"{path} has schema version {version}, expected {JSON_SCHEMA_VERSION}; {_NEXT_STEP}"
    )


def _report_of(record: Mapping[str, Any]) -> FleetReport:
    outcomes = tuple(map(Outcome.from_record, record["models"]))
    sharing = Sharing(record["engine"], record["workers"])
    machine = dict(record["machine"])
    machine["versions"] = dict(machine.get("versions", {}))
    return FleetReport(outcomes, machine, sharing, float(record["seconds"]))
