"""Tables answered: windows slid over every unbroken run of rows, or short runs as they are."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..model import Array, Column, Signature
from ..series import Missing, Run, Table, group_columns, series_of, sliding_windows
from .guarded_runner import GuardedRunner
from .sequences import Sequences


class UnnamedColumnsWarning(UserWarning):
    """A table's columns are taken by place, since the model does not name its own."""


Progress = Callable[[int, int], None]  # (predictions done, predictions in all)


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
    """Nothing tells whether the columns are in the order in which the model learned them."""
    taken = [f"x{index} is {name}" for index, name in enumerate(table.names)]
    text = f"this model names no features, so columns are taken by place: {', '.join(taken)}"
    warnings.warn(text, UnnamedColumnsWarning, stacklevel=4)


def long_enough(
    runs: Sequence[Run], table: Table, signature: Signature, window: int | None
) -> list[Run]:
    """The runs that can be answered.

    Raises:
        InputError: there is none.
    """
    least = _least_rows(signature, window)
    answered = [run for run in runs if len(run) >= least]
    if not answered:
        longest = max((len(run) for run in runs), default=0)
        raise InputError(
            f"{table.title} holds no window of {least} rows; "
            f"its longest run without a gap has {longest}"
        )
    return answered


def _least_rows(signature: Signature, window: int | None) -> int:
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
    whole = [index for index, run in enumerate(runs) if window is None or len(run) < window]
    slid = [index for index in range(len(runs)) if index not in set(whole)]
    windows = [sliding_windows(runs[index].x, window) for index in slid if window]
    slid_answers = answers_of_windows(
        runner, windows, is_last_step=True, progress=progress, more=len(whole)
    )
    found = dict(zip(slid, slid_answers, strict=True))
    if whole:
        answers = _whole_answers(runner, [runs[index] for index in whole], window)
        found |= dict(zip(whole, answers, strict=True))
        if progress:
            total = sum(map(len, windows)) + len(whole)
            progress(total, total)
    return [found[index] for index in range(len(runs))]


def _whole_answers(
    runner: GuardedRunner, runs: Sequence[Run], window: int | None
) -> Iterator[Array]:
    lengths = np.array([len(run) for run in runs])
    sequences = Sequences(np.concatenate([run.x for run in runs]), lengths)
    y, is_every_step = runner.sequences(sequences)
    if not is_every_step:
        yield from y[:, np.newaxis]
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
        parts = []
        for y in runner.chunks(windows):
            is_picked = is_last_step and y.ndim == 3
            parts.append(y[:, -1] if is_picked else y.reshape(-1, y.shape[-1]))
            done += len(y)
            if progress:
                progress(done, total)
        yield np.concatenate(parts)


def as_table(runs: Sequence[Run], answers: Sequence[Array], signature: Signature) -> Table:
    """One row an answer: time, group and the outputs.

    A run's answers belong to its last rows, be they all of them, or all but window - 1.
    """
    times = []
    keys = []
    for run, y in zip(runs, answers, strict=True):
        times.append(run.times[-len(y) :])
        keys += [run.keys] * len(y)
    columns = {signature.time or "row": np.concatenate(times)}
    names = [signature.group or ""] if len(keys[0]) == 1 else group_columns(signature.group, ())
    for name, cells in zip(names, zip(*keys, strict=True), strict=True):
        columns[name] = np.array(cells, object)
    y = np.concatenate(answers)  # (predictions, output_size)
    columns |= {column.name: y[:, index] for index, column in enumerate(signature.outputs)}
    return Table(columns)
