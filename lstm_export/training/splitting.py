"""Windows split into parts: in time, or by whole groups."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np

from ..errors import InputError
from ..model import Array
from .options import PARTS, TrainingOptions
from .samples import target_steps


def split(starts: Array, group: Array, options: TrainingOptions) -> dict[str, Array]:
    """The first rows of windows, int64 `(windows,)` each, by part.

    Args:
        starts: of all windows, ordered.
        group: the number of each row's series, int64 `(rows,)`.
        options: which part gets which share.

    Raises:
        InputError: a part that was asked for has no window.
    """
    if options.group:
        parts = _split_groups(starts, group, options)
    else:
        parts = _split_rows(starts, len(group), options)
    _check_parts(parts, options)
    return parts


def _split_rows(starts: Array, rows: int, options: TrainingOptions) -> dict[str, Array]:
    """Split in time: a window belongs to the part that holds all its target rows, or to none.

    The inputs of a later part may reach back into rows of an earlier one, as they will on the
    device.
    """
    bounds = np.round(np.cumsum([0.0, *options.split]) * rows).astype(np.int64)
    steps = target_steps(options.window, options.horizon)
    first = starts + steps[0]
    last = starts + steps[-1]
    parts = {}
    for part, (low, high) in zip(PARTS, itertools.pairwise(bounds), strict=True):
        parts[part] = starts[(first >= low) & (last < high)]
    return parts


def _split_groups(starts: Array, group: Array, options: TrainingOptions) -> dict[str, Array]:
    """Split by whole groups in a random order; a part that is asked for gets one group at least."""
    groups = np.unique(group[starts])
    asked = sum(share > 0 for share in options.split)
    if len(groups) < asked:
        raise InputError(
            f"{asked} parts need as many groups with a window, got {len(groups)}; "
            "ask for fewer with split"
        )
    order = np.random.default_rng(options.seed).permutation(groups)
    _, validation_share, test_share = options.split
    validation = _count(validation_share, len(groups))
    test = _count(test_share, len(groups))
    train = max(len(groups) - validation - test, 1)
    drawn = np.split(order, [train, train + validation])
    parts = {}
    for part, own in zip(PARTS, drawn, strict=True):
        parts[part] = starts[np.isin(group[starts], own)]
    return parts


def _count(share: float, groups: int) -> int:
    return max(round(share * groups), 1) if share > 0 else 0


def _check_parts(parts: Mapping[str, Array], options: TrainingOptions) -> None:
    for part, share in zip(PARTS, options.split, strict=True):
        if share > 0 and not len(parts[part]):
            raise InputError(
                f"the {part} part ({share:.0%}) holds no window of {options.window} rows with "
                f"horizon {options.horizon}; use a shorter window or horizon, or another split"
            )
