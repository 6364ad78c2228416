"""A model that takes samples as they come, one or a chunk at a time, and keeps what it needs of those before."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, get_args

import numpy as np

from ..bundle import Mode
from ..errors import InputError
from ..model import Array, Runner, Signature
from ..model.runner import is_stateful
from .guards import MAX_STEPS, InputRangeWarning, NotFinite, bounds_of, checked_input, out_of_range
from .memory import CarriedState, KeptWindow, Memory
from .saved import Identity, identity_of, packed, unpacked

# What a sample with NaN or an infinity leads to: an error; each such value replaced by its feature's last good one; or
# the sample left out, as if it had never come, and NaN for its answer.
Unusable = Literal["refuse", "hold", "skip"]


class Stream:
    """`step(x_t)`, sample by sample; made by `Session.stream`. Two threads need two streams, `copy` makes one.

    Attributes:
        signature: the interface.
        mode: what is kept: the model's `state`, or the samples of the last `window`.
        batch: how many sequences run side by side.
        nonfinite: what happens to samples with NaN or an infinity.
        nonfinite_count: how many such samples came, whatever was done about them.
        out_of_range_count: how many samples came with a value outside the range that training saw.
    """

    def __init__(  # noqa: PLR0913 - what a stream is made of
        self,
        memory: Callable[[int], Memory],
        signature: Signature,
        *,
        mode: Mode,
        identity: Identity,
        batch: int = 1,
        nonfinite: Unusable = "refuse",
    ) -> None:
        """Use `Session.stream`; `memory` makes what is kept for a batch, `identity` tells this model from others."""
        if nonfinite not in get_args(Unusable):
            raise InputError(
                f"nonfinite={nonfinite!r} is unknown; choose one of {', '.join(get_args(Unusable))}"
            )
        if type(batch) is not int or not 0 < batch < 2**24:
            raise InputError(f"batch is {batch!r}, expected a positive whole number")
        self.signature, self.mode, self.batch, self.nonfinite = signature, mode, batch, nonfinite
        self.nonfinite_count = self.out_of_range_count = 0
        self._to_say = ""
        self._make, self._identity, self._width = memory, identity, signature.input_size
        self._memory = memory(batch)
        self._names = tuple(column.name for column in signature.features)
        self._low, self._high = bounds_of(signature)
        self._outside = np.zeros(
            (batch, self._width), np.bool_
        )  # which features are out of range at present
        self._x = self._memory.x.reshape(
            batch, self._width
        )  # the last good sample, and where the next one goes
        self._put(slice(None), self._fresh(batch))
        self._long_step = self.step
        self.step = self._fast_step()  # type: ignore[assignment, method-assign]

    def step(self, x_t: Any) -> Array:
        """The answer to one sample, float32 `(output_size,)`; of a batch `(batch, output_size)`.

        Warns with `InputRangeWarning` when a feature leaves the range of training, and not again until it is back.

        Args:
            x_t: `(input_size,)`; of a batch `(batch, input_size)`. float32 is fastest.

        Raises:
            InputError: no sample of numbers, not finite under "refuse", or the stream is closed. Nothing has changed.
        """
        x, is_single = self._checked(x_t, "x_t")
        y = self._answer(x)
        self._say(stacklevel=4)  # over the closure that stands before this method
        y = y[:, -1] if y.ndim == 3 else y
        return y[0] if is_single else y

    def _fast_step(self) -> Callable[[Any], Array]:
        """`step` with a short way for good float32 samples: all that it needs in local variables of a closure.

        The guard is low <= x and x <= high in one array, which NaN and, the bounds being finite, infinities fail too.
        Its bytes are compared at once, in a tenth of the time of `all`.
        """
        long_way, run = self._long_step, self._memory.run
        array, float32, less_equal = np.ndarray, np.dtype(np.float32), np.less_equal
        low, high, shape, is_single = (
            self._low,
            self._high,
            self._x.shape[self.batch == 1 :],
            self.batch == 1,
        )
        x = self._x[0] if is_single else self._x
        inside = np.zeros((2, *shape), np.bool_)
        above_low, below_high = inside

        def step(x_t: Any) -> Array:
            if type(x_t) is array and x_t.shape == shape and x_t.dtype is float32:
                less_equal(low, x_t, above_low)
                less_equal(x_t, high, below_high)
                if inside.tobytes() == self._all_inside:
                    x[...] = x_t
                    return run()[0] if is_single else run()
            return long_way(x_t)

        return step

    def push(self, chunk: Any) -> Array:
        """The answer to a chunk of samples: the same as `step` by `step`, in one call.

        `y (output_size,)`, for the last sample, of a chain that picks the last step; else `(seq, output_size)`.
        Of a batch `(batch, ...)`.

        Args:
            chunk: `(seq, input_size)`; of a batch `(batch, seq, input_size)`.

        Raises:
            InputError: as `step`; no sample of the chunk was taken then.
        """
        x, is_single = self._checked(chunk, "chunk", "seq")
        y = self._answer(x)
        self._say(stacklevel=3)
        return y[0] if is_single else y

    def reset(self) -> None:
        """Back to before the first sample; the counters go on."""
        self._check_open()
        self._put(slice(None), self._fresh(self.batch))

    def state(self) -> bytes:
        """What is kept, as the bytes of a small `.npz`: `restore` goes on from it, in this process or another.

        `kept0`, ... hold the state's tensors in the model's order, `(batch, num_layers, size)`, or the window's samples
        and how many there are; `model` and `counts` say whose they are and what was counted.
        """
        self._check_open()
        return packed(
            self._identity, self._take(slice(None)), [self.nonfinite_count, self.out_of_range_count]
        )

    def restore(self, state: bytes | Path) -> None:
        """Go on from what `state` gave, be it the bytes or a file that holds them.

        Raises:
            InputError: it is damaged, of another model, mode or batch; the stream is unchanged then.
        """
        self._check_open()
        kept, counts = unpacked(state, self._identity, self._fresh(self.batch))
        self._put(slice(None), kept)
        self.nonfinite_count, self.out_of_range_count = counts

    def copy(self) -> Stream:
        """Another stream that goes on from here by itself."""
        self._check_open()
        options: dict[str, Any] = {"batch": self.batch, "nonfinite": self.nonfinite}
        other = Stream(
            self._make, self.signature, mode=self.mode, identity=self._identity, **options
        )
        other._put(slice(None), self._take(slice(None)))
        other.nonfinite_count, other.out_of_range_count = (
            self.nonfinite_count,
            self.out_of_range_count,
        )
        return other

    def close(self) -> None:
        """Let go of the runtime's buffers; nothing can be asked of the stream afterwards."""
        self._all_inside = (
            b""  # a `step` that somebody holds takes the long way too, which says that it is closed
        )
        for name in ("step", "_memory", "_x"):
            vars(self).pop(name, None)

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _check_open(self) -> None:
        if "_memory" not in vars(self):
            raise InputError("the stream is closed; make another with session.stream()")

    def _answer(self, x: Array) -> Array:
        """The answers to `x (batch, seq, input_size)`, of every step or of the last."""
        finite = np.isfinite(x)
        if finite.all():
            return self._taken(x)
        self.nonfinite_count += int((~finite.all(axis=2)).sum())
        if self.nonfinite == "refuse":
            repair = 'repair it, or open the stream with nonfinite="hold" or nonfinite="skip"'
            raise NotFinite(
                np.argwhere(~finite)[0], self._names, "is not finite", "expected a number", repair
            )
        return (
            self._taken(self._filled(x, finite))
            if self.nonfinite == "hold"
            else self._taken_around(x, finite)
        )

    def _checked(self, x: Any, name: str, *axes: str) -> tuple[Array, bool]:
        """As float32 `(batch, seq, input_size)`, and whether it came without the axis of the batch."""
        self._check_open()
        rank = len(axes) + 1
        try:
            array = np.asarray(x)
        except (
            TypeError,
            ValueError,
            RuntimeError,
        ) as error:  # ragged lists; a tensor that still wants its gradient
            raise InputError(
                f"{name} is no array of numbers: {str(error).splitlines()[0]}"
            ) from error
        shape = array.shape
        is_single = self.batch == 1 and len(shape) == rank
        expected = ", ".join(
            [*([] if self.batch == 1 else [str(self.batch)]), *axes, str(self._width)]
        )
        fits = shape[-1:] == (self._width,) and (
            is_single or (len(shape) == rank + 1 and shape[0] == self.batch)
        )
        if not fits:
            comma = "," * (not axes and self.batch == 1)
            raise InputError(f"{name} has the shape {shape}, expected ({expected}{comma})")
        array = array.reshape(self.batch, -1, self._width)
        with np.errstate(over="ignore"):  # beyond float32 is infinite, and treated as that
            array = array.astype(np.float32) if array.dtype.kind == "f" else array
        return checked_input(
            array, self._width, nonfinite="propagate", names=self._names
        ), is_single

    def _filled(self, x: Array, finite: Array) -> Array:
        """`x (batch, seq, input_size)` with each value that is not finite replaced by the last good one before it."""
        x, held = np.where(finite, x, np.float32(np.nan)), self._x
        for t in range(x.shape[1]):
            x[:, t] = held = np.where(finite[:, t], x[:, t], held)
        missing = np.argwhere(np.isnan(x))
        if len(missing):
            why = "and no good value came before it to hold"
            raise NotFinite(
                missing[0], self._names, "is not finite", why, "begin with a whole sample"
            )
        return x

    def _taken_around(self, x: Array, finite: Array) -> Array:
        """Step by step, past the samples that are skipped, with NaN as their answers."""
        answers = []
        good: Array = np.asarray(finite.all(axis=2))  # (batch, seq)
        for t in range(x.shape[1]):
            rows = np.flatnonzero(~good[:, t])
            if len(rows) == self.batch:
                answers.append(self._no_answer())
                continue
            left_out = self._take(rows)
            y = self._taken(
                np.where(good[:, t, np.newaxis, np.newaxis], x[:, t : t + 1], self._anything())
            )
            self._put(rows, left_out)
            y[rows] = np.nan
            answers.append(y)
        return np.concatenate(answers, axis=1) if answers[0].ndim == 3 else answers[-1]

    def _taken(self, x: Array) -> Array:
        """The answers to finite `x (batch, seq, input_size)`; unless all of it was taken, nothing has changed."""
        self._note_range(x)
        before, steps = self._take(slice(None)), max(1, MAX_STEPS // self.batch)
        try:
            parts = [
                self._part(x[:, start : start + steps]) for start in range(0, x.shape[1], steps)
            ]
        except InputError:
            self._put(slice(None), before)
            raise
        self._x[...] = x[:, -1]
        return np.concatenate(parts, axis=1) if parts[0].ndim == 3 else parts[-1]

    def _part(self, x: Array) -> Array:
        if x.shape[1] > 1:
            return self._memory.push(np.ascontiguousarray(x))
        self._x[...] = x[:, 0]
        y = self._memory.run()
        return y[:, np.newaxis] if self._memory.every_step else y

    def _anything(self) -> Array:
        """Values within the ranges, for rows whose answers nobody sees."""
        values: Array = np.clip(np.float32(0), self._low, self._high)
        return values

    def _no_answer(self) -> Array:
        shape = (self.batch, 1, self.signature.output_size)
        y: Array = np.full(shape if self._memory.every_step else shape[::2], np.nan, np.float32)
        return y

    def _note_range(self, x: Array) -> None:
        """Count samples outside the training range, and find the words for features that have just left it."""
        outside = (x < self._low) | (x > self._high)  # (batch, seq, input_size)
        self.out_of_range_count += int(outside.any(axis=2).sum())
        just_left = outside & ~np.concatenate(
            [self._outside[:, np.newaxis], outside[:, :-1]], axis=1
        )
        self._set_outside(slice(None), outside[:, -1])
        if just_left.any():
            self._to_say = out_of_range(x[just_left.any(axis=2)], self.signature)

    def _say(self, stacklevel: int) -> None:
        if self._to_say:
            text, self._to_say = self._to_say, ""
            warnings.warn(text, InputRangeWarning, stacklevel=stacklevel)

    def _set_outside(self, rows: Any, outside: Array) -> None:
        """While a feature is out of range no bytes are right: every sample takes the long way, and is counted."""
        self._outside[rows] = outside
        self._all_inside = b"" if self._outside.any() else b"\1" * (2 * self._outside.size)

    def _take(self, rows: Any) -> tuple[Array, ...]:
        """What is kept for some rows, batch first: the memory, then the last good samples and what is out of range."""
        return (
            *self._memory.take(rows),
            self._x[rows].copy(),
            self._outside[rows].astype(np.int32),
        )

    def _put(self, rows: Any, kept: tuple[Array, ...]) -> None:
        *of_model, samples, outside = kept
        self._memory.put(rows, tuple(of_model))
        self._x[rows] = samples
        self._set_outside(rows, outside.astype(np.bool_))

    def _fresh(self, batch: int) -> tuple[Array, ...]:
        nothing = (
            np.full((batch, self._width), np.nan, np.float32),
            np.zeros((batch, self._width), np.int32),
        )
        return (*self._memory.fresh(batch), *nothing)


def stream_of(  # noqa: PLR0913, PLR0917 - what a session knows
    signature: Signature,
    runner: Runner,
    twin: Callable[[], Runner] | None,
    mode: Mode | None,
    window: int | None,
    said: Mapping[str, str] | None = None,
) -> Callable[[int, Unusable], Stream]:
    """What makes streams of a model for a batch: on windows by its runner, or with state by its twin.

    `said` names chain and weights of the model, as an ONNX file's metadata does, where the runner does not.

    Raises:
        InputError: there is no twin, or no window is known.
    """
    window = signature.window if window is None else window
    mode = mode or ("window" if window else "state")
    if mode not in get_args(Mode):
        raise InputError(f"mode={mode!r} is unknown; choose one of {', '.join(get_args(Mode))}")
    engine = _carrying(runner, twin) if mode == "state" else runner
    every_step = engine(np.zeros((1, 1, signature.input_size), np.float32)).ndim == 3
    if is_stateful(engine) and mode == "state":
        memory: Callable[[int], Memory] = partial(
            CarriedState, engine, signature.input_size, every_step
        )
    elif window is None or window < 1:
        raise InputError(
            f'the window is {window}, expected how many samples it has; or keep the state: mode="state"'
        )
    else:
        memory = partial(KeptWindow, engine, signature, every_step, window)
    said = said or getattr(engine, "metadata", {})
    identity = identity_of(signature, said, mode, window if mode == "window" else None)

    def make(batch: int, nonfinite: Unusable) -> Stream:
        return Stream(
            memory, signature, mode=mode, identity=identity, batch=batch, nonfinite=nonfinite
        )

    return make


def _carrying(runner: Runner, twin: Callable[[], Runner] | None) -> Runner:
    """The engine that carries the state: the one at hand, or its twin."""
    engine = runner if is_stateful(runner) or twin is None else twin()
    carries = is_stateful(engine)
    if not carries:
        raise InputError(
            "there is no artifact that carries the state: package the model with -t onnx -t onnx-stream, "
            'or let the stream keep a window, mode="window"'
        )
    return engine
