"""The rows of a table in the order in which windows slide over them: series by series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..errors import InputError
from ..model import Array
from ..series import RowSource, Table, group_columns, group_name, keyed_rows, parse_times
from ..series.windows import Keys, refuse_going_back, series_times
from . import scratch


@dataclass(frozen=True, eq=False)
class Timeline:
    """Series one after the other, in order of appearance, each with its rows in their order.

    Attributes:
        keys: of every series, its cells in the group columns.
        bounds: int64 `(series + 1,)`, the first row of every series, and the number of rows.
        table_rows: int64 `(rows,)`, where each row stands in the table.
        times: `(rows,)`, in UTC where the zone is known; None without a time column.
    """

    keys: tuple[Keys, ...]
    bounds: Array
    table_rows: Array
    times: Array | None

    def __len__(self) -> int:
        return len(self.table_rows)

    @property
    def names(self) -> tuple[str, ...]:
        """What messages call the series."""
        return tuple(map(group_name, self.keys))

    @property
    def labels(self) -> Array:
        """What rows are told apart by: their times, or where they stand in the table."""
        return self.table_rows if self.times is None else self.times

    def series(self) -> Iterator[slice]:
        """The rows of every series."""
        return slices(self.bounds)

    def pieces(self) -> Iterator[slice]:
        """The rows of every series in blocks, see `overlapping`."""
        for rows in self.series():
            yield from overlapping(rows)


def slices(bounds: Array) -> Iterator[slice]:
    """From each bound to the next."""
    for first, end in pairwise(bounds.tolist()):
        yield slice(first, end)


def overlapping(rows: slice) -> Iterator[slice]:
    """Rows in blocks, each with the last row of the block before it: for what lies between rows."""
    for block in scratch.blocks(rows.stop - rows.start):
        first = rows.start + block.start
        yield slice(max(first - 1, rows.start), rows.start + block.stop)


class Placing:
    """Puts the rows of a table, block after block, where a timeline has them.

    Attributes:
        counts: rows of every series by its keys, in order of appearance.
    """

    def __init__(self, counts: dict[Keys, int], group: str | None) -> None:
        self._group = group
        self._next: dict[Keys, int] = {}
        first = 0
        for keys, count in counts.items():
            self._next[keys] = first
            first += count

    def places(self, block: Table) -> Iterator[tuple[slice, Array]]:
        """For each series the places of its next rows, and where these stand in the block."""
        for keys, rows in keyed_rows(block, self._group):
            first = self._next[keys]
            self._next[keys] = first + len(rows)
            yield slice(first, first + len(rows)), rows


def timeline_of(table: RowSource, time: str | None, group: str | None) -> Timeline:
    """Sort the rows of a table by series, and read their times.

    Raises:
        InputError: a column is missing, or times do not increase strictly within their series.
    """
    columns = group_columns(group, table.names)
    counts = _counts(table, columns, group)
    bounds = np.cumsum([0, *counts.values()])  # (series + 1,)
    table_rows = scratch.empty((len(table),), np.int64)
    if time is None and not columns:
        for part in scratch.blocks(len(table)):
            table_rows[part] = np.arange(part.start, part.stop)
        return Timeline(tuple(counts), bounds, table_rows, None)
    placing = Placing(counts, group)
    times = None
    before = 0
    with_time = (*columns, time) if time else columns
    for block in table.blocks(with_time):
        of_block = _times_of(block, time, times) if time else None
        if of_block is not None and times is None:
            times = _room_for(of_block, len(block), len(table))
        for place, rows in placing.places(block):
            table_rows[place] = before + rows
            if of_block is not None and times is not None:
                times[place] = of_block[rows]
        before += len(block)
    timeline = Timeline(tuple(counts), bounds, table_rows, _in_seconds_if_whole(times))
    if time:
        _settle_times(timeline, table, time)
    return timeline


def _counts(table: RowSource, columns: Sequence[str], group: str | None) -> dict[Keys, int]:
    if not columns:
        return {(): len(table)}
    counts: dict[Keys, int] = {}
    for block in table.blocks(columns):
        for keys, rows in keyed_rows(block, group):
            counts[keys] = counts.get(keys, 0) + len(rows)
    return counts


def _times_of(block: Table, time: str, before: Array | None) -> Array:
    times = parse_times(block, time)
    if before is not None and before.dtype.kind != times.dtype.kind:
        raise InputError(
            f"column {time} of {block.title} holds numbers and dates, expected either; "
            f"they change at the latest in row {block.first_row}"
        )
    return times


def _room_for(times: Array, rows: int, all_rows: int) -> Array:
    """An array for the times of a table whose first rows have these; later ones may be finer."""
    is_coarse = times.dtype.kind == "M" and rows < all_rows
    return scratch.empty((all_rows,), "datetime64[us]" if is_coarse else times.dtype)


def _in_seconds_if_whole(times: Array | None) -> Array | None:
    """Microseconds as seconds, where all are whole."""
    if times is None or times.dtype != np.dtype("datetime64[us]"):
        return times
    seconds = scratch.empty(times.shape, "datetime64[s]")
    for block in scratch.blocks(len(times)):
        seconds[block] = times[block]
        if (seconds[block] != times[block]).any():
            return times
    return seconds


def _settle_times(timeline: Timeline, table: RowSource, time: str) -> None:
    """Tell apart local times that come twice; what still does not increase is refused."""
    times = timeline.times
    if times is None:
        return
    if table.format.timezone:
        for rows in timeline.series():
            times[rows] = series_times(times[rows], table.format)
    for rows in timeline.pieces():
        refuse_going_back(times[rows], time, timeline.table_rows[rows], table)
