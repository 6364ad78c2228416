"""Many streams of one model, stepped in one call: a gateway with a stream a sensor."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..model import Array
from .state_file import Counts, pack_state, unpack_state
from .stream import Stream


class StreamPool:
    """Streams by key, each with its own state; made by `Session.pool`.

    Adding one copies all states once.

    ::

        pool = session.pool()
        pool.add("north")
        pool.add("south")
        y = pool.step(x)    # x (2, input_size), a row a stream, in the order of pool.keys
    """

    def __init__(self, make: Callable[[int], Stream]) -> None:
        """Use `Session.pool`; `make` makes a stream of a batch."""
        self._make = make
        self._rows: dict[Hashable, int] = {}  # of each key in the batch of `_all`
        self._all: Stream | None = None  # a row a key
        self._some: Stream | None = None  # the part of them that was stepped alone last
        self._past_counts = Counts()  # of streams that are gone
        self._is_closed = False

    def __reduce__(self) -> tuple[Callable[..., StreamPool], tuple[Any, ...]]:
        """The model's file, by its session, and the states."""
        self._check_open()
        counts = _sum(self._past_counts, self._some)
        return _resumed, (self._make, tuple(self._rows), self._all, counts)

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
        return self._counts().nonfinite

    @property
    def out_of_range_count(self) -> int:
        """How many samples came out of the training range, to all streams there ever were."""
        return self._counts().out_of_range

    def add(self, key: Hashable, state: bytes | Path | None = None) -> None:
        """A new stream, from before the first sample or from a `state` of a pool or a stream.

        Raises:
            InputError: there is a stream of this key, or the state is not one of this model.
        """
        self._check_open()
        if key in self._rows:
            raise InputError(f"there is a stream {key!r} already; remove it first, or reset it")
        count = len(self._rows)
        stream = self._make(count + 1)
        if state is not None:
            kept, _ = unpack_state(state, stream.identity, stream.fresh(1))
            stream.put(slice(count, None), kept)
        if self._all:
            stream.put(slice(None, count), self._all.take(slice(None)))
        self._replace(stream)
        self._rows[key] = count

    def remove(self, key: Hashable) -> None:
        """Forget a stream; the others keep their states and their order.

        Raises:
            InputError: there is none of this key.
        """
        row = self._row(key)
        kept = [other for other in range(len(self._rows)) if other != row]
        stream = self._make(len(kept)) if kept else None
        if stream and self._all:
            stream.put(slice(None), self._all.take(kept))
        self._replace(stream)
        del self._rows[key]
        self._rows = {other: index for index, other in enumerate(self._rows)}

    def step(self, x: Any, keys: Sequence[Hashable] | None = None) -> Array:
        """One sample each: `y (streams, output_size)`.

        Args:
            x: `(streams, input_size)`, a row a stream, float32 is fastest.
            keys: the streams that it is for, in the order of its rows; by default all, in the order
                of `self.keys`.

        Raises:
            InputError: as `Stream.step`, or a key is unknown or named twice; no stream has taken
                its sample then.
        """
        self._check_open()
        if keys is not None:
            return self._step_some(x, [self._row(key) for key in keys])
        if self._all is None:
            raise InputError("the pool holds no stream; add one first")
        return _as_rows(self._all.step(x))

    def _step_some(self, x: Any, rows: list[int]) -> Array:
        if len(set(rows)) < len(rows):
            raise InputError("a stream is named twice; step it twice instead")
        if not rows or self._all is None:
            raise InputError("no stream is named; leave keys out for all of them")
        if self._some is None or self._some.batch != len(rows):
            self._count(self._some)
            self._some = self._make(len(rows))
        some = self._some
        some.put(slice(None), self._all.take(rows))
        y = some.step(x)
        self._all.put(rows, some.take(slice(None)))
        return _as_rows(y)

    def reset(self, key: Hashable) -> None:
        """One stream back to before its first sample."""
        row = self._row(key)
        if self._all:
            self._all.put([row], self._all.fresh(1))

    def state(self, key: Hashable) -> bytes:
        """The state of one stream as `Stream.state` gives it; a `Stream` can take it too."""
        row = self._row(key)
        assert self._all is not None  # noqa: S101 - a key has a row
        return pack_state(self._all.identity, self._all.take([row]), Counts())

    def restore(self, key: Hashable, state: bytes | Path) -> None:
        """Let one stream go on from what `state` gave.

        Raises:
            InputError: as `Stream.restore`; nothing has changed.
        """
        row = self._row(key)
        if self._all:
            kept, _ = unpack_state(state, self._all.identity, self._all.fresh(1))
            self._all.put([row], kept)

    def close(self) -> None:
        """Let go of the runtime's buffers; nothing can be asked of the pool afterwards."""
        self._replace(None)
        self._rows = {}
        self._is_closed = True

    def _row(self, key: Hashable) -> int:
        self._check_open()
        if key not in self._rows:
            raise InputError(
                f"the pool holds no stream {key!r}; it holds {len(self._rows)}, add it first"
            )
        return self._rows[key]

    def _replace(self, stream: Stream | None) -> None:
        for old in (self._all, self._some):
            self._count(old)
            if old:
                old.close()
        self._all = stream
        self._some = None

    def _counts(self) -> Counts:
        counts = self._past_counts
        for stream in (self._all, self._some):
            counts = _sum(counts, stream)
        return counts

    def _count(self, stream: Stream | None) -> None:
        """Keep the counters of a stream that goes."""
        self._past_counts = _sum(self._past_counts, stream)

    def _check_open(self) -> None:
        if self._is_closed:
            raise InputError("the pool is closed; make another with session.pool()")


def _resumed(
    make: Callable[[int], Stream], keys: Sequence[Hashable], stream: Stream | None, counts: Counts
) -> StreamPool:
    """A pickled pool, where it lands; `counts` are those of streams that are gone."""
    pool = StreamPool(make)
    pool._rows = {key: row for row, key in enumerate(keys)}
    pool._all = stream
    pool._past_counts = counts
    return pool


def _sum(counts: Counts, stream: Stream | None) -> Counts:
    if stream is None:
        return counts
    nonfinite, out_of_range = stream.counts
    return Counts(counts.nonfinite + nonfinite, counts.out_of_range + out_of_range)


def _as_rows(y: Array) -> Array:
    """`(streams, output_size)`, of a single stream too."""
    return y[np.newaxis] if y.ndim == 1 else y
