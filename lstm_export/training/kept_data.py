"""What a model keeps of the data: the range of every column, and a few windows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..model import Array, Column, Signature
from .samples import Samples

REAL_WINDOWS = 32


def with_ranges(signature: Signature, samples: Samples) -> Signature:
    """The signature with the range of every column over the training part."""
    x = samples.x[samples.rows("train")]
    y = samples.y[samples.target_rows("train")]
    shortest = int(samples.lengths(samples.parts["train"]).min())
    return replace(
        signature,
        features=_ranged(signature.features, x),
        targets=_ranged(signature.targets, y),
        shortest=shortest if shortest < samples.window else None,
    )


def _ranged(columns: tuple[Column, ...], values: Array) -> tuple[Column, ...]:
    low = values.min(axis=0).tolist()
    high = values.max(axis=0).tolist()
    ranged = []
    for column, lowest, highest in zip(columns, low, high, strict=True):
        ranged.append(replace(column, low=lowest, high=highest))
    return tuple(ranged)


def real_windows_of(samples: Samples) -> Array | None:
    """Whole windows spread evenly over the validation part, or else over the training part."""
    for part in ("validation", "train"):
        starts = samples.parts[part]
        whole = starts[samples.lengths(starts) == samples.window]
        if len(whole):
            count = min(REAL_WINDOWS, len(whole))
            picked = np.linspace(0, len(whole) - 1, count).round().astype(np.int64)
            return samples.inputs(whole[picked])
    return None
