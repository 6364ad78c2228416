"""A model that takes samples as they come, one or a chunk at a time, and keeps what it needs."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from ..bundle import Mode
from ..errors import InputError
from ..model import Array, Signature
from ..series.given_arrays import given_array
from .guards import MAX_STEPS, NotFinite, checked_input, refuse_unknown
from .range_watch import RangeWatch
from .ranges import InputRangeWarning
from .state_file import Counts, Identity, pack_state, unpack_state
from .stream_context import Context

# What a sample with NaN or an infinity leads to: an error; each such value replaced by its
# feature's last good one; or the sample left out, as if it had never come, and NaN for its answer.
Unusable = Literal["refuse", "hold", "skip"]

# A stream for a batch, with what NaN and infinities lead to.
MakeStream: TypeAlias = "Callable[[int, Unusable], Stream]"

MAX_BATCH = 2**24


class Stream:
    """`step(x_t)`, sample by sample; made by `Session.stream`. Two threads need two, see `copy`.

    Attributes:
        signature: the interface.
        mode: what is kept: the model's `state`, or the samples of the last `window`.
        batch: how many sequences run side by side.
        nonfinite: what happens to samples with NaN or an infinity.
        nonfinite_count: how many such samples came, whatever was done about them.
    """

    def __init__(  # noqa: PLR0913 - what a stream is made of
        self,
        new_context: Callable[[int], Context],
        signature: Signature,
        *,
        mode: Mode,
        identity: Identity,
        again: Callable[[], MakeStream],
        batch: int = 1,
        nonfinite: Unusable = "refuse",
    ) -> None:
        """Use `Session.stream`.

        `new_context` makes what is kept for a batch, `identity` tells this model from others, and
        `again` gives what makes such streams in another process.
        """
        _check_options(batch, nonfinite)
        self.signature = signature
        self.mode = mode
        self.batch = batch
        self.nonfinite = nonfinite
        self.identity = identity
        self.nonfinite_count = 0
        self._new_context = new_context
        self._again = again
        self._width = signature.input_size
        self._names = tuple(column.name for column in signature.features)
        self._is_closed = False
        self._context = new_context(batch)
        # The last good sample, and where the next one goes.
        self._x = self._context.x.reshape(batch, self._width)
        self._watch = RangeWatch(signature, batch)
        self._warning = ""
        self.put(slice(None), self.fresh(batch))
        self._long_step = self.step
        self.step = self._fast_step()  # type: ignore[assignment, method-assign]

    @property
    def out_of_range_count(self) -> int:
        """How many samples came with a value outside the range that training saw."""
        return self._watch.count

    @property
    def counts(self) -> Counts:
        """How many samples came that were not good."""
        return Counts(self.nonfinite_count, self._watch.count)

    def step(self, x_t: Any) -> Array:
        """The answer to one sample, float32 `(output_size,)`; of a batch `(batch, output_size)`.

        Warns with `InputRangeWarning` when a feature leaves the range of training, and not again
        until it is back.

        Args:
            x_t: `(input_size,)`; of a batch `(batch, input_size)`. float32 is fastest.

        Raises:
            InputError: no sample of numbers, not finite under "refuse", or the stream is closed.
                Nothing has changed.
        """
        x, is_single = self._checked(x_t, "x_t")
        y = self._answer(x)
        self._warn(stacklevel=4)  # over the closure that stands before this method
        last = y[:, -1] if y.ndim == 3 else y  # (batch, output_size)
        return last[0] if is_single else last

    def _fast_step(self) -> Callable[[Any], Array]:
        """`step` with a short way for good float32 samples: all it needs in a closure's variables.

        The guard is low <= x and x <= high in one array, which NaN and, the bounds being finite,
        infinities fail too. Its bytes are compared at once, in a tenth of the time of `all`. What
        is looked at is a copy, which no other thread can change before it is answered.
        """
        long_way = self._long_step
        run = self._context.run
        watch = self._watch
        low = watch.low
        high = watch.high
        array = np.ndarray
        float32 = np.dtype(np.float32)
        less_equal = np.less_equal
        is_single = self.batch == 1
        x = self._x[0] if is_single else self._x
        shape = x.shape
        candidate = np.empty(shape, np.float32)
        inside = np.zeros((2, *shape), np.bool_)  # above the lower bounds, and below the upper ones
        above_low, below_high = inside  # views, which the two comparisons fill

        def step(x_t: Any) -> Array:
            if type(x_t) is array and x_t.shape == shape and x_t.dtype is float32:
                candidate[...] = x_t
                less_equal(low, candidate, above_low)
                less_equal(candidate, high, below_high)
                if inside.tobytes() == watch.all_inside:
                    x[...] = candidate
                    return run()[0] if is_single else run()
            return long_way(x_t)

        return step

    def push(self, chunk: Any) -> Array:
        """The answer to a chunk of samples: the same as `step` by `step`, in one call.

        `y (output_size,)`, for the last sample, of a chain that picks the last step; else
        `(seq, output_size)`. Of a batch `(batch, ...)`.

        Args:
            chunk: `(seq, input_size)`; of a batch `(batch, seq, input_size)`.

        Raises:
            InputError: as `step`; no sample of the chunk was taken then.
        """
        x, is_single = self._checked(chunk, "chunk", "seq")
        y = self._answer(x)
        self._warn(stacklevel=3)
        return y[0] if is_single else y

    def reset(self) -> None:
        """Back to before the first sample; the counters go on."""
        self._check_open()
        self.put(slice(None), self.fresh(self.batch))

    def state(self) -> bytes:
        """The state as the bytes of a small `.npz`, from which `restore` goes on, anywhere.

        `kept0`, ... hold the state's tensors in the model's order, `(batch, num_layers, size)`, or
        the window's samples and how many there are; `model` and `counts` say whose they are and
        what was counted.
        """
        self._check_open()
        return pack_state(self.identity, self.take(slice(None)), self.counts)

    def restore(self, state: bytes | Path) -> None:
        """Go on from what `state` gave, be it the bytes or a file that holds them.

        Raises:
            InputError: it is damaged, of another model, mode or batch; the stream is unchanged
                then.
        """
        self._check_open()
        kept, counts = unpack_state(state, self.identity, self.fresh(self.batch))
        self.put(slice(None), kept)
        self._count_from(counts)

    def copy(self) -> Stream:
        """Another stream that goes on from here by itself."""
        self._check_open()
        other = Stream(
            self._new_context,
            self.signature,
            mode=self.mode,
            identity=self.identity,
            again=self._again,
            batch=self.batch,
            nonfinite=self.nonfinite,
        )
        other.put(slice(None), self.take(slice(None)))
        other._count_from(self.counts)
        return other

    def __reduce__(self) -> tuple[Callable[..., Stream], tuple[Any, ...]]:
        """The model's file, by its session, and the state."""
        return _resumed, (self._again, self.batch, self.nonfinite, self.state())

    def close(self) -> None:
        """Let go of the runtime's buffers; nothing can be asked of the stream afterwards."""
        if self._is_closed:
            return
        self._is_closed = True
        # A `step` that somebody holds takes the long way too, which says that it is closed.
        self._watch.all_inside = b""
        del self.step, self._context, self._x

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def take(self, rows: Any) -> tuple[Array, ...]:
        """The state of some rows, batch first, for a StreamPool.

        The model's arrays, then the last good samples, and which features are out of range.
        """
        outside = self._watch.outside[rows].astype(np.int32)
        return (*self._context.take(rows), self._x[rows].copy(), outside)

    def put(self, rows: Any, kept: tuple[Array, ...]) -> None:
        """The inverse of `take`."""
        *of_model, samples, outside = kept
        self._context.put(rows, tuple(of_model))
        self._x[rows] = samples
        self._watch.set(rows, outside.astype(np.bool_))

    def fresh(self, batch: int) -> tuple[Array, ...]:
        """The arrays of `take` before the first sample."""
        # (batch, input_size): nothing to hold yet
        no_sample = np.full((batch, self._width), np.nan, np.float32)
        nothing_outside = np.zeros((batch, self._width), np.int32)
        return (*self._context.fresh(batch), no_sample, nothing_outside)

    def _count_from(self, counts: Counts) -> None:
        self.nonfinite_count = counts.nonfinite
        self._watch.count = counts.out_of_range

    def _check_open(self) -> None:
        if self._is_closed:
            raise InputError("the stream is closed; make another with session.stream()")

    def _checked(self, x: Any, name: str, *axes: str) -> tuple[Array, bool]:
        """A copy as float32 `(batch, seq, input_size)`, and whether it came without a batch."""
        self._check_open()
        array = given_array(x, name, self._expected_shape(axes))
        rank = len(axes) + 1
        is_single = self.batch == 1 and array.ndim == rank
        is_batch = array.ndim == rank + 1 and array.shape[0] == self.batch
        if array.shape[-1:] != (self._width,) or not (is_single or is_batch):
            raise InputError(
                f"{name} has the shape {array.shape}, expected {self._expected_shape(axes)}"
            )
        array = array.reshape(self.batch, -1, self._width)
        if array.dtype.kind == "f":
            with np.errstate(over="ignore"):  # beyond float32 is infinite, and treated as that
                array = array.astype(np.float32)
        names = self._names
        return checked_input(array, self._width, nonfinite="propagate", names=names), is_single

    def _expected_shape(self, axes: tuple[str, ...]) -> str:
        sizes = [*axes, str(self._width)]
        if self.batch > 1:
            sizes = [str(self.batch), *sizes]
        comma = "," if len(sizes) == 1 else ""
        return f"({', '.join(sizes)}{comma})"

    def _answer(self, x: Array) -> Array:
        """The answers to `x (batch, seq, input_size)`, of every step or of the last."""
        finite = np.isfinite(x)
        if finite.all():
            return self._answer_finite(x)
        # samples, whatever the number of their bad values
        self.nonfinite_count += int((~finite.all(axis=2)).sum())
        if self.nonfinite == "hold":
            return self._answer_finite(self._filled(x, finite))
        if self.nonfinite == "skip":
            return self._answer_around(x, finite)
        repair = 'repair it, or open the stream with nonfinite="hold" or nonfinite="skip"'
        raise self._not_finite(np.argwhere(~finite)[0], "expected a number", repair)

    def _not_finite(self, index: Array, why: str, repair: str) -> NotFinite:
        return NotFinite(index.tolist(), self._names, "is not finite", why, repair)

    def _filled(self, x: Array, finite: Array) -> Array:
        """`x` with each value that is not finite replaced by the last good one before it."""
        filled = np.where(finite, x, np.float32(np.nan))  # infinities too become NaN
        held = self._x  # (batch, input_size)
        for t in range(x.shape[1]):
            held = np.where(finite[:, t], filled[:, t], held)
            filled[:, t] = held
        missing = np.argwhere(np.isnan(filled))
        if len(missing):
            why = "and no good value came before it to hold"
            raise self._not_finite(missing[0], why, "begin with a whole sample")
        return filled

    def _answer_around(self, x: Array, finite: Array) -> Array:
        """Step by step, past the samples that are skipped, with NaN as their answers."""
        answers = []
        good: Array = np.asarray(finite.all(axis=2))  # (batch, seq)
        for t in range(x.shape[1]):
            skipped = np.flatnonzero(~good[:, t])
            if len(skipped) == self.batch:
                answers.append(self._no_answer())
                continue
            before = self.take(skipped)  # their state, which the step of the others must not move
            is_good = good[:, t, np.newaxis, np.newaxis]  # (batch, 1, 1)
            # (batch, 1, input_size)
            sample = np.where(is_good, x[:, t : t + 1], self._watch.anything_inside())
            y = self._answer_finite(sample)
            self.put(skipped, before)
            y[skipped] = np.nan
            answers.append(y)
        return _joined(answers)

    def _answer_finite(self, x: Array) -> Array:
        """The answers to finite `x`; unless all of it was taken, nothing has changed."""
        self._warning = self._watch.note(x) or self._warning
        before = self.take(slice(None))
        steps = max(1, MAX_STEPS // self.batch)  # so that a long chunk takes bounded memory
        answers = []
        try:
            for start in range(0, x.shape[1], steps):
                answers.append(self._answer_at_once(x[:, start : start + steps]))
        except InputError:
            self.put(slice(None), before)
            raise
        self._x[...] = x[:, -1]
        return _joined(answers)

    def _answer_at_once(self, x: Array) -> Array:
        if x.shape[1] > 1:
            return self._context.push(np.ascontiguousarray(x))
        self._x[...] = x[:, 0]
        y = self._context.run()
        return y[:, np.newaxis] if self._context.every_step else y

    def _no_answer(self) -> Array:
        steps = (1,) if self._context.every_step else ()
        shape = (self.batch, *steps, self.signature.output_size)
        return np.full(shape, np.nan, np.float32)

    def _warn(self, stacklevel: int) -> None:
        if self._warning:
            text = self._warning
            self._warning = ""
            warnings.warn(text, InputRangeWarning, stacklevel=stacklevel)


def _resumed(
    again: Callable[[], MakeStream], batch: int, nonfinite: Unusable, state: bytes
) -> Stream:
    """A pickled stream, where it lands."""
    stream = again()(batch, nonfinite)
    stream.restore(state)
    return stream


def _check_options(batch: int, nonfinite: Unusable) -> None:
    refuse_unknown(nonfinite, get_args(Unusable))
    if type(batch) is not int or not 0 < batch < MAX_BATCH:
        raise InputError(f"batch is {batch!r}, expected a positive whole number")


def _joined(answers: list[Array]) -> Array:
    """The answers of every step one after another, or the last."""
    is_every_step = answers[0].ndim == 3  # (batch, seq, output_size)
    return np.concatenate(answers, axis=1) if is_every_step else answers[-1]
