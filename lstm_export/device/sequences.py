"""Sequences of unequal length: checked, sorted into buckets, padded, answered, and put back in the caller's order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from ..errors import InputError
from ..model import Array
from .guards import Nonfinite, checked_lengths, numbers_of, refuse_unfit

# The rule of the buckets, measured by scripts/bench/lengths.py: more rows at once gain nothing, and a row that is
# padded to twice its length costs more than a call of its own.
BUCKET_ROWS = 16
SHORTEST_SHARE = 0.6

# Answers x (batch, seq, input_size), and lengths (batch,) where its rows are padded.
Run = Callable[[Array, "Array | None"], Array]


@dataclass(frozen=True, eq=False)
class Sequences:
    """Sequences one behind the other.

    Attributes:
        steps: float32 `(total, input_size)`.
        lengths: int64 `(n,)`, each at least 1.
    """

    steps: Array
    lengths: Array

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def ends(self) -> Array:
        """Where each sequence ends, int64 `(n,)`."""
        ends: Array = np.cumsum(self.lengths)
        return ends

    def padded(self, rows: Array) -> Array:
        """Some of them as `(len(rows), longest, input_size)`, zeros behind the shorter ones."""
        ends = self.ends[rows]
        x = np.zeros((len(rows), int(self.lengths[rows].max()), self.steps.shape[1]), np.float32)
        for row, (end, length) in enumerate(
            zip(ends.tolist(), self.lengths[rows].tolist(), strict=True)
        ):
            x[row, :length] = self.steps[end - length : end]
        return x


def is_list_of_sequences(x: object) -> TypeGuard[Sequence[Any]]:
    """Whether `x` is a list of arrays, each one sequence; nested lists of numbers are one array."""
    return isinstance(x, list | tuple) and (
        not x or any(getattr(one, "ndim", None) == 2 for one in x)
    )


def checked_sequences(
    x: Sequence[Any], input_size: int, *, strict: bool, nonfinite: Nonfinite, names: Sequence[str]
) -> Sequences:
    """A list of arrays `(seq, input_size)` of any lengths.

    Raises:
        InputError: see `checked_input`; the message names the sequence.
    """
    arrays = [numbers_of(one, strict) for one in x]
    for index, array in enumerate(arrays):
        if array.ndim != 2 or array.shape[1] != input_size or not len(array):
            raise InputError(
                f"x[{index}] has the shape {array.shape}, expected (seq, {input_size}) with seq at least 1"
            )
    return _checked(
        np.concatenate(arrays), np.array([len(array) for array in arrays]), nonfinite, names
    )


def checked_batch(  # noqa: PLR0913 - the choices of a check
    x: Any,
    lengths: Any,
    input_size: int,
    *,
    strict: bool,
    nonfinite: Nonfinite,
    names: Sequence[str],
) -> tuple[Sequences, int]:
    """A padded batch `(batch, seq, input_size)` without its padding, which nobody reads, and its seq.

    Raises:
        InputError: see `checked_input` and `checked_lengths`.
    """
    array = numbers_of(x, strict)
    if array.ndim != 3 or array.shape[2] != input_size or not array.shape[1]:
        raise InputError(
            f"x has the shape {array.shape}, expected (batch, seq, {input_size}) with seq at least 1"
        )
    counted = checked_lengths(lengths, *array.shape[:2])
    return _checked(array[counts(counted, array.shape[1])], counted, nonfinite, names), array.shape[
        1
    ]


def counts(lengths: Array, seq: int) -> Array:
    """Which steps of a padded batch count, bool `(batch, seq)`."""
    mask: Array = np.arange(seq) < lengths[:, np.newaxis]
    return mask


class Answers(NamedTuple):
    """The answers to sequences in the caller's order.

    Attributes:
        y: float32 `(n, output_size)`, or of every step, one sequence behind the other, `(total, output_size)`.
        is_every_step: whether it is the latter.
    """

    y: Array
    is_every_step: bool


def answers(run: Run, sequences: Sequences, *, padding: bool, max_steps: int) -> Answers:
    """Answer sequences bucket by bucket.

    Args:
        run: answers one batch.
        sequences: at least one.
        padding: whether `run` takes lengths, so that a batch may hold sequences of unequal length.
        max_steps: steps, padded ones included, that it is handed at once.
    """
    y, is_every_step = np.empty(0, np.float32), False
    for rows in buckets(sequences.lengths, padding=padding, max_steps=max_steps):
        lengths = sequences.lengths[rows]
        answer = run(sequences.padded(rows), lengths if padding else None)
        if not y.size:
            is_every_step = answer.ndim == 3
            y = np.empty(
                (len(sequences.steps) if is_every_step else len(sequences), answer.shape[-1]),
                np.float32,
            )
        if not is_every_step:
            y[rows] = answer
            continue
        for row, (end, length) in enumerate(
            zip(sequences.ends[rows].tolist(), lengths.tolist(), strict=True)
        ):
            y[end - length : end] = answer[row, :length]
    return Answers(y, is_every_step)


def buckets(lengths: Array, *, padding: bool, max_steps: int) -> Iterator[Array]:
    """Rows that are answered together, int64 `(rows,)` each, longest first; every row is in one bucket.

    Rows of equal length always share one, as far as `max_steps` goes; others only with `padding`, while they are few
    and nearly as long as the longest.
    """
    order = np.argsort(-lengths, kind="stable")
    descending = lengths[order].tolist()
    start = 0
    for end in range(1, len(descending) + 1):
        longest, rows = descending[start], end - start
        if end < len(descending) and (rows + 1) * longest <= max_steps:
            equal = descending[end] == longest
            near = padding and rows < BUCKET_ROWS and descending[end] >= SHORTEST_SHARE * longest
            if equal or near:
                continue
        yield order[start:end]
        start = end


def _checked(steps: Array, lengths: Array, nonfinite: Nonfinite, names: Sequence[str]) -> Sequences:
    with np.errstate(over="ignore"):
        result = np.ascontiguousarray(steps, "<f4")
    bad = ~np.isfinite(result)
    if nonfinite == "propagate":
        bad &= np.isfinite(steps)  # only what the cast itself broke
    for index, feature in np.argwhere(bad)[:1].tolist():
        ends = np.cumsum(lengths)
        row = int(np.searchsorted(ends, index, side="right"))
        refuse_unfit(
            steps[index, feature], row, index - int(ends[row] - lengths[row]), feature, names
        )
    return Sequences(result, lengths.astype(np.int64))
