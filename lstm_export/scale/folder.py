"""A folder of tables answered, partition by partition, by processes here or on a cluster."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from ..device import Session
from ..errors import InputError
from ..model import Signature
from ..workers import Died
from .answered import AS_STORED, Choices
from .carried import Carried, check_can_carry
from .partition_work import Outcome, Status, Task, failed, outcome_of, worked
from .partitions import Partition, partitions_of
from .series_ends import SeriesEnds, splits
from .sharing import Engine, ask_on

Progress = Callable[[Outcome, int], None]  # a partition that is done, of how many


@dataclass(frozen=True)
class FolderReport:
    """What became of the partitions.

    Attributes:
        outcomes: one a partition, in the order of their names.
    """

    outcomes: tuple[Outcome, ...]

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Those without predictions."""
        return tuple(outcome for outcome in self.outcomes if outcome.status == "failed")

    @property
    def counts(self) -> dict[str, int]:
        """How many partitions there are of each status."""
        found = [outcome.status for outcome in self.outcomes]
        return {status: found.count(status) for status in get_args(Status)}

    @property
    def rows(self) -> int:
        """Of all tables that are answered."""
        return sum(outcome.rows for outcome in self.outcomes)

    @property
    def predictions(self) -> int:
        """Of all tables that are answered."""
        return sum(outcome.predictions for outcome in self.outcomes)

    @property
    def gaps(self) -> int:
        """Of all tables that are answered."""
        return sum(outcome.gaps for outcome in self.outcomes)


def run_folder(  # noqa: PLR0913 - what a folder is run with
    session: Session,
    data: Path,
    output: Path,
    *,
    choices: Choices = AS_STORED,
    engine: Engine = "local",
    workers: int | None = None,
    carry: bool = False,
    progress: Progress | None = None,
) -> FolderReport:
    """Answer every table below `data` into the same place below `output`.

    A partition that the same file has answered before, from the same bytes and with the same
    choices, is skipped. One that fails costs the others nothing, and keeps its earlier answer.

    Args:
        session: the model, opened from a file that workers see, or with `carry=True`.
        data: a folder of `.csv`, `.csv.gz` and `.parquet`.
        output: a folder; it is made.
        choices: how rows are taken.
        engine: what shares out the partitions.
        workers: processes; by default 1 here, and what there is on a cluster.
        carry: series go on from one partition to the next, in the order of their names; then one
            process answers one after another.
        progress: called once a partition.

    Raises:
        InputError: there is no table, or the output, the model or the options do not fit.
        MissingDependency: the engine is not installed.
    """
    tasks = _tasks(session, partitions_of(data, output), choices)
    found: dict[int, Outcome] = {}
    for index, outcome in _outcomes(session, tasks, engine, workers, carry):
        found[index] = outcome
        if progress:
            progress(outcome, len(tasks))
    outcomes = [found[index] for index in range(len(tasks))]
    return FolderReport(_settled(outcomes, tasks, None if carry else session.signature))


def _tasks(session: Session, partitions: Sequence[Partition], choices: Choices) -> tuple[Task, ...]:
    sent = pickle.dumps(session)
    identity = session.identity
    return tuple(Task(partition, sent, identity, choices) for partition in partitions)


def _outcomes(
    session: Session, tasks: Sequence[Task], engine: Engine, workers: int | None, carry: bool
) -> Iterator[tuple[int, Outcome]]:
    if carry:
        check_can_carry(session.signature, tasks[0].choices.window)
        if engine != "local" or workers not in (None, 1):
            raise InputError(
                "carried series are answered one partition after another; leave the engine and "
                "the workers out, or keep each series in one partition"
            )
        yield from enumerate(_one_after_another(tasks, session.signature))
        return
    for index, answer in ask_on(engine, outcome_of, tasks, workers):
        is_dead = isinstance(answer, Died)
        yield index, failed(tasks[index].partition, answer.reason) if is_dead else answer


def _one_after_another(tasks: Sequence[Task], signature: Signature) -> Iterator[Outcome]:
    carried: Carried | None = {}
    before = ""
    for task in tasks:
        outcome, carried = worked(replace(task, before=before), carried)
        before = outcome.digest or before
        if outcome.status == "failed" and signature.time is None:
            # No gap in time shows that rows are missing here: the series begin anew.
            carried = {}
            before = ""
        yield outcome


def _without_splits(
    outcomes: Sequence[Outcome], tasks: Sequence[Task], signature: Signature
) -> list[Outcome]:
    """A partition that goes on from another lacks the answers of its first windows: it failed."""
    left = list(outcomes)
    nothing = SeriesEnds.of(())
    ends = [outcome.ends or nothing for outcome in outcomes]
    for split in splits(ends, signature):
        partition = tasks[split.later].partition
        status = left[split.later].status
        if status == "failed":
            continue
        if status == "answered":
            partition.withdraw()
        left[split.later] = failed(
            partition,
            f"a series goes on from {outcomes[split.earlier].name}, whose last rows its first "
            "windows need; add --carry (carry= in Python), or keep each series in one partition",
        )
    return left


def _settled(
    outcomes: Sequence[Outcome], tasks: Sequence[Task], signature: Signature | None
) -> tuple[Outcome, ...]:
    """What stays, and its earlier answers go; with a signature series have to be whole."""
    left = _without_splits(outcomes, tasks, signature) if signature else outcomes
    for task, outcome in zip(tasks, left, strict=True):
        if outcome.status != "failed":
            task.partition.settle()
    return tuple(left)
