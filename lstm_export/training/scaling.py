"""Scalers fitted on the training part, and what its columns warn of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from ..model import Array
from . import scratch
from .moments import Moments, moments_of
from .option_values import PARTS, Scaler
from .samples import Samples

NEARLY_CONSTANT = 0.99  # share of rows with the same value
FAR_OUT = 10.0  # training standard deviations beyond the training range


def fit_scaler(blocks: Iterable[Array], kind: Scaler) -> tuple[Array, Array]:
    """Offset and scale `(columns,)` of float64 blocks `(rows, columns)`, rounded once to float32.

    `(values - offset) / scale` has mean 0 and standard deviation 1, or with "minmax" spans -1 .. 1.
    A column that does not vary keeps scale 1.
    """
    seen = moments_of(blocks)
    low = seen.low
    high = seen.high
    if kind == "minmax":
        offset = (low + high) / 2
        scale = (high - low) / 2
    else:
        offset = seen.mean
        scale = seen.deviation
    # Compared by range: the standard deviation of a constant column can round to 1e-17 and not 0.
    scale = np.where(high > low, scale, 1.0).astype(np.float32)
    scale = np.where(scale > 0, scale, np.float32(1.0))  # float32 can round it to 0
    return offset.astype(np.float32), scale


def column_warnings(samples: Samples, names: Sequence[str]) -> Iterator[str]:
    """Measured inputs that hardly vary in training, or leave its range later: a sentence each."""
    parts = [part for part in PARTS if len(samples.parts[part])]
    seen = {part: moments_of(samples.inputs_of(part)) for part in parts}
    train = _looked_at(samples, seen["train"].count)
    for index, name in enumerate(names):
        yield from _nearly_constant(name, train[:, index])
        yield from _far_out(name, index, seen)


def _looked_at(samples: Samples, rows: int) -> Array:
    """The training rows of x, or so many of them, evenly spread, as may be sorted at once."""
    step = -(-rows * samples.x.shape[1] // scratch.VALUES_AT_ONCE)  # rounded up
    # copies, since a view of every step-th row would keep its whole block in memory
    return np.concatenate([x[::step].copy() for x in samples.inputs_of("train")])


def _nearly_constant(name: str, column: Array) -> Iterator[str]:
    values, counts = np.unique(column, return_counts=True)
    share = counts.max() / len(column)
    usual = values[counts.argmax()]
    if share == 1:
        yield (
            f"{name} is {usual:g} throughout the training part: it carries nothing; leave it out"
        )
    elif share >= NEARLY_CONSTANT:
        yield (
            f"{name} is {usual:g} in {share:.1%} of the training rows: nearly constant; "
            "rare values reach the model many deviations out, so leave it out unless they matter"
        )


def _far_out(name: str, index: int, seen: Mapping[str, Moments]) -> Iterator[str]:
    deviation = seen["train"].deviation[index] or 1.0
    low = seen["train"].low[index]
    high = seen["train"].high[index]
    for part in PARTS[1:]:
        if part not in seen:
            continue
        later = seen[part]
        beyond = max(later.high[index] - high, low - later.low[index]) / deviation
        if beyond > FAR_OUT:
            yield (
                f"{name} leaves its training range ({low:g} to {high:g}) by {beyond:.0f} training "
                f"standard deviations in the {part} part; expect larger errors there"
            )
