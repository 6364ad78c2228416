"""What training takes from a table: which columns are inputs, targets and times, and how they are
read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import InputError, quoted
from ..model import USUAL, Column, Signature, TableFormat
from ..model.category import MOST_LEVELS, Category
from ..series import (
    LargeTable,
    RowSource,
    Table,
    TableSource,
    calendar_columns,
    is_large,
    parse_times,
    recognised,
    time_step_of,
)
from ..series.cells import is_given
from ..series.measured import levels_of, some_of
from ..series.windows import TimeStep
from .options import TrainingOptions
from .timeline import Timeline, timeline_of

DIGITS_FIRST = re.compile(r"\s*[-+]?\d")
MANY_LEVELS = 50  # of a column of text: more of them hardly tell kinds apart
INDEX_COLUMN = re.compile(r"|Unnamed: \d+|__index_level_\d+__")  # as pandas writes an index


def read_for_training(source: TableSource, options: TrainingOptions) -> Table | LargeTable:
    """The table, its cells read as the options say, its times as they show.

    A folder, or a file that is large for memory, is read in blocks.
    """
    named = options.table_format
    table: Table | LargeTable
    if isinstance(source, str | Path) and is_large(Path(source)):
        table = LargeTable.open(Path(source), named)
    else:
        table = Table.of(source, None if named == USUAL else named)
    if options.time is None:
        return table
    return replace(table, format=_recognised_format(table, options.time))


def _recognised_format(table: RowSource, time: str) -> TableFormat:
    """How times are written: with offsets if any has one, as compact dates if all are."""
    found = []
    for block in table.blocks((time,)):
        found.append(recognised(block, time).format)
        if block[time].dtype.kind != "O" and found[-1] == table.format:
            return table.format
    for table_format in found:
        if table_format.has_offsets:
            return table_format
    is_alike = all(table_format == found[0] for table_format in found)
    return found[0] if is_alike else table.format


def input_signature(table: RowSource, options: TrainingOptions) -> Signature:
    """The interface that training on this table will have, ranges still unknown.

    Args:
        table: with the format of its cells, as `read_for_training` gives it.
        options: what to predict from what.

    Raises:
        InputError: a named column is missing, or no input is left.
    """
    _check_columns(table, options)
    features = _features(table, options)
    columns = [Column(name, options.units.get(name, "")) for name in features]
    categories = tuple(_categories(table, options))
    columns += [Column(name) for category in categories for name in category.columns]
    columns += [Column(name) for name in calendar_columns(options.calendar)]
    targets = [Column(name, options.units.get(name, "")) for name in options.targets]
    step = _time_step(table, options)
    answers = len(targets) * max(options.horizon, 1)
    return Signature(
        input_size=len(columns),
        output_size=answers * (1 + len(options.quantiles)),
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


def _check_columns(table: RowSource, options: TrainingOptions) -> None:
    """Raises InputError for a name that is no column, and for a target that is no number."""
    for block in table.blocks((*options.targets, *options.units)):
        for name in options.targets:
            _ = block.numbers(name)
        break  # the rows that follow are looked at when they are read


def _time_step(table: RowSource, options: TrainingOptions) -> TimeStep:
    """As the options say, or as most rows show."""
    step = TimeStep(options.step, options.calendar_step)
    if options.time and step == (None, None):
        return shown_step(timeline_of(table, options.time, options.group))
    return step


def shown_step(timeline: Timeline) -> TimeStep:
    """How far most rows of a series are apart."""
    times = timeline.times
    if times is None:
        return time_step_of([])
    return time_step_of([times[rows] for rows in timeline.pieces()])


def _features(table: RowSource, options: TrainingOptions) -> tuple[str, ...]:
    if options.features is not None:
        return options.features
    features = tuple(name for name in _candidates(table, options) if _is_numeric(table, name))
    if not features and not options.calendar and not options.categorical:
        raise InputError(
            f"{table.title} has no numeric column besides the targets; "
            "name the inputs with --features"
        )
    return features


def _is_numeric(table: RowSource, name: str) -> bool:
    """Judged by the first cell that is not missing."""
    is_number = False
    for block in table.blocks((name,)):
        is_number = block.is_numeric(name)
        if is_number or any(is_given(cell, table.format) for cell in block[name]):
            break
    return is_number


def _categories(table: RowSource, options: TrainingOptions) -> Iterator[Category]:
    for name in options.categorical:
        found = [levels_of(block, name) for block in table.blocks((name,))]
        levels = tuple(sorted(set().union(*found)))
        if not 0 < len(levels) <= MOST_LEVELS:
            raise InputError(
                f"column {name} of {table.title} has {len(levels):,} different texts, expected 1 "
                f"to {MOST_LEVELS:,} for --categorical; leave it out"
            )
        yield Category(name, levels, options.unknown_level == "other")


def _candidates(table: RowSource, options: TrainingOptions) -> list[str]:
    """The columns that are inputs by default if they hold numbers."""
    others = {options.time, *options.group_columns, *options.categorical}
    if options.exclude_past or options.horizon == 0:
        others |= {*options.targets}
    return [name for name in table.names if name not in others and not INDEX_COLUMN.fullmatch(name)]


def left_out(table: RowSource, options: TrainingOptions) -> Iterator[str]:
    """A warning for a column that is no input by default, though it holds digits or kinds of rows.

    A table that is read in blocks is judged by its first rows.
    """
    candidates = [] if options.features is not None else _candidates(table, options)
    if candidates:
        yield from _left_out(next(table.blocks(candidates)), candidates, options)


def _left_out(table: Table, candidates: Sequence[str], options: TrainingOptions) -> Iterator[str]:
    for name in candidates:
        if table.is_numeric(name) or table[name].dtype.kind != "O":
            continue
        if not any(DIGITS_FIRST.match(cell) for cell in table[name]):
            yield from _text_left_out(table, name)
            continue
        if _holds_times(table, name):
            advice = "" if options.time else f"; with --time {name} gaps are seen"
            yield f"{name} is no input: it holds times such as {quoted(table[name][0])}{advice}"
            continue
        try:
            table.numbers(name)
        except InputError as error:
            yield f"{name} is no input: {error}"


def _text_left_out(table: Table, name: str) -> Iterator[str]:
    """Of a column of text that tells kinds of rows apart, not one of names or remarks."""
    levels = levels_of(table, name)
    if 1 < len(levels) <= MANY_LEVELS:
        yield (
            f"{name} is no input: it holds text, {some_of(levels)}: --categorical {name} makes an "
            f"input of each, --group {name} a series of the rows of each"
        )


def _holds_times(table: Table, name: str) -> bool:
    try:
        parse_times(recognised(table, name), name)
    except InputError:
        return False
    return True
