"""Tables answered: windows slid over every unbroken run of rows, or short runs as they are."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InputError
from ..model import Array, Column, Signature
from ..series import Missing, Run, Table, series_of, sliding_windows
from .guarded_runner import GuardedRunner
from .sequences import Sequences


class UnnamedColumnsWarning(UserWarning):
    """A table's columns are taken by place, since the model does not name its own."""


Progress = Callable[[int, int], None]  # (predictions done, predictions in all)


@dataclass(frozen=True, eq=False)
class TableAnswers:
    """The answers to a table.

    Attributes:
        predictions: one row a prediction: time, group and the outputs.
        rows: int64 `(predictions,)`, the row of the table that each belongs to, its window's last.
        runs: the unbroken runs of rows, those that are too short for an answer included.
    """

    predictions: Table
    rows: Array
    runs: Sequence[Run]

    @property
    def gaps(self) -> int:
        """How often a series breaks off and goes on: time jumps there, or rows are left out."""
        return len(self.runs) - len({run.keys for run in self.runs})


def runs_of(table: Table, signature: Signature, missing: Missing) -> tuple[Run, ...]:
    """The table's unbroken runs; without feature names its columns are taken in their order."""
    if not signature.features:
        got = len(table.names)
        if got != signature.input_size:
            raise InputError(
                f"{table.title} has {got} columns, expected {signature.input_size}: "
                "this model names no features"
            )
        _warn_of_place(table)
        signature = replace(signature, features=tuple(map(Column, table.names)))
    return series_of(table, signature, missing)


def _warn_of_place(table: Table) -> None:
    """Warn that the columns may be in another order than the one that the model learned."""
    places = [f"x{index} is {name}" for index, name in enumerate(table.names)]
    text = f"this model names no features, so columns are taken by place: {', '.join(places)}"
    warnings.warn(text, UnnamedColumnsWarning, stacklevel=5)


def refuse_none(runs: Sequence[Run], table: Table, least: int) -> None:
    """Refuse a table without a single run of so many rows.

    Raises:
        InputError: no run is long enough.
    """
    longest = max(map(len, runs), default=0)
    if longest < least:
        raise InputError(
            f"{table.title} holds no window of {least} rows; "
            f"its longest run without a gap has {longest}"
        )


def least_rows(signature: Signature, window: int | None) -> int:
    """Rows that a run must have; a model may have learned from series shorter than its window."""
    if window == signature.window and signature.shortest:
        return signature.shortest
    return window or 1


def answers_of_runs(
    runner: GuardedRunner, runs: Sequence[Run], window: int | None, progress: Progress | None
) -> list[Array]:
    """The answers to each run, `(predictions, output_size)`.

    It is slid over; or answered whole where there is no window, or where it is shorter.
    """
    whole = []  # indices of the runs that are answered whole
    slid = []  # and of those that are slid over
    windows = []
    for index, run in enumerate(runs):
        if window is None or len(run) < window:
            whole.append(index)
        else:
            slid.append(index)
            windows.append(sliding_windows(run.x, window))
    slid_answers = answers_of_windows(
        runner, windows, is_last_step=True, progress=progress, more=len(whole)
    )
    answers = dict(zip(slid, slid_answers, strict=True))
    if whole:
        whole_answers = _whole_answers(runner, [runs[index] for index in whole], window)
        answers |= dict(zip(whole, whole_answers, strict=True))
        if progress:
            total = sum(map(len, windows)) + len(whole)
            progress(total, total)
    return [answers[index] for index in range(len(runs))]


def _whole_answers(
    runner: GuardedRunner, runs: Sequence[Run], window: int | None
) -> Iterator[Array]:
    lengths = np.array([len(run) for run in runs])
    sequences = Sequences(np.concatenate([run.x for run in runs]), lengths)
    y, is_every_step = runner.sequences(sequences)
    if not is_every_step:
        yield from y[:, np.newaxis]  # (1, output_size) a run
        return
    for part in np.split(y, sequences.ends[:-1]):
        yield part[-1:] if window else part


def answers_of_windows(
    runner: GuardedRunner,
    jobs: Sequence[Array],
    *,
    is_last_step: bool,
    progress: Progress | None,
    more: int = 0,
) -> Iterator[Array]:
    """For each job's windows `(predictions, window, input_size)` the `(predictions, output_size)`.

    Of a model that answers at every step all answers are kept, unless `is_last_step`. `more`
    predictions follow elsewhere.
    """
    done = 0
    total = sum(map(len, jobs)) + more
    for windows in jobs:
        answers = []
        for y in runner.chunks(windows):
            is_picked = is_last_step and y.ndim == 3
            answer = y[:, -1] if is_picked else y
            answers.append(answer.reshape(-1, y.shape[-1]))  # (predictions, output_size)
            done += len(y)
            if progress:
                progress(done, total)
        yield np.concatenate(answers)


def table_of(
    runs: Sequence[Run], answers: Sequence[Array], names: Sequence[str], signature: Signature
) -> Table:
    """One row an answer: time, group and the outputs.

    A run's answers belong to its last rows, be they all of them, or all but window - 1. `names` are
    those of the columns that tell series apart.
    """
    pairs = list(zip(runs, answers, strict=True))
    times = [run.times[-len(y) :] for run, y in pairs]
    columns = {signature.time or "row": np.concatenate(times) if times else _no_times(signature)}
    for index, name in enumerate(names):
        cells = [np.empty(0, object)]  # so that no run gives no cell
        for run, y in pairs:
            cells.append(np.full(len(y), run.keys[index], object))
        columns[name] = np.concatenate(cells)
    no_answer = np.empty((0, signature.output_size), np.float32)
    every_answer = np.concatenate([no_answer, *answers])  # (predictions, output_size)
    for index, column in enumerate(signature.outputs):
        columns[column.name] = every_answer[:, index]
    return Table(columns)


def rows_of(runs: Sequence[Run], answers: Sequence[Array]) -> Array:
    """The row of the table that each answer belongs to, int64 `(predictions,)`."""
    rows = [np.empty(0, np.int64)]  # so that no run gives no row
    for run, y in zip(runs, answers, strict=True):
        rows.append(run.rows[-len(y) :])
    return np.concatenate(rows)


def _no_times(signature: Signature) -> Array:
    return np.empty(0, "datetime64[s]" if signature.time else np.int64)
