"""From a table to samples: every usable window, split into parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..model import Array, Signature
from ..series import RowSource, gaps_in_time, step_text
from . import scratch
from .filling import complete_rows, filled_rows
from .options import TrainingOptions
from .roles import shown_step
from .samples import Samples, target_steps
from .splitting import part_of_rows, windows_of_parts
from .timeline import Timeline, overlapping, slices, timeline_of


def build_samples(table: RowSource, signature: Signature, options: TrainingOptions) -> Samples:
    """Every usable window of the table, split into parts.

    Raises:
        InputError: a cell cannot be used, or a part that was asked for has no window.
    """
    timeline = timeline_of(table, signature.time, signature.group)
    signature = _with_step(signature, timeline)
    x, y = filled_rows(table, timeline, signature, options)
    complete = complete_rows(x)
    rows = scratch.concatenated(scratch.true_rows(complete), np.int64)  # of the timeline
    bounds, names = _series_of(rows, timeline)
    if len(rows) < len(timeline):
        x = scratch.taken(x, rows)
        y = scratch.taken(y, rows)
    runs = _runs(rows, bounds, timeline, signature)
    shorter = scratch.zeros(len(rows), np.int64)
    starts = scratch.concatenated(_first_rows(runs, y, shorter, options), np.int64)
    if not len(starts):
        raise _no_window(table, timeline, runs, signature, options)
    samples = Samples(
        x=x,
        y=y,
        times=scratch.taken(timeline.labels, rows),
        group=_group_numbers(bounds),
        group_names=names,
        table_rows=scratch.taken(timeline.table_rows, rows),
        part=part_of_rows(bounds, _with_window(bounds, starts), options),
        starts=starts,
        parts={},
        window=options.window,
        horizon=options.horizon,
        shorter=shorter if shorter.any() else None,
        timeline=timeline,
        complete=complete,
    )
    return replace(samples, parts=windows_of_parts(samples, options))


def least_rows(options: TrainingOptions) -> int:
    """Rows without a gap that a window and its horizon take at least."""
    return (1 if options.pad else options.window) + options.horizon


def _with_step(signature: Signature, timeline: Timeline) -> Signature:
    if signature.time is None or signature.calendar_step or signature.time_step:
        return signature
    return replace(signature, time_step=shown_step(timeline).seconds)


def _series_of(rows: Array, timeline: Timeline) -> tuple[Array, tuple[str, ...]]:
    """The bounds of the series among these rows of a timeline, and the names of those that have
    any."""
    bounds = np.searchsorted(rows, timeline.bounds)  # (series + 1,), counted among `rows`
    has_rows = np.diff(bounds) > 0
    names = [name for name, has in zip(timeline.names, has_rows, strict=True) if has]
    ends = bounds[1:][has_rows]
    return np.append(0, ends), tuple(names)


def _group_numbers(bounds: Array) -> Array:
    """The number of each row's series."""
    group = scratch.empty((int(bounds[-1]),), np.int32)
    for number, rows in enumerate(slices(bounds)):
        group[rows] = number
    return group


def _runs(rows: Array, bounds: Array, timeline: Timeline, signature: Signature) -> Array:
    """Where runs of rows without a gap begin, int64, and at last the number of rows."""
    begins = scratch.zeros(len(rows), np.bool_)
    for series in slices(bounds):
        begins[series.start] = True
        for piece in overlapping(series):
            kept = rows[piece]
            if timeline.times is None:
                gaps = np.diff(kept) != 1  # a row between them was left out
            else:
                gaps = gaps_in_time(timeline.times[kept], signature)
            begins[piece.start + 1 : piece.stop] |= gaps
    firsts = scratch.concatenated(scratch.true_rows(begins), np.int64)
    return np.append(firsts, len(rows))


def _first_rows(runs: Array, y: Array, shorter: Array, options: TrainingOptions) -> Iterator[Array]:
    """The first row of every window that fits into a run with its horizon and has its targets.

    With `pad` a run too short for any is one window of all the rows that its horizon leaves; how
    many these are is written to `shorter`, int64 `(rows,)`.
    """
    steps = target_steps(0, options.horizon)
    for block in scratch.blocks(len(y), len(steps) * y.shape[1]):
        starts = np.arange(block.start, block.stop)
        # (windows,), the run that each begins in
        run = np.searchsorted(runs, starts, side="right") - 1
        # rows from the start on that leave the horizon in the same run
        room = runs[run + 1] - starts - options.horizon
        lengths = np.minimum(room, options.window)
        fits = room >= options.window
        if options.pad:
            # of a run too short for a whole window: from its first row on
            is_short = (room > 0) & (room < options.window)
            fits |= is_short & (runs[run] == starts)
        starts = starts[fits]
        lengths = lengths[fits]
        predicted = (starts + lengths)[:, np.newaxis] + steps  # (windows, steps)
        is_known = np.isfinite(y[predicted]).all(axis=(1, 2))  # (windows,)
        starts = starts[is_known]
        lengths = lengths[is_known]
        are_shorter = lengths < options.window
        shorter[starts[are_shorter]] = lengths[are_shorter]
        yield starts


def _with_window(bounds: Array, starts: Array) -> Array:
    """The numbers of the series that hold a window."""
    has_window = np.zeros(len(bounds) - 1, np.bool_)
    for block in scratch.blocks(len(starts)):
        series = np.searchsorted(bounds, starts[block], side="right") - 1
        has_window[series] = True
    return np.flatnonzero(has_window)


def _no_window(
    table: RowSource,
    timeline: Timeline,
    runs: Array,
    signature: Signature,
    options: TrainingOptions,
) -> InputError:
    times = timeline.times
    longest = int(np.diff(runs).max(initial=0))
    series = ""
    if signature.group:
        series = f" in the {len(timeline.keys):,} series that --group {signature.group} makes"
    message = (
        f"{table.title} yields no window: its longest stretch without a gap has {longest} rows"
        f"{series}, window {options.window} with horizon {options.horizon} needs "
        f"{least_rows(options)}"
    )
    if times is not None and len(runs) > 2:
        message += (
            f"; {signature.time} should move on by {step_text(signature, times)} from row to row: "
            "train with --step and --tolerance for another step, or for one that varies"
        )
    else:
        message += "; bring more rows, or train with a shorter --window"
    return InputError(message)
