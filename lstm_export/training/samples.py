"""Windows of a table with the targets that belong to them, as indices into its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..model import Array
from . import scratch
from .moments import moments_of
from .timeline import Timeline

BATCH = 4096  # windows that are evaluated at a time


@dataclass(frozen=True, eq=False)
class Samples:
    """Every usable window of a table; no window crosses a gap or a group.

    Attributes:
        x: float32 `(rows, input_size)`, raw units, the runs one after another.
        y: float64 `(rows, targets)`, NaN where unknown.
        times: `(rows,)` as the table holds them.
        group: int32 `(rows,)`, the number of each row's series, in rising order.
        group_names: of the series, by number.
        table_rows: int64 `(rows,)`, where each row stands in the table.
        part: int8 `(rows,)`, the number in `PARTS` of the part that each row belongs to, or -1.
        starts: the first row of every window, int64 `(windows,)`, ordered.
        parts: those of `starts` that belong to a part, by part; disjoint in their target rows.
        window: rows of an input window.
        horizon: as in TrainingOptions.
        shorter: rows of the windows that have fewer than `window`, by their first row: int64
            `(rows,)`, 0 elsewhere; None where there is none.
        timeline: all rows of the table.
        complete: bool, which of those are among these rows.
    """

    x: Array
    y: Array
    times: Array
    group: Array
    group_names: tuple[str, ...]
    table_rows: Array
    part: Array
    starts: Array
    parts: Mapping[str, Array]
    window: int
    horizon: int
    shorter: Array | None
    timeline: Timeline
    complete: Array

    @property
    def answers(self) -> int:
        """What a window has to answer: a value for each target and step ahead."""
        targets: int = self.y.shape[1]
        return targets * max(self.horizon, 1)

    def lengths(self, starts: Array) -> Array:
        """How many rows these windows have, int64 `(windows,)`."""
        if self.shorter is None:
            return np.broadcast_to(np.int64(self.window), (len(starts),))
        shorter = self.shorter[starts]  # (windows,)
        return np.where(shorter > 0, shorter, self.window)

    def target_index(self, starts: Array) -> Array:
        """The rows that these windows predict, int64 `(windows, max(horizon, 1))`."""
        ends = starts + self.lengths(starts)  # (windows,), the row after each window's last
        index: Array = ends[:, np.newaxis] + target_steps(0, self.horizon)
        return index

    def inputs(self, starts: Array) -> Array:
        """The windows that begin at `starts`, float32 `(windows, window, input_size)`.

        Zeros follow the rows of shorter ones.
        """
        steps = np.arange(self.window)
        index = starts[:, np.newaxis] + steps  # (windows, window)
        if self.shorter is None:
            windows: Array = self.x[index]
            return windows
        counts = steps < self.lengths(starts)[:, np.newaxis]  # (windows, window)
        # A shorter window may stand at the table's end, where no rows follow it.
        rows = self.x[np.minimum(index, len(self.x) - 1)]  # (windows, window, input_size)
        return np.where(counts[..., np.newaxis], rows, np.float32(0))

    def targets(self, starts: Array) -> Array:
        """The true outputs, target by target: float64 `(windows, targets * max(horizon, 1))`."""
        return by_target(self.y[self.target_index(starts)])

    def rows(self, part: str) -> Iterator[Array]:
        """Every row that an input window of this part touches, int64, ordered, block by block."""
        touched = scratch.zeros(len(self.x), np.bool_)
        for starts in self.starts_of(part):
            lengths = self.lengths(starts)
            for step in range(self.window):
                has_step = lengths > step
                touched[starts[has_step] + step] = True
        return scratch.true_rows(touched, self.x.shape[1])

    def target_rows(self, part: str) -> Iterator[Array]:
        """Every row that this part predicts, int64, ordered, block by block."""
        touched = scratch.zeros(len(self.x), np.bool_)
        for starts in self.starts_of(part):
            touched[self.target_index(starts)] = True
        return scratch.true_rows(touched, self.answers)

    def starts_of(self, part: str) -> Iterator[Array]:
        """The first rows of a part's windows, as many at a time as their targets allow."""
        starts = self.parts[part]
        for block in scratch.blocks(len(starts), self.answers):
            yield starts[block]

    @property
    def mean_target(self) -> Array:
        """Over the windows of training, float64 `(targets * max(horizon, 1),)`."""
        return moments_of(self.targets(starts) for starts in self.starts_of("train")).mean

    def inputs_of(self, part: str) -> Iterator[Array]:
        """The rows of x that a part's windows touch, float64 `(rows, input_size)`, in blocks."""
        for rows in self.rows(part):
            yield self.x[rows].astype(np.float64)

    def targets_of(self, part: str) -> Iterator[Array]:
        """The rows of y that a part predicts, float64 `(rows, targets)`, in blocks."""
        for rows in self.target_rows(part):
            yield self.y[rows]


def target_steps(window: int, horizon: int) -> Array:
    """Target rows counted from a window's first row.

    The rows after its last, or with horizon 0 the last itself.
    """
    return np.arange(window, window + horizon) if horizon else np.array([window - 1])


def by_target(values: Array) -> Array:
    """`(windows, steps, targets)` to `(windows, targets * steps)`, as in `Signature.outputs`."""
    by_step = values.swapaxes(1, 2)  # (windows, targets, steps)
    flat: Array = by_step.reshape(len(values), -1)
    return flat


def batches(starts: Array, size: int = BATCH) -> Iterator[Array]:
    """`starts` in pieces, so that evaluation never holds every window at once."""
    return iter(np.split(starts, range(size, len(starts), size)))
