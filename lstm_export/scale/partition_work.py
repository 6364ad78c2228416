"""One partition on a worker: skipped, or read, answered and written with a record, or failed."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import platform
import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ..device import Session
from ..device.table_predictions import refuse_none
from ..errors import BundleError, InputError, LstmExportError, printable
from ..files import read_bytes, unreadable, write_bytes
from ..model import USUAL
from ..series import Table, read_table
from .answered import Choices, answer, carried_through
from .carried import Carried
from .partitions import Partition
from .series_ends import SeriesEnds

RECORD_VERSION = 1  # raised when a field changes its meaning; older records are answered again
Status = Literal["answered", "skipped", "failed"]


@dataclass(frozen=True)
class Task:
    """What a worker is asked.

    Attributes:
        partition: the table.
        session: a pickled session, so that what is wrong with its file costs this partition alone.
        identity: of the file and the engine that answer.
        choices: how rows are taken.
        before: digest of the partitions that series go on from; empty where they are whole.
    """

    partition: Partition
    session: bytes
    identity: Mapping[str, Any]
    choices: Choices
    before: str = ""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of a partition.

    Attributes:
        name: of the partition.
        status: `skipped` where the same file had answered the same table before.
        error: why it failed; empty where it did not.
        rows: of the table.
        predictions: how many windows were answered.
        gaps: where a series breaks off and goes on.
        warnings: what was said, each text once.
        seconds: that it took.
        ends: its series.
        digest: of the table, and of those before it that it depends on.
    """

    name: str
    status: Status
    error: str = ""
    rows: int = 0
    predictions: int = 0
    gaps: int = 0
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    ends: SeriesEnds | None = None
    digest: str = ""

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping, without the ends of the series."""
        record = asdict(replace(self, ends=None))
        del record["ends"]
        return {**record, "warnings": list(self.warnings)}


def outcome_of(task: Task) -> Outcome:
    """Answer a partition whose series are whole; raises nothing."""
    outcome, _ = worked(task, None)
    return outcome


def worked(task: Task, carried: Carried | None) -> tuple[Outcome, Carried | None]:
    """Answer a partition, and give what the next one needs of its series; raises nothing."""
    start = time.perf_counter()
    try:
        outcome, carried = _done(task, carried)
    except LstmExportError as error:
        outcome = failed(task.partition, str(error))
    except Exception as error:  # be it a bug of ours: it must not cost the others their work
        outcome = failed(task.partition, printable(f"{type(error).__name__}: {error}", 400))
    return replace(outcome, seconds=round(time.perf_counter() - start, 3)), carried


def _done(task: Task, carried: Carried | None) -> tuple[Outcome, Carried | None]:
    partition = task.partition
    session = _session(task)
    digest = _digest(partition.source, task.before)
    known = _known_outcome(task, digest)
    if known and carried is None:
        return known, None
    table = read_table(partition.source, session.signature.table_format or USUAL)
    if known and carried is not None:
        return known, carried_through(session, table, task.choices, carried)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = answer(session, table, task.choices, carried)
    if carried is None:
        refuse_none(found.runs, table, session.least_rows(task.choices.window))
    outcome = Outcome(
        partition.name,
        "answered",
        rows=found.rows,
        predictions=len(found.predictions),
        gaps=found.gaps,
        warnings=tuple(dict.fromkeys(str(warning.message) for warning in caught)),
        ends=SeriesEnds.of(found.runs),
        digest=digest,
    )
    _write(task, outcome, found.predictions)
    return outcome, found.carried


def _session(task: Task) -> Session:
    try:
        session: Session = pickle.loads(task.session)  # noqa: S301 - made by `run_folder`
    except LstmExportError as error:
        raise BundleError(f"on {platform.node()}, process {os.getpid()}: {error}") from error
    return session


def _digest(path: Path, before: str) -> str:
    """sha256 of a file, after those that it depends on; read in parts."""
    digest = hashlib.sha256(before.encode())
    try:
        with path.open("rb") as file:
            while part := file.read(2**20):
                digest.update(part)
    except OSError as error:
        raise unreadable(path, error, "a table") from error
    return digest.hexdigest()


def _write(task: Task, outcome: Outcome, predictions: Table) -> None:
    """The predictions first: a record tells that they are whole."""
    partition = task.partition
    for path in (partition.output, partition.record):
        path.parent.mkdir(parents=True, exist_ok=True)
    partition.set_aside()
    if partition.output.suffix == ".parquet":
        predictions.write_parquet(partition.output)
    else:
        predictions.write_csv(partition.output)
    told = outcome.to_record()
    del told["seconds"]  # the partition is still being answered
    told["ends"] = outcome.ends.to_record() if outcome.ends else None
    record = {
        **_inputs(task, outcome.digest),
        "output_sha256": _digest(partition.output, ""),
        "outcome": told,
    }
    write_bytes(partition.record, json.dumps(record).encode("ascii"))


def _inputs(task: Task, digest: str) -> dict[str, Any]:
    """All that the answers depend on."""
    return {
        "record_version": RECORD_VERSION,
        "identity": dict(task.identity),
        "choices": asdict(task.choices),
        "input_sha256": digest,
    }


def _known_outcome(task: Task, digest: str) -> Outcome | None:
    """What the record tells, where it is of the same input and the predictions are still whole."""
    partition = task.partition
    try:
        record = json.loads(read_bytes(partition.record, "a record"))
        told = dict(record["outcome"])
        told["status"] = "skipped"
        told["warnings"] = tuple(told["warnings"])
        told["ends"] = SeriesEnds.from_record(told["ends"])
        known = Outcome(**told)
        is_same = _inputs(task, digest).items() <= record.items()
        is_whole = record["output_sha256"] == _digest(partition.output, "")
    except (InputError, ValueError, TypeError, KeyError, OverflowError):  # none, or a damaged one
        return None
    return known if is_same and is_whole else None


def failed(partition: Partition, reason: str) -> Outcome:
    """A failure; what an earlier run answered here, of another table or model, stays."""
    if not partition.has_answer:
        partition.bring_back()
    kept = "; the answer of an earlier run is still there" if partition.has_answer else ""
    return Outcome(partition.name, "failed", error=f"{reason}{kept}")
