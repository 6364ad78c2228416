"""What became of a table's rows: the windows made of them, those lost and why, and their parts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..model import Array, Signature
from ..series import Missing, RowSource, gaps_in_time, step_text
from . import scratch
from .option_values import PARTS
from .options import TrainingOptions
from .samples import Samples, target_steps
from .splitting import NO_PART
from .timeline import Timeline

USED = "used"
GAPS = "lost_to_gaps"
MISSING = "lost_to_missing_cells"
EDGES = "lost_at_edges"
MANY = 0.25  # of all windows: more are worth a warning
FATES = (USED, GAPS, MISSING, EDGES)


@dataclass(frozen=True)
class PartReport:
    """One part: the windows of the table whose first predicted row stands in it.

    Attributes:
        part: "train", "validation" or "test"; "all" of a table that is judged whole.
        first: time, or row of the table without one, of the first row that it predicts.
        last: of the last; both are empty where it has no window.
        windows: how many were used, and how many were lost to what, by the words of `FATES`.
    """

    part: str
    first: str
    last: str
    windows: Mapping[str, int]


@dataclass(frozen=True)
class GroupReport:
    """One series of the table.

    Attributes:
        group: its name; empty where the table holds one series.
        rows: how many rows it has.
        gaps: how often its time does not move on by one step.
        parts: the windows used of it, by part.
        windows: as in `PartReport`, over all parts.
    """

    group: str
    rows: int
    gaps: int
    parts: Mapping[str, int]
    windows: Mapping[str, int]


@dataclass(frozen=True)
class DataReport:
    """The table as training took it.

    A window is lost to a gap in time or, where it spans none, to a missing cell; or, whole, at the
    edges of parts, because it would predict rows of two of them.

    Attributes:
        rows: of the table.
        first: time of its first row, or the row without one.
        last: of its last.
        first_gap: where the first gap is, in words; empty where there is none.
        split_by: "time" or "group".
        parts: in the order of `PARTS`.
        groups: in order of appearance.
    """

    rows: int
    first: str
    last: str
    first_gap: str
    split_by: str
    parts: tuple[PartReport, ...]
    groups: tuple[GroupReport, ...]

    def count(self, fate: str) -> int:
        """Windows that met this fate in all groups."""
        return sum(group.windows[fate] for group in self.groups)


def data_report(
    table: RowSource, signature: Signature, options: TrainingOptions, samples: Samples
) -> DataReport:
    """Follow every window that an unbroken table would hold to what became of it."""
    timeline = samples.timeline
    windows = _Windows(signature, options, samples)
    fates = np.zeros((len(PARTS) + 1, len(FATES)), np.int64)  # of all groups
    groups = []
    for name, rows in zip(timeline.names, timeline.series(), strict=True):
        gaps, counts = windows.of_series(rows)
        fates += counts
        groups.append(_group_report(name, rows.stop - rows.start, gaps, counts))
    labels = _Labels(table, timeline)
    return DataReport(
        rows=len(timeline),
        first=labels.first,
        last=labels.last,
        first_gap=_first_gap(table, signature, timeline),
        split_by=options.split_by or "",
        parts=tuple(_part_reports(fates, samples, labels)),
        groups=tuple(groups),
    )


class _Labels:
    """What rows are called: by their time, or without one by their number in the table.

    Attributes:
        first: of all rows.
        last: of all rows.
    """

    def __init__(self, table: RowSource, timeline: Timeline) -> None:
        self._times = timeline.times
        self._first_row = table.first_row
        labels = timeline.labels
        blocks = (labels[block] for block in scratch.blocks(len(labels)))
        self.first, self.last = self.of(blocks)

    def of(self, blocks: Iterable[Array]) -> tuple[str, str]:
        """The first and the last of rows, by their times, or where they stand in the table; both
        are empty where there is none."""
        lowest = []
        highest = []
        for rows in blocks:
            lowest.append(rows.min())
            highest.append(rows.max())
        if not lowest:
            return "", ""
        # without times a label is the number of a row, which the table counts from its first
        offset = self._first_row if self._times is None else 0
        return str(min(lowest) + offset), str(max(highest) + offset)


def _first_gap(table: RowSource, signature: Signature, timeline: Timeline) -> str:
    times = timeline.times
    if times is None:
        return ""
    for piece in timeline.pieces():
        for index in np.flatnonzero(gaps_in_time(times[piece], signature))[:1]:
            row = piece.start + index + 1
            place = table.place(signature.time or "", int(timeline.table_rows[row]))
            return f"{place}: {times[row]} follows {times[row - 1]}"
    return ""


def lost_windows(
    data: DataReport, signature: Signature, times: Array | None, missing: Missing
) -> Iterator[str]:
    """A warning where many windows are lost to gaps, or to missing cells: what may mend it."""
    whole = sum(data.count(fate) for fate in FATES)
    if times is not None and data.count(GAPS) > MANY * whole:
        yield _lost_to_gaps(data, signature, times)
    lost = data.count(MISSING)
    if lost > MANY * whole:
        fill = "" if missing == "ffill" else "--missing ffill takes the cell above; else "
        yield (
            f"{lost:,} of {whole:,} windows are lost to missing cells, of which each costs all "
            f"windows that hold it: {fill}leave out the column that lacks most, or give a shorter "
            "--window or --horizon"
        )


def _lost_to_gaps(data: DataReport, signature: Signature, times: Array) -> str:
    """What a gap is here, and what may mend it."""
    lost = data.count(GAPS)
    whole = sum(data.count(fate) for fate in FATES)
    allowed = "if clocks are a little off, give --tolerance"
    if signature.calendar_step:
        allowed = "if some are left out on purpose, such as holidays, give --tolerance 1"
    return (
        f"{lost:,} of {whole:,} windows are lost to gaps in time, a gap being any step but "
        f"{step_text(signature, times)}; the first at {data.first_gap}: {allowed}; if rows are "
        "meant to be another time apart, --step; if the times are read wrongly, --time-format; "
        "else add the missing rows, or use a shorter window"
    )


class _Windows:
    """What became of the window that begins at each row of the timeline."""

    def __init__(self, signature: Signature, options: TrainingOptions, samples: Samples) -> None:
        self._signature = signature
        self._timeline = samples.timeline
        self._made = _spread(_marked(samples, samples.starts), samples, 0)
        self._part_of_window = _spread(_part_of_window(samples), samples, NO_PART)
        self._part_of_row = _spread(samples.part, samples, NO_PART)
        self._to_first_predicted = int(target_steps(options.window, options.horizon)[0])
        self._to_last = options.window + options.horizon - 1

    def of_series(self, series: slice) -> tuple[int, Array]:
        """The gaps of a series, and its windows by part and fate, int64 `(parts + 1, fates)`; the
        last row of these has no part."""
        _fill(self._part_of_row[series])
        gaps = 0
        counts = np.zeros((len(PARTS) + 1, len(FATES)), np.int64)
        for block in scratch.blocks(series.stop - series.start):
            begins = slice(series.start + block.start, series.start + block.stop)
            rows = slice(begins.start, min(begins.stop + self._to_last, series.stop))
            jumps = self._jumps(rows)
            # those after rows that only end windows are counted with the next block
            gaps += int(jumps[: begins.stop - begins.start].sum())
            counts += self._fates(begins, rows, jumps)
        return gaps, counts

    def _jumps(self, rows: slice) -> Array:
        """Whether time jumps after a row, bool `(rows - 1,)`."""
        times = self._timeline.times
        if times is None:
            return np.zeros(rows.stop - rows.start - 1, bool)
        return gaps_in_time(times[rows], self._signature)

    def _fates(self, begins: slice, rows: slice, jumps: Array) -> Array:
        """Those of the windows that begin in some rows, int64 `(parts + 1, fates)`.

        Args:
            begins: the rows.
            rows: the same, and those that follow as far as their windows reach in the series.
            jumps: whether time jumps after each of `rows`, but the last.
        """
        count = rows.stop - rows.start
        made = self._made[begins] > 0
        # With padding a window may be shorter than the rows of a whole one.
        fits = np.arange(len(made)) + self._to_last < count
        first = np.flatnonzero(fits | made)
        gaps_before = np.concatenate([[0], np.cumsum(jumps)])  # (rows,)
        last = np.minimum(first + self._to_last, count - 1)  # (windows,)
        spans_gap = gaps_before[last] > gaps_before[first]
        part_of_window = self._part_of_window[begins][first]
        is_used = part_of_window != NO_PART

        # the first reason that applies: used, made but of no part, a gap, else a missing cell
        fate = np.where(spans_gap, FATES.index(GAPS), FATES.index(MISSING))
        fate[made[first]] = FATES.index(EDGES)
        fate[is_used] = FATES.index(USED)

        # a window that was not used counts for the part of the first row that it would predict
        first_predicted = np.minimum(first + self._to_first_predicted, count - 1)
        part = self._part_of_row[rows][first_predicted]
        part[is_used] = part_of_window[is_used]

        counts = np.zeros((len(PARTS) + 1, len(FATES)), np.int64)
        np.add.at(counts, (part, fate), 1)  # NO_PART counts from the end
        return counts


def _marked(samples: Samples, starts: Array) -> Array:
    """1 at the first rows of windows, int8 `(rows,)`, 0 elsewhere."""
    marked = scratch.zeros(len(samples.x), np.int8)
    for block in scratch.blocks(len(starts)):
        marked[starts[block]] = 1
    return marked


def _part_of_window(samples: Samples) -> Array:
    """The number of the part of the window that begins at each row, int8 `(rows,)`."""
    part = scratch.zeros(len(samples.x), np.int8)
    part += NO_PART
    for number, name in enumerate(PARTS):
        for starts in samples.starts_of(name):
            part[starts] = number
    return part


def _spread(values: Array, samples: Samples, other: int) -> Array:
    """Values of the complete rows for every row of the timeline, int8; `other` for the rest."""
    spread = scratch.zeros(len(samples.timeline), np.int8)
    spread += other
    done = 0
    for rows in scratch.true_rows(samples.complete):
        spread[rows] = values[done : done + len(rows)]
        done += len(rows)
    return spread


def _fill(parts: Array) -> None:
    """Give rows of no part that of the row before, or else of the first after; in place."""
    known = int(np.argmax(parts != NO_PART))
    before = parts[known]
    for block in scratch.blocks(len(parts)):
        own = parts[block]
        places = np.where(own != NO_PART, np.arange(len(own)), -1)
        last_known = np.maximum.accumulate(places)  # -1 before the first that is known
        own[:] = np.where(last_known < 0, before, own[last_known])
        before = own[-1]


def _group_report(name: str, rows: int, gaps: int, counts: Array) -> GroupReport:
    used = counts[: len(PARTS), FATES.index(USED)].tolist()
    return GroupReport(
        group=name,
        rows=rows,
        gaps=gaps,
        parts=dict(zip(PARTS, used, strict=True)),
        windows=dict(zip(FATES, counts.sum(axis=0).tolist(), strict=True)),
    )


def _part_reports(fates: Array, samples: Samples, labels: _Labels) -> Iterator[PartReport]:
    for part, counts in zip(PARTS, fates[: len(PARTS)].tolist(), strict=True):
        windows = dict(zip(FATES, counts, strict=True))
        first, last = labels.of(samples.times[rows] for rows in samples.target_rows(part))
        yield PartReport(part, first, last, windows)
