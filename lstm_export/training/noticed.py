"""What a table may do to a model: warnings, and a target of which nothing can be learned."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..errors import InputError
from ..model import Array, Signature
from ..series import RowSource, compact_format
from ..series.cells import is_number
from ..series.measured import some_of
from .data_report import DataReport, lost_windows
from .moments import moments_of
from .options import TrainingOptions
from .roles import MANY_LEVELS, left_out
from .samples import Samples
from .scaling import column_warnings
from .windowing import least_rows

LEAKS = 0.9995  # correlation with the answer
MOST_LOOKED_AT = 2**20  # windows


def table_warnings(
    table: RowSource,
    data: DataReport,
    samples: Samples,
    signature: Signature,
    options: TrainingOptions,
) -> Iterator[str]:
    """What the table may do to the model, one sentence each."""
    yield from lost_windows(data, signature, samples.timeline.times, options.missing)
    yield from left_out(table, options)
    yield from _many_levels(table, signature)
    yield from _levels_not_trained(samples, signature)
    yield from _dates_as_inputs(table, signature)
    yield from _data_warnings(samples, signature, options)


def _many_levels(table: RowSource, signature: Signature) -> Iterator[str]:
    """Columns under --categorical that name every row rather than a kind of it."""
    for category in signature.categories:
        levels = category.levels
        if len(levels) <= MANY_LEVELS:
            continue
        are_numbers = all(is_number(level, table.format) for level in levels)
        what = "numbers" if are_numbers else "texts"
        advice = "name it in --features to make it one" if are_numbers else "leave it out"
        yield (
            f"{category.name} becomes {len(levels):,} inputs, one for each of its {what}, as "
            f"--categorical says: if it does not tell kinds apart, {advice}"
        )


def _levels_not_trained(samples: Samples, signature: Signature) -> Iterator[str]:
    """Texts that stand in later rows alone, and whose inputs training never saw at work."""
    if not signature.categories:
        return
    highest = moments_of(samples.inputs_of("train")).high  # of a level's 0 and 1: 0 where it lacks
    place = len(signature.measured)
    for category in signature.categories:
        lacking = []
        for level in category.levels:
            if not highest[place]:
                lacking.append(level)
            place += 1
        if lacking:
            yield (
                f"{category.name} is {some_of(lacking)} in no row of the training part, so that "
                "nothing is learned of it and answers to it are guesses: bring earlier rows or "
                f"more groups with it, or leave {category.name} out"
            )


def _dates_as_inputs(table: RowSource, signature: Signature) -> Iterator[str]:
    """A table that is read in blocks is judged by its first rows."""
    for column in signature.measured:
        name = column.name
        rows = next(table.blocks((name,)))
        if compact_format(rows, name):
            yield (
                f"{name} holds dates such as {rows.text(name)[0]} and is read as a "
                "number: name it with --time, or leave it out of --features"
            )


def _data_warnings(
    samples: Samples, signature: Signature, options: TrainingOptions
) -> Iterator[str]:
    yield from column_warnings(samples, [column.name for column in signature.measured])
    yield from _leaks(samples, signature, options)
    yield from _short_groups(samples, options)


def _leaks(samples: Samples, signature: Signature, options: TrainingOptions) -> Iterator[str]:
    """Inputs that are nearly the answer itself, where the target's own last value is not."""
    starts = _looked_at(samples.parts["train"])
    last_rows = starts + samples.lengths(starts) - 1
    next_rows = samples.target_index(starts)[:, 0]  # (windows,), of the first step ahead
    true = samples.y[next_rows]  # (windows, targets)
    for index, target in enumerate(options.targets):
        own = abs(_correlation(samples.y[last_rows, index], true[:, index]))
        for place, column in enumerate(signature.measured):
            if column.name in options.targets or (options.horizon and own > LEAKS):
                continue
            if abs(_correlation(samples.x[last_rows, place], true[:, index])) > LEAKS:
                yield (
                    f"{column.name} all but tells {target} by itself: if a device knows it only "
                    "afterwards, leave it out"
                )


def _looked_at(starts: Array) -> Array:
    """All of them, or so many, evenly spread, as a correlation needs at most."""
    return starts[:: -(-len(starts) // MOST_LOOKED_AT)]


def _correlation(a: Array, b: Array) -> float:
    """Pearson's; 0 where one of the two does not vary."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _short_groups(samples: Samples, options: TrainingOptions) -> Iterator[str]:
    """Series that gave no window at all."""
    given = len(samples.group_names)
    is_used = np.zeros(given, bool)
    for part in samples.parts:
        for starts in samples.starts_of(part):
            is_used[samples.group[starts]] = True
    used = int(is_used.sum())
    if used < given:
        rows = least_rows(options)
        longer = "" if options.pad else "; --pad learns from shorter ones too"
        yield (
            f"{given - used} of {given} groups are not used: "
            f"they have no {rows} rows without a gap{longer}"
        )


def refuse_constant_targets(samples: Samples, options: TrainingOptions) -> None:
    """Raises InputError for a target that does not vary in the training part."""
    known = moments_of(samples.targets_of("train"))
    for index in np.flatnonzero(known.low == known.high)[:1]:
        target = options.targets[index]
        raise InputError(
            f"target {target!r} is {known.low[index]:g} in all {known.count} rows of the training "
            "part: there is nothing to learn; check the column, or split differently"
        )
