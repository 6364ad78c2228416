"""Many streams of one model, stepped in one call: a gateway with a stream a sensor."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..model import Array
from .saved import packed, unpacked
from .stream import Stream


class StreamPool:
    """Streams by key, each with its own state; made by `Session.pool`. Adding one copies all states once.

    ::

        pool = session.pool()
        pool.add("north")
        pool.add("south")
        y = pool.step(x)    # x (2, input_size), a row a stream, in the order of pool.keys
    """

    def __init__(self, make: Callable[[int], Stream]) -> None:
        """Use `Session.pool`; `make` makes a stream of a batch."""
        self._make = make
        self._rows: dict[Hashable, int] = {}
        self._stream: Stream | None = None  # all of them, a row a key
        self._some: Stream | None = None  # the last part of them that was stepped alone
        self._counts: list[int] = [0, 0]
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    @property
    def keys(self) -> tuple[Hashable, ...]:
        """The streams in the order of their rows."""
        return tuple(self._rows)

    @property
    def nonfinite_count(self) -> int:
        """How many samples with NaN or an infinity came, to all streams there ever were."""
        return self._counts[0] + sum(
            one.nonfinite_count for one in (self._stream, self._some) if one
        )

    @property
    def out_of_range_count(self) -> int:
        """How many samples came with a value outside the training range, to all streams there ever were."""
        return self._counts[1] + sum(
            one.out_of_range_count for one in (self._stream, self._some) if one
        )

    def add(self, key: Hashable, state: bytes | Path | None = None) -> None:
        """A new stream, from before the first sample or from a state that `state` of a pool or a stream gave.

        Raises:
            InputError: there is a stream of this key, or the state is not one of this model.
        """
        self._check_open()
        if key in self._rows:
            raise InputError(f"there is a stream {key!r} already; remove it first, or reset it")
        stream = self._make(len(self._rows) + 1)
        last = slice(len(self._rows), None)
        if state is not None:
            stream._put(last, unpacked(state, stream._identity, stream._fresh(1))[0])
        if self._stream:
            stream._put(slice(None, len(self._rows)), self._stream._take(slice(None)))
        self._replace(stream)
        self._rows[key] = len(self._rows)

    def remove(self, key: Hashable) -> None:
        """Forget a stream; the others keep their states and their order.

        Raises:
            InputError: there is none of this key.
        """
        row = self._row(key)
        kept = [other for other in range(len(self._rows)) if other != row]
        stream = self._make(len(kept)) if kept else None
        if stream and self._stream:
            stream._put(slice(None), self._stream._take(kept))
        self._replace(stream)
        self._rows = {
            other: index for index, other in enumerate(one for one in self._rows if one != key)
        }

    def step(self, x: Any, keys: Sequence[Hashable] | None = None) -> Array:
        """One sample each: `y (streams, output_size)`.

        Args:
            x: `(streams, input_size)`, a row a stream, float32 is fastest.
            keys: the streams that it is for, in the order of its rows; by default all, in the order of `self.keys`.

        Raises:
            InputError: as `Stream.step`, or a key is unknown or named twice; no stream has taken its sample then.
        """
        self._check_open()
        if keys is None:
            if self._stream is None:
                raise InputError("the pool holds no stream; add one first")
            y = self._stream.step(x)
            return y[np.newaxis] if y.ndim == 1 else y
        return self._step_some(x, [self._row(key) for key in keys])

    def _step_some(self, x: Any, rows: list[int]) -> Array:
        if len(set(rows)) < len(rows):
            raise InputError("a stream is named twice; step it twice instead")
        if not rows or self._stream is None:
            raise InputError("no stream is named; leave keys out for all of them")
        if self._some is None or self._some.batch != len(rows):
            self._count(self._some)
            self._some = self._make(len(rows))
        some = self._some
        some._put(slice(None), self._stream._take(rows))
        y = some.step(x)
        self._stream._put(rows, some._take(slice(None)))
        return y[np.newaxis] if y.ndim == 1 else y

    def reset(self, key: Hashable) -> None:
        """One stream back to before its first sample."""
        row = self._row(key)
        if self._stream:
            self._stream._put([row], self._stream._fresh(1))

    def state(self, key: Hashable) -> bytes:
        """What is kept of one stream, as `Stream.state` gives it: a stream of batch 1 can go on from it too."""
        row = self._row(key)
        assert self._stream is not None  # noqa: S101 - a key has a row
        return packed(self._stream._identity, self._stream._take([row]), [0, 0])

    def restore(self, key: Hashable, state: bytes | Path) -> None:
        """Let one stream go on from what `state` gave.

        Raises:
            InputError: as `Stream.restore`; nothing has changed.
        """
        row = self._row(key)
        if self._stream:
            self._stream._put(
                [row], unpacked(state, self._stream._identity, self._stream._fresh(1))[0]
            )

    def close(self) -> None:
        """Let go of the runtime's buffers; nothing can be asked of the pool afterwards."""
        self._replace(None)
        self._rows, self._is_closed = {}, True

    def _row(self, key: Hashable) -> int:
        self._check_open()
        if key not in self._rows:
            raise InputError(
                f"the pool holds no stream {key!r}; it holds {len(self._rows)}, add it first"
            )
        return self._rows[key]

    def _replace(self, stream: Stream | None) -> None:
        for old in (self._stream, self._some):
            self._count(old)
            if old:
                old.close()
        self._stream, self._some = stream, None

    def _count(self, stream: Stream | None) -> None:
        """Keep the counters of a stream that goes."""
        if stream:
            self._counts[0] += stream.nonfinite_count
            self._counts[1] += stream.out_of_range_count

    def _check_open(self) -> None:
        if self._is_closed:
            raise InputError("the pool is closed; make another with session.pool()")
