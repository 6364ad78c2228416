"""What a model keeps of the data: the range of every column, and a few windows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..model import Array, Column, Signature
from .moments import Moments, moments_of
from .samples import Samples

REAL_WINDOWS = 32


def with_ranges(signature: Signature, samples: Samples) -> Signature:
    """The signature with the range of every column over the training part."""
    x = moments_of(samples.inputs_of("train"))
    y = moments_of(samples.targets_of("train"))
    shortest = int(samples.lengths(samples.parts["train"]).min())
    return replace(
        signature,
        features=_ranged(signature.features, x),
        targets=_ranged(signature.targets, y),
        shortest=shortest if shortest < samples.window else None,
    )


def _ranged(columns: tuple[Column, ...], seen: Moments) -> tuple[Column, ...]:
    low = seen.low.tolist()
    high = seen.high.tolist()
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
