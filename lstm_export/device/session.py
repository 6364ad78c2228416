"""A model ready to use: checked input, bounded memory, warnings about inputs that training never saw."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, overload

import numpy as np

from ..bundle import Mode
from ..errors import InputError
from ..model import Array, Column, Runner, Signature
from ..model.runner import takes_lengths
from ..series import Missing, Run, Table, TableSource, series_of, sliding_windows
from .guards import MAX_STEPS, InputRangeWarning, Nonfinite, bounds_of, checked_input, out_of_range
from .pool import StreamPool
from .sequences import (
    Answers,
    Sequences,
    answers,
    checked_batch,
    checked_sequences,
    counts,
    is_list_of_sequences,
)
from .stream import Stream, Unusable, stream_of

Progress = Callable[[int, int], None]  # (done, total)


class Session:
    """Calls a runner safely: `session(x)` maps `x (batch, seq, input_size)` to `y`.

    Attributes:
        signature: sizes, and where known names, units, training ranges and window.
    """

    def __init__(  # noqa: PLR0913 - what a bundle knows of its model
        self,
        runner: Runner,
        signature: Signature,
        *,
        nonfinite: Nonfinite = "refuse",
        twin: Callable[[], Runner] | None = None,
        mode: Mode | None = None,
        said: Mapping[str, str] | None = None,
    ) -> None:
        """A session on a runner.

        Args:
            runner: what computes.
            signature: the interface.
            nonfinite: what happens to rows that hold NaN or infinity.
            twin: opens the same model as an OnnxStreamRunner, where there is one.
            mode: what streams keep unless they are told.
            said: names of the model's chain and weights, by which a stream knows its own saved state.
        """
        self.signature = signature
        self._twin, self._mode, self._said = twin, mode, said
        self._runner = runner
        self._nonfinite: Nonfinite = nonfinite
        self._names = tuple(column.name for column in signature.features)
        self._low, self._high = bounds_of(signature)

    @property
    def input_size(self) -> int:
        """Width of `x`."""
        return self.signature.input_size

    @overload
    def __call__(self, x: list[Array] | tuple[Array, ...], *, strict: bool = ...) -> Any: ...

    @overload
    def __call__(self, x: object, *, lengths: object = ..., strict: bool = ...) -> Array: ...

    def __call__(
        self, x: object, *, lengths: object = None, strict: bool = False
    ) -> Array | list[Array]:
        """Float32 `y (batch, output_size)`, or `(batch, seq, output_size)` where the model answers at every step.

        With `lengths (batch,)` only the first steps of each row count: what stands behind them is never read, and
        answered with 0 where every step is answered. `x` may also be a list of arrays `(seq, input_size)` of unequal
        length: then `y` is `(n, output_size)`, or a list of arrays `(seq, output_size)`. Either way rows of similar
        length are answered together, padded where the artifact takes lengths, and given back in the caller's order.

        Warns with `InputRangeWarning`, once a call. With `nonfinite="propagate"` a row that holds NaN or an infinity
        is answered with NaN.

        Raises:
            InputError: see `checked_input` and `checked_lengths`.
        """
        if is_list_of_sequences(x):
            return self._list(x, lengths, strict)
        if lengths is not None:
            return self._padded(x, lengths, strict)
        checked = self._checked(x, strict)
        self._warn_of_range(checked)
        return self._predict(checked)

    def stream(
        self,
        batch: int = 1,
        *,
        mode: Mode | None = None,
        nonfinite: Unusable = "refuse",
        window: int | None = None,
    ) -> Stream:
        """A stream that takes samples as they come.

        Args:
            batch: sequences side by side.
            mode: keep the model's `state` from sample to sample, or the last `window` of samples and answer for these;
                by default as the bundle says, else a window where the model was trained on windows.
            nonfinite: a sample with NaN or an infinity is refused; or each such value is replaced by the last good one,
                `hold`; or the sample is left out, `skip`.
            window: samples of the window; the stored number by default.

        Raises:
            InputError: the bundle holds no artifact that carries the state, or no window is known.
        """
        return self._streams(mode, window)(batch, nonfinite)

    def pool(
        self, *, mode: Mode | None = None, nonfinite: Unusable = "refuse", window: int | None = None
    ) -> StreamPool:
        """A pool of streams by key, all stepped in one call; see `stream`."""
        make = self._streams(mode, window)
        return StreamPool(lambda batch: make(batch, nonfinite))

    def _streams(self, mode: Mode | None, window: int | None) -> Callable[[int, Unusable], Stream]:
        return stream_of(
            self.signature, self._runner, self._twin, mode or self._mode, window, self._said
        )

    def predict_table(
        self,
        table: TableSource,
        progress: Progress | None = None,
        *,
        window: int | None = None,
        missing: Missing = "refuse",
    ) -> Table:
        """Slide over every unbroken run of rows: one row a prediction, holding time, group and the outputs.

        Args:
            table: a path, a mapping of columns, a DataFrame or a Table with the signature's columns; where the
                signature has no names, exactly `input_size` columns of numbers.
            progress: called with (predictions done, predictions in all).
            window: steps a prediction sees; the stored window by default. Without either, a run is one sequence. Of
                a model that learned from series shorter than its window, such a run is one sequence too.
            missing: what happens to a row with an empty cell, see `series_of`.

        Raises:
            InputError: a column or a cell is missing, or no run is as long as the window.
        """
        table, window = Table.of(table), self._window(window)
        runs = _runs(table, self.signature, missing)
        least = self._least(window)
        answered = [run for run in runs if len(run) >= least]
        if not answered:
            rows = max(map(len, runs), default=0)
            raise InputError(
                f"{table.title} holds no window of {least} rows; its longest run without a gap has {rows}"
            )
        self._warn_of_range(np.concatenate([run.x for run in answered]))
        return _as_table(answered, self._of_runs(answered, window, progress), self.signature)

    def _least(self, window: int | None) -> int:
        """Rows that a run must have to be answered."""
        shortest = self.signature.shortest if window == self.signature.window else None
        return shortest or window or 1

    def _of_runs(
        self, runs: Sequence[Run], window: int | None, progress: Progress | None
    ) -> list[Array]:
        """The answers to each run, `(predictions, output_size)`: slid over, or answered whole where it is shorter."""
        whole = [index for index, run in enumerate(runs) if window is None or len(run) < window]
        slid = sorted(set(range(len(runs))) - set(whole))
        windows = [sliding_windows(runs[index].x, window) for index in slid if window]
        found = dict(
            zip(slid, self._answers(windows, True, progress, more=len(whole)), strict=True)
        )
        if whole:
            lengths = np.array([len(runs[index]) for index in whole])
            sequences = Sequences(np.concatenate([runs[index].x for index in whole]), lengths)
            y, is_every_step = self._answered(sequences)
            parts = np.split(y, sequences.ends[:-1]) if is_every_step else list(y[:, np.newaxis])
            found |= {
                index: part[-1:] if window else part
                for index, part in zip(whole, parts, strict=True)
            }
            if progress:
                total = sum(map(len, windows)) + len(whole)
                progress(total, total)
        return [found[index] for index in range(len(runs))]

    def slide(
        self, x: object, progress: Progress | None = None, *, window: int | None = None
    ) -> Array:
        """Slide over one sequence `x (seq, input_size)`: `y (predictions, output_size)`, see `predict_table`.

        Raises:
            InputError: see `checked_input`; or the sequence is shorter than the window.
        """
        batch = x[np.newaxis] if isinstance(x, np.ndarray) else [x]
        sequence = self._checked(batch, strict=False)[0]  # (seq, input_size)
        window = self._window(window)
        windows = sliding_windows(sequence, window) if window else sequence[np.newaxis]
        if not len(windows):
            raise InputError(
                f"x has {len(sequence)} steps, expected at least the window's {window}"
            )
        self._warn_of_range(sequence)
        (answer,) = self._answers([windows], bool(window), progress)
        return answer

    def _answers(
        self, jobs: list[Array], last: bool, progress: Progress | None, *, more: int = 0
    ) -> Iterator[Array]:
        """For each job's windows `(predictions, window, input_size)` the answers `(predictions, output_size)`.

        Every step's answer is kept of a model that gives one, unless `last`. `more` predictions follow elsewhere.
        """
        done, total = 0, sum(map(len, jobs)) + more
        for windows in jobs:
            parts = []
            for y in self._chunks(windows):
                parts.append(y[:, -1] if last and y.ndim == 3 else y.reshape(-1, y.shape[-1]))
                done += len(y)
                if progress:
                    progress(done, total)
            yield np.concatenate(parts)

    def _window(self, given: int | None) -> int | None:
        window = self.signature.window if given is None else given
        if window is not None and window < 1:
            raise InputError(f"window is {window}, expected at least one step")
        return window

    def _checked(self, x: object, strict: bool) -> Array:
        return checked_input(
            x, self.input_size, strict=strict, nonfinite=self._nonfinite, names=self._names
        )

    def _list(self, x: Sequence[Any], lengths: object, strict: bool) -> Array | list[Array]:
        if lengths is not None:
            raise InputError(
                "x is a list of sequences, which have their own lengths; leave lengths out"
            )
        if not x:
            none = self._predict(np.empty((0, 1, self.input_size), np.float32))
            return none if none.ndim == 2 else []
        sequences = checked_sequences(
            x, self.input_size, strict=strict, nonfinite=self._nonfinite, names=self._names
        )
        self._warn_of_range(sequences.steps)
        y, is_every_step = self._answered(sequences)
        return np.split(y, sequences.ends[:-1]) if is_every_step else y

    def _padded(self, x: object, lengths: object, strict: bool) -> Array:
        sequences, seq = checked_batch(
            x, lengths, self.input_size, strict=strict, nonfinite=self._nonfinite, names=self._names
        )
        if not len(sequences):
            return self._predict(np.empty((0, seq, self.input_size), np.float32))
        self._warn_of_range(sequences.steps)
        y, is_every_step = self._answered(sequences)
        if not is_every_step:
            return y
        padded = np.zeros((len(sequences), seq, y.shape[1]), np.float32)
        padded[counts(sequences.lengths, seq)] = y
        return padded

    def _answered(self, sequences: Sequences) -> Answers:
        return answers(
            self._run, sequences, padding=takes_lengths(self._runner), max_steps=MAX_STEPS
        )

    def _predict(self, x: Array) -> Array:
        if not len(x):  # never shown to a runtime: one row of zeros tells the shape of the answer
            return self._run(np.zeros((1, *x.shape[1:]), np.float32))[:0]
        answers = list(self._chunks(x))
        return answers[0] if len(answers) == 1 else np.concatenate(answers)

    def _chunks(self, x: Array) -> Iterator[Array]:
        """The answers to `x (batch, seq, input_size)`, as many rows at a time as fit in MAX_STEPS."""
        rows = max(1, MAX_STEPS // x.shape[1])
        for start in range(0, len(x), rows):
            yield self._run(
                np.ascontiguousarray(x[start : start + rows])
            )  # windows are views until here

    def _run(self, x: Array, lengths: Array | None = None) -> Array:
        if self._nonfinite == "refuse":
            return self._call(x, lengths)
        finite: Array = np.asarray(np.isfinite(x).all(axis=(1, 2)))  # (batch,)
        y = self._call(np.where(finite[:, np.newaxis, np.newaxis], x, np.float32(0)), lengths)
        answer: Array = np.where(finite.reshape(-1, *[1] * (y.ndim - 1)), y, np.float32(np.nan))
        return answer

    def _call(self, x: Array, lengths: Array | None) -> Array:
        """A runtime can hand back anything; an artifact that broadcasts its answer must not pass for a good one."""
        y = (
            self._runner(x)
            if lengths is None or not takes_lengths(self._runner)
            else self._runner(x, lengths)
        )
        width = self.signature.output_size
        if y.shape not in ((len(x), width), (*x.shape[:2], width)):
            raise InputError(
                f"the model answered with the shape {y.shape} to x {x.shape}, expected {(len(x), width)}"
            )
        return y

    def _warn_of_range(self, x: Array) -> None:
        values = x.reshape(-1, self.input_size)
        if self._nonfinite == "propagate":
            values = values[np.isfinite(values).all(axis=1)]
        if ((values < self._low) | (values > self._high)).any():
            warnings.warn(out_of_range(values, self.signature), InputRangeWarning, stacklevel=3)


def _runs(table: Table, signature: Signature, missing: Missing) -> tuple[Run, ...]:
    """The table's unbroken runs; without feature names its columns are taken in their order."""
    if not signature.features:
        if len(table.names) != signature.input_size:
            got, expected = len(table.names), signature.input_size
            raise InputError(
                f"{table.title} has {got} columns, expected {expected}: this model names no features"
            )
        signature = replace(signature, features=tuple(map(Column, table.names)))
    return series_of(table, signature, missing)


def _as_table(runs: list[Run], answers: list[Array], signature: Signature) -> Table:
    """One row an answer. A run's answers belong to its last rows, be they all of them, or all but window - 1."""
    pairs = list(zip(runs, answers, strict=True))
    columns = {signature.time or "row": np.concatenate([run.times[-len(y) :] for run, y in pairs])}
    if signature.group:
        columns[signature.group] = np.concatenate(
            [np.full(len(y), run.group, object) for run, y in pairs]
        )
    y = np.concatenate(answers)  # (predictions, output_size)
    return Table(
        columns | {column.name: y[:, index] for index, column in enumerate(signature.outputs)}
    )
