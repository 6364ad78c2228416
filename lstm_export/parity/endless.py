"""What it changes to run a model that was trained on windows as one endless stream, on real data, in its units.

A window starts from the initial state and sees its own steps alone; a stream starts once and sees everything since.
Both are computed by the float64 definition, so that the difference is the model's own and no artifact's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import InputError
from ..model import Array, Column, Model, Signature, forward
from ..series import Run, Table, series_of, sliding_windows

MOST_WINDOWS = 4096  # compared, spread evenly over the data
ROWS = 256  # windows computed at once
WINDOWS = "the checkpoint's windows, one behind the other"


@dataclass(frozen=True)
class ColumnDifference:
    """One target, over all steps ahead, in its own unit.

    Attributes:
        rmse: root mean square of stream minus window.
        largest: the largest of them.
        window_rmse: error of the windows' answers against what was measured, where the data holds it.
        stream_rmse: the same for the stream's answers.
        known_rmse: the model's error from its training, where it is known.
    """

    name: str
    unit: str
    rmse: float
    largest: float
    window_rmse: float | None
    stream_rmse: float | None
    known_rmse: float | None


@dataclass(frozen=True)
class EndlessReport:
    """Windows against a stream.

    Attributes:
        data: what was run.
        window: steps of a window.
        predictions: answers that were compared.
        longest: steps that the longest stream had seen at its last answer.
    """

    data: str
    window: int
    predictions: int
    longest: int
    columns: tuple[ColumnDifference, ...]

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping."""
        return asdict(self)

    def text(self) -> str:
        """For people: a line a target."""
        seen = f"{self.predictions:,} predictions, streams of up to {self.longest:,} steps"
        head = f"as an endless stream instead of windows of {self.window} steps ({self.data}: {seen})"
        return "\n".join([head, *(f"  {_line(column)}" for column in self.columns)])


class _Compared(NamedTuple):
    """Answers `(predictions, output_size)` of both, and what was measured, NaN where that is unknown."""

    window: Array
    stream: Array
    true: Array


def on_windows(model: Model, windows: Array, metrics: Sequence[Mapping[str, Any]] = ()) -> EndlessReport:
    """Stream windows `(n, window, input_size)` one behind the other, each from the state that the one before left.

    Raises:
        InputError: the chain cannot be streamed, or there are fewer than two windows.
    """
    every = _streamed(model)
    if len(windows) < 2:
        raise InputError("there are no two windows to stream; name a table with --data")
    stream, state = [], None
    for window in windows:
        output = forward(every, window[np.newaxis], state=state)
        stream.append(output.y[0, -1])
        state = output.state
    # The first one starts from the initial state in either mode.
    unknown = np.full((len(windows) - 1, model.signature.output_size), np.nan)
    found = _Compared(_last(model, windows[1:]), np.stack(stream[1:]), unknown)
    return _report(model, found, WINDOWS, windows.shape[1], windows.shape[0] * windows.shape[1], metrics)


def on_data(
    model: Model, path: Path, metrics: Sequence[Mapping[str, Any]] = (), *, window: int | None = None
) -> EndlessReport:
    """Stream every unbroken run of a table from its first row on, and compare from its first whole window on.

    Raises:
        InputError: the chain cannot be streamed, no window is known, the table cannot be read or holds no window.
    """
    every, window = _streamed(model), window or model.signature.window
    if not window:
        raise InputError("this model stores no window; a stream can only be compared with windows of a known size")
    table = Table.of(path)
    runs = [run for run in series_of(table, _named(model.signature, table), "drop") if len(run) > window]
    total = sum(len(run) - window + 1 for run in runs)
    if not total:
        raise InputError(f"{table.title} holds no unbroken run of more than the window's {window} rows")
    picked = np.linspace(0, total - 1, min(total, MOST_WINDOWS)).round().astype(np.int64)
    true = _measured(table, model.signature)
    parts, before = [], 0
    for run in runs:
        own = picked[(picked >= before) & (picked < before + len(run) - window + 1)] - before
        before += len(run) - window + 1
        stream = forward(every, run.x[np.newaxis]).y[0, own + window - 1]
        parts.append(_Compared(_last(model, sliding_windows(run.x, window)[own]), stream, true(run, own + window - 1)))
    found = _Compared(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    return _report(model, found, path.name, window, max(map(len, runs)), metrics)


def _streamed(model: Model) -> Model:
    """The chain that answers at every step."""
    for stage in model.recurrent:
        if stage.bidirectional:
            raise InputError(
                f"{stage.name} is bidirectional, and reads a sequence from its end too: it cannot run as a stream"
            )
    return replace(model, stages=tuple(stage for stage in model.stages if stage.steps != "reduce"))


def _last(model: Model, windows: Array) -> Array:
    """The answers to `windows (n, window, input_size)`, of the last step where there are several."""
    answers = [forward(model, windows[start : start + ROWS]).y for start in range(0, len(windows), ROWS)]
    answers = [y[:, -1] if y.ndim == 3 else y for y in answers]
    return np.concatenate(answers) if answers else np.empty((0, model.signature.output_size))


def _named(signature: Signature, table: Table) -> Signature:
    """Features by the table's own columns where the model names none."""
    if signature.features:
        return signature
    if len(table.names) != signature.input_size:
        got, expected = len(table.names), signature.input_size
        raise InputError(f"{table.title} has {got} columns, expected {expected}: this model names no features")
    return replace(signature, features=tuple(map(Column, table.names)))


def _measured(table: Table, signature: Signature) -> Any:
    """What was measured where a prediction at `steps` of a run points to, NaN beyond the run."""
    names = [column.name for column in signature.targets]
    values = None
    if names and all(name in table.names for name in names):
        values = np.stack([table.numbers(name) for name in names], axis=1)  # (rows, targets)
    ahead = np.arange(1, signature.horizon + 1) if signature.horizon else np.array([0])

    def true(run: Run, steps: Array) -> Array:
        if values is None:
            return np.full((len(steps), signature.output_size), np.nan)
        index = steps[:, np.newaxis] + ahead  # (predictions, steps ahead)
        found = values[run.rows[np.minimum(index, len(run) - 1)]]  # (predictions, steps ahead, targets)
        found = np.where((index < len(run))[..., np.newaxis], found, np.nan)
        flat: Array = found.swapaxes(1, 2).reshape(len(steps), -1)
        return flat

    return true


def _report(  # noqa: PLR0913, PLR0917 - what a report says
    model: Model, found: _Compared, data: str, window: int, longest: int, metrics: Sequence[Mapping[str, Any]]
) -> EndlessReport:
    signature = model.signature
    targets = signature.targets or signature.outputs
    known = {str(one.get("target")): float(one["rmse"]) for one in metrics if one.get("predictor") == "lstm"}
    columns = tuple(_columns(found, targets, known))
    return EndlessReport(data, window, len(found.window), longest, columns)


def _columns(found: _Compared, targets: Sequence[Column], known: Mapping[str, float]) -> Iterator[ColumnDifference]:
    each = (np.split(array, len(targets), axis=1) for array in found)
    for column, window, stream, true in zip(targets, *each, strict=True):
        difference = stream - window
        there = np.isfinite(true)
        on_window, as_stream = (_rms((one - true)[there]) if there.any() else None for one in (window, stream))
        largest = float(np.abs(difference).max())
        yield ColumnDifference(
            column.name, column.unit, _rms(difference), largest, on_window, as_stream, known.get(column.name)
        )


def _rms(values: Array) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _line(column: ColumnDifference) -> str:
    unit = f" {column.unit}" if column.unit else ""
    text = f"{column.name}: the answers differ by {column.rmse:.4g}{unit} RMSE, at most {column.largest:.4g}{unit}"
    if column.known_rmse:
        text += f"; the model's own error was {column.known_rmse:.4g}, so that is {column.rmse / column.known_rmse:.1%}"
    if column.window_rmse is not None:
        text += f"; error against this data {column.window_rmse:.4g} on windows, {column.stream_rmse:.4g} as a stream"
    return text
