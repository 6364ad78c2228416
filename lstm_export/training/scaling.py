"""Scalers fitted on the training part, and what its columns warn of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..model import Array
from .options import PARTS, Scaler
from .samples import Samples

NEARLY_CONSTANT = 0.99  # share of rows with the same value
FAR_OUT = 10.0  # training standard deviations beyond the training range


def fit_scaler(values: Array, kind: Scaler) -> tuple[Array, Array]:
    """Offset and scale `(columns,)` of float64 `values (rows, columns)`, rounded once to float32.

    `(values - offset) / scale` has mean 0 and standard deviation 1, or with "minmax" spans -1 .. 1.
    A column that does not vary keeps scale 1.
    """
    low = values.min(axis=0)
    high = values.max(axis=0)
    if kind == "minmax":
        offset = (low + high) / 2
        scale = (high - low) / 2
    else:
        offset = values.mean(axis=0)
        scale = values.std(axis=0)
    # Compared by range: the standard deviation of a constant column can round to 1e-17 and not 0.
    scale = np.where(high > low, scale, 1.0).astype(np.float32)
    return offset.astype(np.float32), np.where(scale > 0, scale, np.float32(1.0))


def column_warnings(samples: Samples, names: Sequence[str]) -> Iterator[str]:
    """Measured inputs that hardly vary in training, or leave its range later: a sentence each."""
    train = samples.x[samples.rows("train")].astype(np.float64)
    for index, name in enumerate(names):
        column = train[:, index]
        yield from _nearly_constant(name, column)
        yield from _far_out(samples, index, name, column)


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


def _far_out(samples: Samples, index: int, name: str, train: Array) -> Iterator[str]:
    deviation = train.std() or 1.0
    low = train.min()
    high = train.max()
    for part in PARTS[1:]:
        later = samples.x[samples.rows(part), index]
        if not len(later):
            continue
        beyond = max(later.max() - high, low - later.min()) / deviation
        if beyond > FAR_OUT:
            yield (
                f"{name} leaves its training range ({low:g} to {high:g}) by {beyond:.0f} training "
                f"standard deviations in the {part} part; expect larger errors there"
            )
