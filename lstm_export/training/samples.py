"""Windows of a table with the targets that belong to them, and the parts that they are split into."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..model import Array, Column, Signature
from ..series import Run, Table, calendar_columns, series_of, time_step_of
from .options import TrainingOptions

PARTS = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class Samples:
    """Every usable window of a table, as indices into its rows; no window crosses a gap or a group.

    Attributes:
        x: float32 `(rows, input_size)`, raw units, the runs one after another.
        y: float64 `(rows, targets)`, NaN where unknown.
        times: `(rows,)` as the table holds them.
        group: int64 `(rows,)`, the number of each row's series.
        parts: the first row of every window, int64 `(windows,)`, by part; ordered, and disjoint in their target rows.
        window: rows of an input window.
        horizon: as in TrainingOptions.
        shorter: rows of the windows that have fewer than `window`, by their first row: int64 `(rows,)`, 0 elsewhere;
            None where there is none.
    """

    x: Array
    y: Array
    times: Array
    group: Array
    parts: Mapping[str, Array]
    window: int
    horizon: int
    shorter: Array | None = None

    def lengths(self, starts: Array) -> Array:
        """How many rows these windows have, int64 `(windows,)`."""
        shorter = np.zeros(len(starts), np.int64) if self.shorter is None else self.shorter[starts]
        return np.where(shorter > 0, shorter, self.window)

    def target_index(self, starts: Array) -> Array:
        """The rows that these windows predict, int64 `(windows, max(horizon, 1))`."""
        index: Array = (starts + self.lengths(starts))[:, np.newaxis] + target_steps(
            0, self.horizon
        )
        return index

    def inputs(self, starts: Array) -> Array:
        """The windows that begin at `starts`, float32 `(windows, window, input_size)`, zeros behind shorter ones."""
        steps = np.arange(self.window)
        if self.shorter is None:
            windows: Array = self.x[starts[:, np.newaxis] + steps]
            return windows
        counts = (steps < self.lengths(starts)[:, np.newaxis])[
            ..., np.newaxis
        ]  # (windows, window, 1)
        # A shorter window may stand at the table's end, where there are no rows behind it.
        return np.where(
            counts,
            self.x[np.minimum(starts[:, np.newaxis] + steps, len(self.x) - 1)],
            np.float32(0),
        )

    def targets(self, starts: Array) -> Array:
        """The true outputs of these windows, target by target: float64 `(windows, targets * max(horizon, 1))`."""
        return by_target(self.y[self.target_index(starts)])

    def rows(self, part: str) -> Array:
        """Every row that an input window of this part touches, int64, ordered."""
        starts = self.parts[part]
        touched, lengths = np.zeros(len(self.x), bool), self.lengths(starts)
        for step in range(self.window):
            touched[starts[lengths > step] + step] = True
        return np.flatnonzero(touched)

    def target_rows(self, part: str) -> Array:
        """Every row that this part predicts, int64, ordered."""
        touched = np.zeros(len(self.x), bool)
        touched[self.target_index(self.parts[part])] = True
        return np.flatnonzero(touched)


def target_steps(window: int, horizon: int) -> Array:
    """Target rows counted from a window's first row: the rows after its last, or with horizon 0 the last itself."""
    return np.arange(window, window + horizon) if horizon else np.array([window - 1])


def by_target(values: Array) -> Array:
    """`(windows, steps, targets)` to `(windows, targets * steps)`, target by target as in `Signature.outputs`."""
    flat: Array = values.swapaxes(1, 2).reshape(len(values), -1)
    return flat


def input_signature(table: Table, options: TrainingOptions) -> Signature:
    """The interface that training on this table will have, ranges still unknown.

    Raises:
        InputError: a named column is missing, or no input is left.
    """
    features = _features(table, options)
    for name in (*options.targets, *options.units):
        _ = table[name]  # raises for a column that is not there
    columns = [Column(name, options.units.get(name, "")) for name in features]
    columns += [Column(name) for name in calendar_columns(options.calendar)]
    return Signature(
        input_size=len(columns),
        output_size=len(options.targets) * max(options.horizon, 1),
        features=tuple(columns),
        targets=tuple(Column(name, options.units.get(name, "")) for name in options.targets),
        window=options.window,
        horizon=options.horizon,
        time=options.time,
        time_step=time_step_of(table, options.time, options.group) if options.time else None,
        calendar=options.calendar,
        group=options.group,
    )


def _features(table: Table, options: TrainingOptions) -> tuple[str, ...]:
    if options.features is not None:
        return options.features
    others = {
        *options.targets,
        options.time,
        options.group,
        "",
    }  # "" heads the index that pandas writes
    features = tuple(name for name in table.names if name not in others and table.is_numeric(name))
    if not features and not options.calendar:
        raise InputError(
            f"{table.title} has no numeric column besides the targets; name the inputs with features"
        )
    return features


def build_samples(table: Table, signature: Signature, options: TrainingOptions) -> Samples:
    """Every usable window of the table, split into parts.

    Raises:
        InputError: a cell cannot be used, or a part that was asked for has no window.
    """
    runs = series_of(table, signature, options.missing)
    y = np.stack([table.numbers(name) for name in options.targets], axis=1)  # (table rows, targets)
    if options.missing == "refuse":
        for row, column in np.argwhere(np.isnan(y))[:1]:
            place = table.place(options.targets[column], row)
            raise InputError(
                f"{place} is empty or NaN, expected a target; repair it, or drop such rows as the option says"
            )
    starts, lengths = _starts(runs, options)
    rows = np.concatenate([run.rows for run in runs]) if runs else np.empty(0, np.int64)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(run.group for run in runs))}
    group = np.repeat([numbers[run.group] for run in runs], [len(run) for run in runs])
    predicted = (starts + lengths)[:, np.newaxis] + target_steps(0, options.horizon)
    known = np.isfinite(y[rows][predicted]).all(axis=(1, 2))
    starts, lengths = starts[known], lengths[known]
    if not len(starts):
        longest = max((len(run) for run in runs), default=0)
        raise InputError(
            f"{table.title} yields no window: its longest stretch without a gap has {longest} rows, "
            f"window {options.window} with horizon {options.horizon} needs {least_rows(options)}"
        )
    parts = (
        _split_groups(starts, group, options)
        if options.group
        else _split_rows(starts, len(rows), options)
    )
    _check_parts(parts, options)
    x = np.concatenate([run.x for run in runs])
    times = np.concatenate([run.times for run in runs])
    shorter = None
    if (lengths < options.window).any():
        shorter = np.zeros(len(x), np.int64)
        shorter[starts] = np.where(lengths < options.window, lengths, 0)
    return Samples(x, y[rows], times, group, parts, options.window, options.horizon, shorter)


def least_rows(options: TrainingOptions) -> int:
    """Rows without a gap that a window and its horizon take at least."""
    return (1 if options.pad else options.window) + options.horizon


def _starts(runs: tuple[Run, ...], options: TrainingOptions) -> tuple[Array, Array]:
    """The first row of every window that fits into one run with its horizon, over all runs' rows, and its length.

    With `pad` a run too short for any is one window of all the rows that its horizon leaves.
    """
    first = np.cumsum([0, *(len(run) for run in runs)])
    rows = [len(run) - options.horizon for run in runs]
    lengths = [min(count, options.window) if options.pad else options.window for count in rows]
    fits = [
        max(count - length + 1, 0) if length > 0 else 0
        for count, length in zip(rows, lengths, strict=True)
    ]
    spans = [np.arange(begin, begin + count) for begin, count in zip(first, fits, strict=False)]
    starts = np.concatenate(spans) if spans else np.empty(0, np.int64)
    return starts, np.repeat(np.array(lengths, np.int64), fits)


def _split_rows(starts: Array, rows: int, options: TrainingOptions) -> dict[str, Array]:
    """Split in time: a window belongs to the part that holds all its target rows, and to none if they straddle two.

    The inputs of a later part may reach back into rows of an earlier one, as they will on the device.
    """
    bounds = np.round(np.cumsum([0.0, *options.split]) * rows).astype(np.int64)
    steps = target_steps(options.window, options.horizon)
    first, last = starts + steps[0], starts + steps[-1]
    inside = [(first >= low) & (last < high) for low, high in itertools.pairwise(bounds)]
    return {part: starts[mask] for part, mask in zip(PARTS, inside, strict=True)}


def _split_groups(starts: Array, group: Array, options: TrainingOptions) -> dict[str, Array]:
    """Split by whole groups in a random order; a part that is asked for gets one group at least."""
    groups = np.unique(group[starts])
    asked = sum(share > 0 for share in options.split)
    if len(groups) < asked:
        raise InputError(
            f"{asked} parts need as many groups with a window, got {len(groups)}; ask for fewer with split"
        )
    order = np.random.default_rng(options.seed).permutation(groups)
    counts = [max(round(share * len(groups)), 1) if share > 0 else 0 for share in options.split[1:]]
    train = max(len(groups) - sum(counts), 1)
    drawn = np.split(order, [train, train + counts[0]])
    return {
        part: starts[np.isin(group[starts], own)] for part, own in zip(PARTS, drawn, strict=True)
    }


def _check_parts(parts: Mapping[str, Array], options: TrainingOptions) -> None:
    for part, share in zip(PARTS, options.split, strict=True):
        if share > 0 and not len(parts[part]):
            raise InputError(
                f"the {part} part ({share:.0%}) holds no window of {options.window} rows with horizon "
                f"{options.horizon}; use a shorter window or horizon, or another split"
            )


def batches(starts: Array, size: int = 4096) -> Iterator[Array]:
    """`starts` in pieces, so that evaluation never holds every window at once."""
    return iter(np.split(starts, range(size, len(starts), size)))
