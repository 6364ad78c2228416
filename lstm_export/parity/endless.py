"""Compare a model run on windows with the same model run as one endless stream, on real data.

A window starts from the initial state and sees its own steps alone; a stream starts once and sees
everything since. Both are computed by the float64 definition, so that the difference is the model's
own and no artifact's, in the units of its outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError
from ..model import Array, Column, Model, Signature, forward
from ..model.partial import every_step
from ..series import Run, Table, series_of, sliding_windows
from .endless_report import ColumnDifference, EndlessReport

MODEL_NAMES = ("model", "lstm")  # in a checkpoint's metrics; the second in older ones
MOST_WINDOWS = 4096  # compared, spread evenly over the data
ROWS = 256  # windows computed at once
WINDOWS = "the checkpoint's windows, one after the other"


class _Compared(NamedTuple):
    """The answers that are compared, `(predictions, output_size)` each.

    Attributes:
        window: answers to windows.
        stream: answers of the stream.
        true: what was measured, NaN where that is unknown.
    """

    window: Array
    stream: Array
    true: Array

    def of_answers(self, signature: Signature) -> _Compared:
        """Without the columns of quantiles, which nothing measured is compared with."""
        return _Compared(*(array[:, : signature.answers] for array in self))


def on_windows(
    model: Model, windows: Array, metrics: Sequence[Mapping[str, Any]] = ()
) -> EndlessReport:
    """Stream windows `(n, window, input_size)`, each from the state that the last one left.

    Raises:
        InputError: the chain cannot be streamed, or there are fewer than two windows.
    """
    answering = _every_step(model)
    if len(windows) < 2:
        raise InputError("there are no two windows to stream; name a table with --data")
    stream = []
    state = None
    for window in windows:
        output = forward(answering, window[np.newaxis], state=state)  # y (1, window, output_size)
        stream.append(output.y[0, -1])  # (output_size,)
        state = output.state
    # The first window starts from the initial state in either mode.
    later = _last(model, windows[1:])
    unknown = np.full(later.shape, np.nan)  # windows alone do not tell what was measured later
    count, steps, _ = windows.shape
    streamed = np.stack(stream[1:])  # (n - 1, output_size)
    compared = _Compared(later, streamed, unknown).of_answers(model.signature)
    columns = _columns(model.signature, compared, metrics)
    return EndlessReport(WINDOWS, steps, len(later), count * steps, columns)


def on_data(
    model: Model,
    path: Path,
    metrics: Sequence[Mapping[str, Any]] = (),
    *,
    window: int | None = None,
) -> EndlessReport:
    """Stream every unbroken run of a table from its first row on.

    Answers are compared from the first whole window on.

    Raises:
        InputError: the chain cannot be streamed, no window is known, the table cannot be read or
            holds no window.
    """
    answering = _every_step(model)
    window = window or model.signature.window
    if not window:
        need = "a stream can only be compared with windows of a known size"
        raise InputError(f"this model stores no window; {need}")
    table = Table.of(path, model.signature.table_format)
    runs = _long_runs(table, model.signature, window)
    counts = [len(run) - window + 1 for run in runs]  # windows in each
    measured = Measured(table, model.signature)
    by_run = []
    for run, starts in zip(runs, _picked(counts), strict=True):
        ends = starts + window - 1  # (predictions,): a window's last step is its answer's
        windows = sliding_windows(run.x, window)  # (len(run) - window + 1, window, input_size)
        on_window = _last(model, windows[starts])
        stream = forward(answering, run.x[np.newaxis]).y[0, ends]  # (predictions, output_size)
        by_run.append(_Compared(on_window, stream, measured.at(run, ends)))
    compared = _end_to_end(by_run).of_answers(model.signature)
    columns = _columns(model.signature, compared, metrics)
    longest = max(len(run) for run in runs)
    return EndlessReport(path.name, window, len(compared.window), longest, columns)


def _end_to_end(by_run: Sequence[_Compared]) -> _Compared:
    """The answers of all runs, one run after the other, field by field."""
    fields = zip(*by_run, strict=True)
    return _Compared(*(np.concatenate(arrays) for arrays in fields))


def _long_runs(table: Table, signature: Signature, window: int) -> list[Run]:
    """The unbroken runs of more rows than a window has."""
    series = series_of(table, named_by(signature, table), "drop")
    runs = [run for run in series if len(run) > window]
    if not runs:
        need = f"no unbroken run of more than the window's {window} rows"
        raise InputError(f"{table.title} holds {need}")
    return runs


def _picked(counts: Sequence[int]) -> Iterator[Array]:
    """For each run the windows that are compared: spread evenly over all of them."""
    total = sum(counts)
    spread = np.linspace(0, total - 1, min(total, MOST_WINDOWS))  # over all runs laid end to end
    picked = spread.round().astype(np.int64)
    before = 0  # windows of the runs before this one
    for count in counts:
        is_own = (picked >= before) & (picked < before + count)
        yield picked[is_own] - before  # counted within the run
        before += count


def _every_step(model: Model) -> Model:
    """The chain that answers at every step."""
    for stage in model.recurrent:
        if stage.bidirectional:
            reason = f"{stage.name} is bidirectional, and reads a sequence from its end too"
            raise InputError(f"{reason}: it cannot run as a stream")
    answering = every_step(model)
    if answering is None:
        pooled = [stage.name for stage in model.stages if stage.steps == "reduce"]
        reason = f"it looks at all steps of a window ({', '.join(pooled)})"
        raise InputError(f"this model cannot be compared with an endless stream: {reason}")
    return answering


def _last(model: Model, windows: Array) -> Array:
    """The answers to `windows (n, window, input_size)`, of every window's last step."""
    answers = [np.empty((0, model.signature.output_size))]  # so that no window gives no answer
    for start in range(0, len(windows), ROWS):
        y = forward(model, windows[start : start + ROWS]).y
        answers.append(y[:, -1] if y.ndim == 3 else y)  # (rows, output_size)
    return np.concatenate(answers)


def named_by(signature: Signature, table: Table) -> Signature:
    """Features by the table's own columns where the model names none.

    Raises:
        InputError: the table has another number of columns.
    """
    if signature.features:
        return signature
    got = len(table.names)
    expected = signature.input_size
    if got != expected:
        reason = "this model names no features"
        raise InputError(f"{table.title} has {got} columns, expected {expected}: {reason}")
    return replace(signature, features=tuple(Column(name) for name in table.names))


class Measured:
    """The measured values that predictions are about."""

    def __init__(self, table: Table, signature: Signature) -> None:
        """A table, which need not hold the targets."""
        self._answers = signature.answers
        self._values: Array | None = None
        names = [column.name for column in signature.targets]
        if names and all(name in table.names for name in names):
            columns = [table.numbers(name) for name in names]  # (rows,) each
            self._values = np.stack(columns, axis=1)  # (rows, targets)
        # without a horizon an answer is about its own step
        horizon = signature.horizon
        self._ahead = np.arange(1, horizon + 1) if horizon else np.array([0])

    def at(self, run: Run, steps: Array) -> Array:
        """For predictions at `steps (predictions,)`; NaN beyond the run, or where it is unknown."""
        if self._values is None:
            return np.full((len(steps), self._answers), np.nan)
        index = steps[:, np.newaxis] + self._ahead  # (predictions, steps ahead)
        rows = run.rows[np.minimum(index, len(run) - 1)]  # rows of the table, (predictions, ahead)
        is_inside = (index < len(run))[..., np.newaxis]  # (predictions, ahead, 1)
        values = np.where(is_inside, self._values[rows], np.nan)  # (predictions, ahead, targets)
        # (predictions, targets * ahead), target by target
        by_target: Array = values.swapaxes(1, 2).reshape(len(steps), -1)
        return by_target


def _columns(
    signature: Signature, compared: _Compared, metrics: Sequence[Mapping[str, Any]]
) -> tuple[ColumnDifference, ...]:
    """Target by target, each over all of its steps ahead."""
    targets = signature.targets or signature.outputs
    known = {}
    for metric in metrics:
        if metric.get("predictor") in MODEL_NAMES:
            known[str(metric.get("target"))] = float(metric["rmse"])
    # outputs lie target by target, each with its steps ahead: (predictions, steps ahead) a target
    by_target = (np.split(array, len(targets), axis=1) for array in compared)
    columns = []
    for target, window, stream, true in zip(targets, *by_target, strict=True):
        column = _column(target, _Compared(window, stream, true), known.get(target.name))
        columns.append(column)
    return tuple(columns)


def _column(target: Column, compared: _Compared, known_rmse: float | None) -> ColumnDifference:
    difference = compared.stream - compared.window  # (predictions, steps ahead)
    is_measured = np.isfinite(compared.true)
    window_rmse = None
    stream_rmse = None
    if is_measured.any():
        window_rmse = _rms((compared.window - compared.true)[is_measured])
        stream_rmse = _rms((compared.stream - compared.true)[is_measured])
    return ColumnDifference(
        name=target.name,
        unit=target.unit,
        rmse=_rms(difference),
        largest=float(np.abs(difference).max()),
        window_rmse=window_rmse,
        stream_rmse=stream_rmse,
        known_rmse=known_rmse,
    )


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values))))
