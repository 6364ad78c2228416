"""Rows split into parts: in time within each group, or by whole groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ..errors import InputError
from ..model import Array
from . import scratch
from .option_values import PARTS
from .options import TrainingOptions
from .samples import Samples, target_steps
from .timeline import slices

NO_PART = -1


def part_of_rows(bounds: Array, with_window: Array, options: TrainingOptions) -> Array:
    """The number of the part in `PARTS` that each row belongs to, int8 `(rows,)`.

    Args:
        bounds: the first row of every series, and the number of rows, int64 `(series + 1,)`.
        with_window: the numbers of the series that hold a window.
        options: which part gets which share, in time or by groups.

    Raises:
        InputError: there are fewer groups than parts to share them out.
    """
    part = scratch.empty((int(bounds[-1]),), np.int8)
    if options.split_by == "group":
        of_series = _by_group(len(bounds) - 1, with_window, options)
        for number, rows in enumerate(slices(bounds)):
            part[rows] = of_series[number]
        return part
    shares = np.cumsum([0.0, *options.split])  # 0, then where each part ends, the last at 1
    for rows in slices(bounds):  # the first rows of each to training, its last to the test
        count = rows.stop - rows.start
        within = np.round(shares * count).astype(np.int64)  # (parts + 1,)
        for number, own in enumerate(slices(rows.start + within)):
            part[own] = number
    return part


def _by_group(series: int, with_window: Array, options: TrainingOptions) -> Array:
    """Whole groups in a random order, the part of each, int8 `(series,)`.

    A part that is asked for gets one group at least.
    """
    asked = sum(share > 0 for share in options.split)
    if len(with_window) < asked:
        raise InputError(
            f"{asked} parts need as many groups with a window, got {len(with_window)}; "
            "ask for fewer with --split, or split within each group with --split-by time"
        )
    # groups, first those of training
    order = np.random.default_rng(options.seed_of_groups).permutation(with_window)
    _, validation_share, test_share = options.split
    validation = _count(validation_share, len(order))
    test = _count(test_share, len(order))
    train = max(len(order) - validation - test, 1)
    part = np.full(series, NO_PART, np.int8)
    for number, own in enumerate(np.split(order, [train, train + validation])):
        part[own] = number
    return part


def _count(share: float, groups: int) -> int:
    return max(round(share * groups), 1) if share > 0 else 0


def windows_of_parts(samples: Samples, options: TrainingOptions) -> dict[str, Array]:
    """The first rows of windows, int64 `(windows,)` each, by part.

    A window belongs to the part that holds all the rows it predicts, or to none. Its inputs may
    reach back into rows of an earlier part, as they will on the device.

    Raises:
        InputError: a part that was asked for has no window.
    """
    parts = {}
    for number, name in enumerate(PARTS):
        parts[name] = scratch.concatenated(_windows_of_part(samples, number), np.int64)
    _check_parts(parts, options)
    return parts


def _windows_of_part(samples: Samples, number: int) -> Iterator[Array]:
    for block in scratch.blocks(len(samples.starts)):
        starts = samples.starts[block]
        ends = starts + samples.lengths(starts)
        steps = target_steps(0, samples.horizon)
        is_first = samples.part[ends + steps[0]] == number
        is_last = samples.part[ends + steps[-1]] == number
        yield starts[is_first & is_last]


def _check_parts(parts: Mapping[str, Array], options: TrainingOptions) -> None:
    for part, share in zip(PARTS, options.split, strict=True):
        if share > 0 and not len(parts[part]):
            raise InputError(
                f"the {part} part ({share:.0%}) holds no window of {options.window} rows with "
                f"horizon {options.horizon}; bring more rows, or train with a shorter --window "
                "or --horizon or another --split"
            )
