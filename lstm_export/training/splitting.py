"""Rows split into parts: in time within each group, or by whole groups."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import InputError
from ..model import Array
from .options import PARTS, TrainingOptions

NO_PART = -1


def part_of_rows(group: Array, with_window: Array, options: TrainingOptions) -> Array:
    """The number of the part in `PARTS` that each row belongs to, int64 `(rows,)`.

    Args:
        group: the number of each row's series, int64 `(rows,)`.
        with_window: the numbers of the series that hold a window.
        options: which part gets which share, in time or by groups.

    Raises:
        InputError: there are fewer groups than parts to share them out.
    """
    if options.split_by == "group":
        return _by_group(group, with_window, options)
    return _by_time(group, options)


def _by_time(group: Array, options: TrainingOptions) -> Array:
    """Each series in time: its first rows to training, its last to the test."""
    part = np.empty(len(group), np.int64)
    shares = np.cumsum([0.0, *options.split])
    for number in np.unique(group):
        rows = np.flatnonzero(group == number)
        bounds = np.round(shares * len(rows)).astype(np.int64)
        part[rows] = np.searchsorted(bounds[1:], np.arange(len(rows)), side="right")
    return part


def _by_group(group: Array, with_window: Array, options: TrainingOptions) -> Array:
    """Whole groups in a random order; a part that is asked for gets one group at least."""
    asked = sum(share > 0 for share in options.split)
    if len(with_window) < asked:
        raise InputError(
            f"{asked} parts need as many groups with a window, got {len(with_window)}; "
            "ask for fewer with split, or split by time within each group with split_by"
        )
    order = np.random.default_rng(options.seed).permutation(with_window)
    _, validation_share, test_share = options.split
    validation = _count(validation_share, len(order))
    test = _count(test_share, len(order))
    train = max(len(order) - validation - test, 1)
    part = np.full(len(group), NO_PART)
    for number, own in enumerate(np.split(order, [train, train + validation])):
        part[np.isin(group, own)] = number
    return part


def _count(share: float, groups: int) -> int:
    return max(round(share * groups), 1) if share > 0 else 0


def windows_of_parts(
    starts: Array, predicted: Array, part: Array, options: TrainingOptions
) -> dict[str, Array]:
    """The first rows of windows, int64 `(windows,)` each, by part.

    A window belongs to the part that holds all the rows it predicts, or to none. Its inputs may
    reach back into rows of an earlier part, as they will on the device.

    Args:
        starts: of all windows, ordered.
        predicted: the rows that each predicts, int64 `(windows, steps)`, ordered.
        part: as `part_of_rows` gives it.
        options: which parts are asked for.

    Raises:
        InputError: a part that was asked for has no window.
    """
    first = part[predicted[:, 0]]
    last = part[predicted[:, -1]]
    parts = {}
    for number, name in enumerate(PARTS):
        parts[name] = starts[(first == number) & (last == number)]
    _check_parts(parts, options)
    return parts


def _check_parts(parts: Mapping[str, Array], options: TrainingOptions) -> None:
    for part, share in zip(PARTS, options.split, strict=True):
        if share > 0 and not len(parts[part]):
            raise InputError(
                f"the {part} part ({share:.0%}) holds no window of {options.window} rows with "
                f"horizon {options.horizon}; use a shorter window or horizon, or another split"
            )
