"""Sequences of unequal length: checked, padded in buckets, answered, and put back in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from ..errors import InputError
from ..model import Array
from .guards import (
    Nonfinite,
    as_float32,
    checked_lengths,
    is_unfit,
    numbers_of,
    refuse_unfit,
)

# The rule of the buckets, measured by the benchmark of lengths: more rows at once gain nothing, and
# a row that is padded to twice its length costs more than a call of its own.
BUCKET_ROWS = 16
SHORTEST_SHARE = 0.6

# Answers x (batch, seq, input_size), and lengths (batch,) where its rows are padded.
AnswerBatch = Callable[[Array, "Array | None"], Array]


@dataclass(frozen=True, eq=False)
class Sequences:
    """Sequences one after another.

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
        """The ends of the sequences in `steps`, int64 `(n,)`."""
        ends: Array = np.cumsum(self.lengths)
        return ends

    def padded(self, rows: Array) -> Array:
        """Some of them as `(len(rows), longest, input_size)`, zeros after the shorter ones."""
        lengths = self.lengths[rows]
        shape = (len(rows), int(lengths.max()), self.steps.shape[1])  # (rows, longest, input_size)
        x = np.zeros(shape, np.float32)
        for row, span in enumerate(self.spans(rows)):
            x[row, : span.stop - span.start] = self.steps[span]
        return x

    def spans(self, rows: Array) -> Iterator[slice]:
        """The places in `steps` of some sequences."""
        ends = self.ends[rows].tolist()
        lengths = self.lengths[rows].tolist()
        for end, length in zip(ends, lengths, strict=True):
            yield slice(end - length, end)


@dataclass(frozen=True)
class InputRules:
    """How x is checked.

    Attributes:
        input_size: the width that the model takes.
        strict: refuse any type but float32 instead of casting.
        nonfinite: what NaN and infinities lead to.
        names: the features' names for messages; may be empty.
    """

    input_size: int
    strict: bool
    nonfinite: Nonfinite
    names: Sequence[str]


def is_list_of_sequences(x: object) -> TypeGuard[Sequence[Any]]:
    """Whether `x` is a list of arrays, each one sequence; nested lists of numbers are one array."""
    if not isinstance(x, list | tuple):
        return False
    return not x or any(_is_matrix(sequence) for sequence in x)


def _is_matrix(sequence: object) -> bool:
    """Arrays of numpy and of other libraries; lists have no number of axes."""
    if isinstance(sequence, list | tuple | str | int | float):
        return False
    try:
        return np.ndim(sequence) == 2  # type: ignore[arg-type] # torch's tensors have ndim too
    except Exception:  # an object that numpy asks for its numbers may raise anything
        return False


def checked_sequences(x: Sequence[Any], rules: InputRules) -> Sequences:
    """A list of arrays `(seq, input_size)` of any lengths.

    Raises:
        InputError: see `checked_input`; the message names the sequence.
    """
    arrays = [numbers_of(sequence, rules.strict) for sequence in x]
    for index, array in enumerate(arrays):
        if array.ndim != 2 or array.shape[1] != rules.input_size or not len(array):
            raise InputError(
                f"x[{index}] has the shape {array.shape}, "
                f"expected (seq, {rules.input_size}) with seq at least 1"
            )
    lengths = np.array([len(array) for array in arrays])
    return _checked(np.concatenate(arrays), lengths, rules)


def checked_batch(x: Any, lengths: Any, rules: InputRules) -> tuple[Sequences, int]:
    """A padded batch `(batch, seq, input_size)` without its padding, and its seq.

    Raises:
        InputError: see `checked_input` and `checked_lengths`.
    """
    array = numbers_of(x, rules.strict)
    if array.ndim != 3 or array.shape[2] != rules.input_size or not array.shape[1]:
        raise InputError(
            f"x has the shape {array.shape}, "
            f"expected (batch, seq, {rules.input_size}) with seq at least 1"
        )
    batch, seq, _ = array.shape
    counted = checked_lengths(lengths, batch, seq)
    steps = array[counts(counted, seq)]  # (total, input_size): padding is never read
    return _checked(steps, counted, rules), seq


def counts(lengths: Array, seq: int) -> Array:
    """Which steps of a padded batch count, bool `(batch, seq)`."""
    mask: Array = np.arange(seq) < lengths[:, np.newaxis]  # (seq,) against (batch, 1)
    return mask


class SequenceAnswers(NamedTuple):
    """The answers to sequences in the caller's order.

    Attributes:
        y: float32 `(n, output_size)`, or of every step, one sequence after another, `(total,
            output_size)`.
        is_every_step: whether it is the latter.
    """

    y: Array
    is_every_step: bool


def answer_sequences(
    answer_batch: AnswerBatch, sequences: Sequences, *, padding: bool, max_steps: int
) -> SequenceAnswers:
    """Answer sequences bucket by bucket.

    Args:
        answer_batch: answers one batch.
        sequences: at least one.
        padding: whether `answer_batch` takes lengths, so that a batch may hold sequences of unequal
            length.
        max_steps: steps, padded ones included, that it is handed at once.
    """
    y = np.empty(0, np.float32)
    is_every_step = False
    for rows in buckets(sequences.lengths, padding=padding, max_steps=max_steps):
        lengths = sequences.lengths[rows] if padding else None
        # (rows, output_size) or (rows, longest, output_size)
        answer = answer_batch(sequences.padded(rows), lengths)
        if not y.size:
            is_every_step = answer.ndim == 3
            count = len(sequences.steps) if is_every_step else len(sequences)
            y = np.empty((count, answer.shape[-1]), np.float32)
        if is_every_step:
            for row, span in enumerate(sequences.spans(rows)):
                y[span] = answer[row, : span.stop - span.start]
        else:
            y[rows] = answer
    return SequenceAnswers(y, is_every_step)


def buckets(lengths: Array, *, padding: bool, max_steps: int) -> Iterator[Array]:
    """Rows that are answered together, int64 `(rows,)` each, longest first; each in one bucket.

    Rows of equal length always share one, as far as `max_steps` goes; others only with `padding`,
    while they are few and nearly as long as the longest.
    """
    order = np.argsort(-lengths, kind="stable")  # longest first
    descending = lengths[order].tolist()
    start = 0
    for end in range(1, len(descending) + 1):
        longest = descending[start]
        rows = end - start
        has_room = end < len(descending) and (rows + 1) * longest <= max_steps
        if has_room:
            following = descending[end]
            is_near = following >= SHORTEST_SHARE * longest
            if following == longest or (padding and rows < BUCKET_ROWS and is_near):
                continue
        yield order[start:end]
        start = end


def _checked(steps: Array, lengths: Array, rules: InputRules) -> Sequences:
    result = as_float32(steps)
    unfit = is_unfit(steps, result, rules.nonfinite)
    for index, feature in np.argwhere(unfit)[:1].tolist():
        ends = np.cumsum(lengths)
        # the sequence that step `index` of all is in
        row = int(np.searchsorted(ends, index, side="right"))
        first = int(ends[row] - lengths[row])
        refuse_unfit(steps[index, feature], row, index - first, feature, rules.names)
    return Sequences(result, lengths.astype(np.int64))
