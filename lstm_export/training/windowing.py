"""From a table to samples: every usable window, split into parts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from ..errors import InputError, quoted
from ..model import USUAL, Array, Column, Signature
from ..model.category import MOST_LEVELS, Category
from ..series import (
    Run,
    Table,
    TableSource,
    calendar_columns,
    parse_times,
    recognised,
    series_of,
    step_text,
    time_step_of,
)
from ..series.measured import levels_of
from ..series.windows import TimeStep
from .options import TrainingOptions
from .samples import Samples, target_steps
from .splitting import part_of_rows, windows_of_parts

DIGITS_FIRST = re.compile(r"\s*[-+]?\d")
INDEX_COLUMN = re.compile(r"|Unnamed: \d+|__index_level_\d+__")  # as pandas writes an index


def read_for_training(source: TableSource, options: TrainingOptions) -> Table:
    """The table, its cells read as the options say, its times as they show."""
    named = options.table_format
    table = Table.of(source, None if named == USUAL else named)
    return recognised(table, options.time) if options.time else table


def input_signature(table: Table, options: TrainingOptions) -> Signature:
    """The interface that training on this table will have, ranges still unknown.

    Args:
        table: with the format of its cells, as `read_for_training` gives it.
        options: what to predict from what.

    Raises:
        InputError: a named column is missing, or no input is left.
    """
    for name in options.targets:
        _ = table.numbers(name)  # raises for a cell that is no number
    features = _features(table, options)
    for name in options.units:
        _ = table[name]  # raises for a column that is not there
    columns = [Column(name, options.units.get(name, "")) for name in features]
    categories = tuple(_categories(table, options))
    columns += [Column(name) for category in categories for name in category.columns]
    columns += [Column(name) for name in calendar_columns(options.calendar)]
    targets = [Column(name, options.units.get(name, "")) for name in options.targets]
    step = _time_step(table, options)
    return Signature(
        input_size=len(columns),
        output_size=len(targets) * max(options.horizon, 1) * (1 + len(options.quantiles)),
        features=tuple(columns),
        targets=tuple(targets),
        window=options.window,
        horizon=options.horizon,
        time=options.time,
        time_step=step.seconds,
        calendar_step=step.calendar_step,
        calendar=options.calendar,
        country=options.country,
        group=options.group,
        time_tolerance=options.tolerance,
        table_format=None if table.format == USUAL else table.format,
        quantiles=options.quantiles,
        categories=categories,
    )


def _time_step(table: Table, options: TrainingOptions) -> TimeStep:
    """As the options say, or as most rows show."""
    step = TimeStep(options.step, options.calendar_step)
    if options.time and step == (None, None):
        return time_step_of(table, options.time, options.group)
    return step


def _features(table: Table, options: TrainingOptions) -> tuple[str, ...]:
    if options.features is not None:
        return options.features
    features = tuple(name for name in _candidates(table, options) if table.is_numeric(name))
    if not features and not options.calendar and not options.categorical:
        raise InputError(
            f"{table.title} has no numeric column besides the targets; "
            "name the inputs with features"
        )
    return features


def _categories(table: Table, options: TrainingOptions) -> Iterator[Category]:
    for name in options.categorical:
        levels = levels_of(table, name)
        if not 0 < len(levels) <= MOST_LEVELS:
            raise InputError(
                f"column {name} of {table.title} has {len(levels):,} different texts, expected 1 "
                f"to {MOST_LEVELS:,} for --categorical; leave it out"
            )
        yield Category(name, levels, options.unknown_level == "other")


def _candidates(table: Table, options: TrainingOptions) -> list[str]:
    """The columns that are inputs by default if they hold numbers."""
    others = {options.time, *options.group_columns, *options.categorical}
    if options.exclude_past or options.horizon == 0:
        others |= {*options.targets}
    return [name for name in table.names if name not in others and not INDEX_COLUMN.fullmatch(name)]


def left_out(table: Table, options: TrainingOptions) -> Iterator[str]:
    """A warning for a column that is no input by default, though some of its cells hold digits."""
    if options.features is not None:
        return
    for name in _candidates(table, options):
        if table.is_numeric(name) or table[name].dtype.kind != "O":
            continue
        if not any(DIGITS_FIRST.match(cell) for cell in table[name]):
            continue
        if _holds_times(table, name):
            advice = "" if options.time else f"; with --time {name} gaps are seen"
            yield f"{name} is no input: it holds times such as {quoted(table[name][0])}{advice}"
            continue
        try:
            table.numbers(name)
        except InputError as error:
            yield f"{name} is no input: {error}"


def _holds_times(table: Table, name: str) -> bool:
    try:
        parse_times(recognised(table, name), name)
    except InputError:
        return False
    return True


def build_samples(table: Table, signature: Signature, options: TrainingOptions) -> Samples:
    """Every usable window of the table, split into parts.

    Raises:
        InputError: a cell cannot be used, or a part that was asked for has no window.
    """
    runs = series_of(table, signature, options.missing)
    y = _targets(table, options)  # (table rows, targets)
    starts, lengths = _windows(runs, options)
    rows = np.concatenate([run.rows for run in runs]) if runs else np.empty(0, np.int64)
    ends = starts + lengths
    predicted = ends[:, np.newaxis] + target_steps(0, options.horizon)
    is_known = np.isfinite(y[rows][predicted]).all(axis=(1, 2))  # (windows,)
    starts = starts[is_known]
    lengths = lengths[is_known]
    predicted = predicted[is_known]
    if not len(starts):
        raise _no_window(table, runs, signature, options)
    names = tuple(dict.fromkeys(run.group for run in runs))
    group = _group_numbers(runs, names)
    part = part_of_rows(group, np.unique(group[starts]), options)
    return Samples(
        x=np.concatenate([run.x for run in runs]),
        y=y[rows],
        times=np.concatenate([run.times for run in runs]),
        group=group,
        group_names=names,
        table_rows=rows,
        part=part,
        starts=starts,
        parts=windows_of_parts(starts, predicted, part, options),
        window=options.window,
        horizon=options.horizon,
        shorter=_shorter(starts, lengths, len(rows), options.window),
    )


def least_rows(options: TrainingOptions) -> int:
    """Rows without a gap that a window and its horizon take at least."""
    return (1 if options.pad else options.window) + options.horizon


def _targets(table: Table, options: TrainingOptions) -> Array:
    y = np.stack([table.numbers(name) for name in options.targets], axis=1)
    if options.missing == "refuse":
        for row, column in np.argwhere(np.isnan(y))[:1]:
            raise InputError(
                f"{table.place(options.targets[column], row)} is empty or NaN, expected a target; "
                "repair it, or drop such rows as the option says"
            )
    return y


def _windows(runs: Sequence[Run], options: TrainingOptions) -> tuple[Array, Array]:
    """The first row of every window that fits into a run with its horizon, and its length.

    Rows are counted over all runs. With `pad` a run too short for any is one window of all the rows
    that its horizon leaves.
    """
    starts = [np.empty(0, np.int64)]
    lengths = [np.empty(0, np.int64)]
    first = 0
    for run in runs:
        rows = len(run) - options.horizon
        length = min(rows, options.window) if options.pad else options.window
        count = max(rows - length + 1, 0) if length > 0 else 0
        starts.append(np.arange(first, first + count))
        lengths.append(np.full(count, length, np.int64))
        first += len(run)
    return np.concatenate(starts), np.concatenate(lengths)


def _group_numbers(runs: Sequence[Run], names: Sequence[str]) -> Array:
    """The number of each row's series among `names`."""
    numbers = {name: number for number, name in enumerate(names)}
    return np.repeat([numbers[run.group] for run in runs], [len(run) for run in runs])


def _shorter(starts: Array, lengths: Array, rows: int, window: int) -> Array | None:
    is_shorter = lengths < window
    if not is_shorter.any():
        return None
    shorter = np.zeros(rows, np.int64)
    shorter[starts[is_shorter]] = lengths[is_shorter]
    return shorter


def _no_window(
    table: Table, runs: Sequence[Run], signature: Signature, options: TrainingOptions
) -> InputError:
    longest = max((len(run) for run in runs), default=0)
    message = (
        f"{table.title} yields no window: its longest stretch without a gap has {longest} rows, "
        f"window {options.window} with horizon {options.horizon} needs {least_rows(options)}"
    )
    if signature.time and len(runs) > 1:
        message += (
            f"; {signature.time} should move on by {step_text(signature)} from row to row: give "
            "--step and --tolerance for another step, or for one that varies"
        )
    return InputError(message)
