"""A model ready to use: checked input, bounded memory, warnings of inputs training never saw."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, Protocol, get_args, overload

import numpy as np

from ..bundle import Mode
from ..errors import InputError
from ..model import Array, Runner, Signature
from ..series import Missing, Table, TableSource, group_columns, sliding_windows
from .guarded_runner import GuardedRunner
from .guards import Nonfinite, checked_input, refuse_unknown
from .pool import StreamPool
from .ranges import InputRangeWarning, bounds_of, out_of_range
from .sequences import (
    InputRules,
    checked_batch,
    checked_sequences,
    counts,
    is_list_of_sequences,
)
from .stream import Stream, Unusable
from .stream_modes import StreamMaker
from .table_predictions import (
    Progress,
    TableAnswers,
    answers_of_runs,
    answers_of_windows,
    least_rows,
    refuse_none,
    rows_of,
    runs_of,
    table_of,
)


class Reopen(Protocol):
    """Opens the same session in another process; what is pickled of one."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """Which file answers, and with which engine; JSON-ready."""

    def __call__(self) -> Session:
        """The session."""


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
        metadata: Mapping[str, str] | None = None,
        reopen: Reopen | None = None,
        least_steps: int = 1,
    ) -> None:
        """A session on a runner.

        Args:
            runner: what computes.
            signature: the interface.
            nonfinite: what happens to rows that hold NaN or infinity.
            twin: opens the same model as an OnnxStreamRunner, where there is one.
            mode: what streams keep unless they are told.
            metadata: the model's chain and weights as `onnx_metadata` names them, by which a
                stream knows its own saved state.
            reopen: opens the same session in another process; what is pickled.
            least_steps: of a sequence that the model has an answer to.

        Raises:
            InputError: `nonfinite` is unknown.
        """
        refuse_unknown(nonfinite, get_args(Nonfinite))
        self.signature = signature
        self._nonfinite: Nonfinite = nonfinite
        self._reopen = reopen
        self._least_steps = least_steps
        # a twin costs memory: it is opened once, for all streams
        self._take(runner, cache(twin) if twin else None)
        self._mode = mode
        self._metadata = metadata
        self._names = tuple(column.name for column in signature.features)
        self._low, self._high = bounds_of(signature)

    def __reduce__(self) -> tuple[Reopen, tuple[()]]:
        """Pickle `reopen` alone: runtimes, threads and buffers do not travel."""
        return self._of_file(), ()

    @property
    def identity(self) -> Mapping[str, Any]:
        """Which file answers, and with which engine; JSON-ready.

        Raises:
            InputError: the session was not opened from a file.
        """
        return self._of_file().identity

    def _of_file(self) -> Reopen:
        if self._reopen is None:
            raise InputError(
                "this session was made on a runner in memory, which cannot be pickled; "
                "open a file with lstm_export.load"
            )
        return self._reopen

    def _take(self, runner: Runner, twin: Callable[[], Runner] | None) -> None:
        self._process = os.getpid()  # by which a fork shows
        self._runner = runner
        self._twin = twin
        self._answer = GuardedRunner(runner, self.signature, self._nonfinite)

    def _in_this_process(self) -> None:
        """After a fork the file is opened again: a runtime's threads and locks stay behind."""
        if self._reopen is not None and self._process != os.getpid():
            fresh = self._reopen()
            self._take(fresh._runner, fresh._twin)

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
        """Float32 `y (batch, output_size)`, or of every step `(batch, seq, output_size)`.

        With `lengths (batch,)` only the first steps of each row count: what follows them is never
        read, and answered with 0 where every step is answered. `x` may also be a list of arrays
        `(seq, input_size)` of unequal length: then `y` is `(n, output_size)`, or a list of arrays
        `(seq, output_size)`. Either way rows of similar length are answered together, padded where
        the artifact takes lengths, and given back in the caller's order.

        Warns with `InputRangeWarning`, once a call. With `nonfinite="propagate"` a row that holds
        NaN or an infinity is answered with NaN.

        Raises:
            InputError: see `checked_input` and `checked_lengths`; or a sequence is shorter than the
                model needs.
        """
        self._in_this_process()
        if is_list_of_sequences(x):
            return self._answer_list(x, lengths, strict)
        if lengths is not None:
            return self._answer_padded(x, lengths, strict)
        checked = self._checked(x, strict)
        self._refuse_too_short(checked.shape[1])
        self._warn_of_range(checked, stacklevel=3)
        return self._answer.batch(checked)

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
            mode: keep the model's `state` from sample to sample, or the last `window` of samples
                and answer for these; by default as the bundle says, else a window where the model
                was trained on windows.
            nonfinite: a sample with NaN or an infinity is refused; or each such value is replaced
                by the last good one, `hold`; or the sample is left out, `skip`.
            window: samples of the window; the stored number by default.

        Raises:
            InputError: the bundle holds no artifact that carries the state, or no window is known.
        """
        make = self.stream_maker(mode, window)
        return make(batch, nonfinite)

    def pool(
        self,
        *,
        mode: Mode | None = None,
        nonfinite: Unusable = "refuse",
        window: int | None = None,
    ) -> StreamPool:
        """A pool of streams by key, all stepped in one call; see `stream`."""
        make = self.stream_maker(mode, window)
        return StreamPool(partial(make, nonfinite=nonfinite))

    def stream_maker(self, mode: Mode | None, window: int | None) -> StreamMaker:
        """A maker of streams for any batch; see `stream`."""
        self._in_this_process()
        mode = mode or self._mode
        if mode != "state" and window:
            self._refuse_short_window(window)
        return StreamMaker(
            self.signature,
            self._runner,
            self._twin,
            mode,
            window,
            self._metadata,
            again=partial(self.stream_maker, mode, window),
        )

    def predict_table(
        self,
        table: TableSource,
        progress: Progress | None = None,
        *,
        window: int | None = None,
        missing: Missing = "refuse",
    ) -> Table:
        """Slide over every unbroken run of rows: one row a prediction: time, group and the outputs.

        Args:
            table: a path, a mapping of columns, a DataFrame or a Table with the signature's
                columns; where the signature has no names, exactly `input_size` columns of numbers.
            progress: called with (predictions done, predictions in all).
            window: steps a prediction sees; the stored window by default. Without either, a run is
                one sequence. Of a model that learned from series shorter than its window, such a
                run is one sequence too.
            missing: what happens to a row with an empty cell, see `series_of`.

        Raises:
            InputError: a column or a cell is missing, or no run is as long as the window.
        """
        table = Table.of(table, self.signature.table_format)
        answers = self.table_answers(table, progress, window=window, missing=missing)
        refuse_none(answers.runs, table, self.least_rows(window))
        return answers.predictions

    def table_answers(
        self,
        table: Table,
        progress: Progress | None = None,
        *,
        window: int | None = None,
        missing: Missing = "refuse",
    ) -> TableAnswers:
        """Answer a table as `predict_table` does, but also where there is no answer at all."""
        self._in_this_process()
        window = self._window(window)
        runs = runs_of(table, self.signature, missing)
        least = self.least_rows(window)
        answered = [run for run in runs if len(run) >= least]
        if answered:
            rows = np.concatenate([run.x for run in answered])  # (rows, input_size)
            self._warn_of_range(rows, stacklevel=4)
        answers = answers_of_runs(self._answer, answered, window, progress)
        names = group_columns(self.signature.group, table.names)
        predictions = table_of(answered, answers, names, self.signature)
        return TableAnswers(predictions, rows_of(answered, answers), runs)

    def least_rows(self, window: int | None = None) -> int:
        """Rows without a gap that a table needs for an answer, with this window or the stored one.

        Raises:
            InputError: the model takes more steps at once than the window has.
        """
        return max(least_rows(self.signature, self._window(window)), self._least_steps)

    def slide(
        self, x: object, progress: Progress | None = None, *, window: int | None = None
    ) -> Array:
        """Slide over one sequence `x (seq, input_size)`: `y (predictions, output_size)`.

        Raises:
            InputError: see `checked_input`; or the sequence is shorter than the window.
        """
        self._in_this_process()
        batch = x[np.newaxis] if isinstance(x, np.ndarray) else [x]
        sequence = self._checked(batch, strict=False)[0]  # (seq, input_size)
        window = self._window(window)
        # (predictions, window, input_size)
        windows = sliding_windows(sequence, window) if window else sequence[np.newaxis]
        if not len(windows):
            raise InputError(
                f"x has {len(sequence)} steps, expected at least the window's {window}"
            )
        self._warn_of_range(sequence, stacklevel=3)
        (answer,) = answers_of_windows(
            self._answer, [windows], is_last_step=bool(window), progress=progress
        )
        return answer

    def _window(self, chosen: int | None) -> int | None:
        """The chosen window, else the stored one; None where the model has none."""
        window = self.signature.window if chosen is None else chosen
        if window is not None and window < 1:
            raise InputError(f"window is {window}, expected at least one step")
        if window is not None:
            self._refuse_short_window(window)
        return window

    def _refuse_short_window(self, window: int) -> None:
        if 0 < window < self._least_steps:
            raise InputError(
                f"the window is {window}, "
                f"expected at least {self._least_steps} samples, which this model takes at once"
            )

    def _checked(self, x: object, strict: bool) -> Array:
        return checked_input(
            x, self.input_size, strict=strict, nonfinite=self._nonfinite, names=self._names
        )

    def _rules(self, strict: bool) -> InputRules:
        return InputRules(self.input_size, strict, self._nonfinite, self._names)

    def _answer_list(self, x: Sequence[Any], lengths: object, strict: bool) -> Array | list[Array]:
        if lengths is not None:
            raise InputError(
                "x is a list of sequences, which have their own lengths; leave lengths out"
            )
        if not x:
            shape = (0, self._least_steps, self.input_size)
            no_answers = self._answer.batch(np.empty(shape, np.float32))
            return no_answers if no_answers.ndim == 2 else []
        sequences = checked_sequences(x, self._rules(strict))
        self._refuse_too_short(int(sequences.lengths.min()))
        self._warn_of_range(sequences.steps, stacklevel=4)
        y, is_every_step = self._answer.sequences(sequences)
        # of every step: y (total, output_size), cut where each sequence ends
        return np.split(y, sequences.ends[:-1]) if is_every_step else y

    def _answer_padded(self, x: object, lengths: object, strict: bool) -> Array:
        sequences, seq = checked_batch(x, lengths, self._rules(strict))
        if not len(sequences):
            return self._answer.batch(np.empty((0, seq, self.input_size), np.float32))
        self._refuse_too_short(int(sequences.lengths.min()))
        self._warn_of_range(sequences.steps, stacklevel=4)
        y, is_every_step = self._answer.sequences(sequences)
        if not is_every_step:
            return y
        # (batch, seq, output_size)
        padded = np.zeros((len(sequences), seq, y.shape[1]), np.float32)
        padded[counts(sequences.lengths, seq)] = y  # what stands behind a row's length stays 0
        return padded

    def _refuse_too_short(self, steps: int) -> None:
        if steps < self._least_steps:
            raise InputError(
                f"x holds a sequence of length {steps}, "
                f"expected at least {self._least_steps} steps, which this model takes at once"
            )

    def _warn_of_range(self, x: Array, stacklevel: int) -> None:
        values = x.reshape(-1, self.input_size)  # (steps of all rows, input_size)
        if self._nonfinite == "propagate":
            values = values[np.isfinite(values).all(axis=1)]
        outside = (values < self._low) | (values > self._high)  # against (input_size,) bounds
        if outside.any():
            text = out_of_range(values, self.signature)
            warnings.warn(text, InputRangeWarning, stacklevel=stacklevel)
