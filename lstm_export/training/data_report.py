"""What became of a table's rows: the windows made of them, those lost and why, and their parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..model import Array, Signature
from ..series import Table, gaps_in_time, group_rows, step_text, times_of
from .options import PARTS, TrainingOptions
from .samples import Samples, target_steps
from .splitting import NO_PART

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
        part: "train", "validation" or "test".
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
    table: Table, signature: Signature, options: TrainingOptions, samples: Samples
) -> DataReport:
    """Follow every window that an unbroken table would hold to what became of it."""
    times = times_of(table, signature.time, signature.group) if signature.time else None
    windows = _Windows(table, options, samples)
    fates = np.zeros((len(PARTS) + 1, len(FATES)), np.int64)
    groups = []
    first_gap = ""
    for name, rows in group_rows(table, signature.group):
        gaps = np.zeros(max(len(rows) - 1, 0), bool)
        if times is not None:
            gaps = gaps_in_time(times[rows], signature)
            first_gap = first_gap or _first_gap(table, signature, times[rows], rows, gaps)
        counts = windows.fates(rows, gaps)
        fates += counts
        groups.append(_group_report(name, len(rows), int(gaps.sum()), counts))
    labels = np.arange(len(table)) + table.first_row if times is None else times
    return DataReport(
        rows=len(table),
        first=str(labels.min()),
        last=str(labels.max()),
        first_gap=first_gap,
        split_by=options.split_by or "",
        parts=tuple(_part_reports(fates, samples, labels)),
        groups=tuple(groups),
    )


def _first_gap(table: Table, signature: Signature, times: Array, rows: Array, gaps: Array) -> str:
    for index in np.flatnonzero(gaps)[:1]:
        place = table.place(signature.time or "", rows[index + 1])
        return f"{place}: {times[index + 1]} follows {times[index]}"
    return ""


def lost_windows(data: DataReport, signature: Signature) -> Iterator[str]:
    """A warning where many windows are lost to gaps: what a gap is here, and what may mend it."""
    lost = data.count(GAPS)
    whole = sum(data.count(fate) for fate in FATES)
    if lost <= MANY * whole:
        return
    unit = " s" if signature.time_step and "T" in data.first else ""
    step = step_text(signature) + unit
    yield (
        f"{lost:,} of {whole:,} windows are lost to gaps in time, a gap being any step but "
        f"{step}; the first at {data.first_gap}: if clocks are a little off, give "
        "--tolerance; if rows are meant to be another time apart, --step; if the times are "
        "read wrongly, --time-format; else add the missing rows, or use a shorter window"
    )


class _Windows:
    """What became of the window that begins at each row of the table."""

    def __init__(self, table: Table, options: TrainingOptions, samples: Samples) -> None:
        rows = samples.table_rows
        self._made = np.zeros(len(table), bool)
        self._made[rows[samples.starts]] = True
        self._part_of_window = np.full(len(table), NO_PART)
        for number, part in enumerate(PARTS):
            self._part_of_window[rows[samples.parts[part]]] = number
        self._part_of_row = np.full(len(table), NO_PART)
        self._part_of_row[rows] = samples.part
        self._to_first_predicted = target_steps(options.window, options.horizon)[0]
        self._to_last = options.window + options.horizon - 1

    def fates(self, rows: Array, gaps: Array) -> Array:
        """Windows of one series by part and fate, int64 `(parts + 1, fates)`; the last has no part.

        Args:
            rows: where its rows stand in the table.
            gaps: bool `(rows - 1,)`, whether time jumps after a row.
        """
        made = self._made[rows]
        part_of_window = self._part_of_window[rows]
        # With padding a window may be shorter than the rows of a whole one.
        fits = np.arange(len(rows)) + self._to_last < len(rows)
        begins = np.flatnonzero(fits | made)
        gaps_before = np.concatenate([[0], np.cumsum(gaps)])  # (rows,)
        last = np.minimum(begins + self._to_last, len(rows) - 1)
        spans_gap = gaps_before[last] > gaps_before[begins]
        is_used = part_of_window[begins] != NO_PART
        fate = np.where(spans_gap, FATES.index(GAPS), FATES.index(MISSING))
        fate[made[begins]] = FATES.index(EDGES)
        fate[is_used] = FATES.index(USED)
        first_predicted = np.minimum(begins + self._to_first_predicted, len(rows) - 1)
        part = _filled(self._part_of_row[rows])[first_predicted]
        part[is_used] = part_of_window[begins][is_used]
        counts = np.zeros((len(PARTS) + 1, len(FATES)), np.int64)
        np.add.at(counts, (part, fate), 1)  # NO_PART counts from the end
        return counts


def _filled(parts: Array) -> Array:
    """Parts of rows `(rows,)`, those of no run taken from the row before, or else after."""
    known = np.flatnonzero(parts != NO_PART)
    if not len(known):
        return parts
    nearest = np.searchsorted(known, np.arange(len(parts)), side="right") - 1
    filled: Array = parts[known[np.maximum(nearest, 0)]]
    return filled


def _group_report(name: str, rows: int, gaps: int, counts: Array) -> GroupReport:
    used = counts[: len(PARTS), FATES.index(USED)].tolist()
    return GroupReport(
        group=name,
        rows=rows,
        gaps=gaps,
        parts=dict(zip(PARTS, used, strict=True)),
        windows=dict(zip(FATES, counts.sum(axis=0).tolist(), strict=True)),
    )


def _part_reports(fates: Array, samples: Samples, labels: Array) -> Iterator[PartReport]:
    for part, counts in zip(PARTS, fates[: len(PARTS)].tolist(), strict=True):
        windows = dict(zip(FATES, counts, strict=True))
        predicted = labels[samples.table_rows[samples.target_rows(part)]]
        first = str(predicted.min()) if len(predicted) else ""
        last = str(predicted.max()) if len(predicted) else ""
        yield PartReport(part, first, last, windows)
