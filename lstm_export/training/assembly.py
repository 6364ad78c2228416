"""What is trained and what is kept around it: scaled windows, the chain, the columns' ranges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..model import LSTM, Affine, Array, Column, LastStep, Linear, Model, Signature
from .history import Trained
from .options import TrainingOptions
from .samples import Samples
from .scaling import fit_scaler
from .tensors import Windows

REAL_WINDOWS = 32


def scalers_of(samples: Samples, options: TrainingOptions) -> tuple[Affine, Affine]:
    """The scalers of x `(input_size,)` and y `(output_size,)`, fitted on training rows."""
    x = samples.x[samples.rows("train")].astype(np.float64)
    steps = max(options.horizon, 1)
    y = np.repeat(samples.y[samples.target_rows("train")], steps, axis=1)  # (rows, answers)
    x_offset, x_scale = fit_scaler(x, options.scaler)
    y_offset, y_scale = fit_scaler(y, options.scaler)
    inputs = Affine("input_scaler", x_offset, x_scale)
    return inputs, Affine("output_scaler", y_offset, y_scale, inverse=True)


def scaled_parts(
    samples: Samples, inputs: Affine, outputs: Affine
) -> Iterator[tuple[str, Windows]]:
    """The parts that are learned from, as the core of the chain sees them: float32, what the
    scaler stages would hand over."""
    x = (samples.x - inputs.offset) / inputs.scale
    for part in ("train", "validation"):
        starts = samples.parts[part]
        if len(starts):
            y = (samples.targets(starts) - outputs.offset) / outputs.scale
            lengths = None if samples.shorter is None else samples.lengths(starts)
            yield part, Windows(x, y.astype(np.float32), starts, samples.window, lengths)


def chain_of(trained: Trained, inputs: Affine, outputs: Affine, signature: Signature) -> Model:
    """Scaler, LSTM, last step, Linear, inverse scaler; quantiles share the scale of answers."""
    fc = Linear("fc", trained.fc["weight"], trained.fc["bias"])
    times = 1 + len(signature.quantiles)
    scaler = Affine(
        outputs.name, np.tile(outputs.offset, times), np.tile(outputs.scale, times), inverse=True
    )
    stages = (inputs, LSTM("lstm", trained.lstm), LastStep("last"), fc, scaler)
    return Model(stages, signature, origin="stored")


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
