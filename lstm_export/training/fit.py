"""From a table to a trained model."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import InputError, require
from ..model import LSTM, Affine, Array, Column, LastStep, Linear, Model, Signature
from ..series import Table, TableSource
from ..version import __version__
from .baselines import baselines
from .loop import Progress, Trained, Windows, pick_device, train_loop
from .options import TrainingOptions
from .result import Score, TrainingResult
from .samples import PARTS, Samples, batches, build_samples, input_signature, least_rows
from .scaling import column_warnings, fit_scaler

REAL_WINDOWS = 32


def fit(
    source: TableSource, options: TrainingOptions, progress: Progress | None = None
) -> TrainingResult:
    """Train an LSTM on a table, judge it beside its baselines, and return it with its scalers in the chain.

    Args:
        source: path of a CSV or Parquet file, a Table, a mapping of columns, or a DataFrame.
        progress: called after every epoch.

    Raises:
        InputError: the table cannot be used as the options say.
        MissingDependency: PyTorch is not installed.
    """
    require("torch", "train", "training")
    table = Table.of(source)
    signature = input_signature(table, options)
    samples = build_samples(table, signature, options)
    _refuse_constant_targets(samples, options)
    inputs, outputs = _scalers(samples, options)
    parts = {
        part: _scaled(samples, starts, inputs, outputs)
        for part, starts in samples.parts.items()
        if len(starts)
    }
    trained = train_loop(parts["train"], parts.get("validation"), options, progress)
    model = _model(trained, inputs, outputs, _with_ranges(signature, samples))
    scores = tuple(_scores(model, samples, options))
    return TrainingResult(
        model=model,
        windows=_real_windows(samples) if options.real_windows else None,
        metrics=scores,
        history=trained.history,
        best_epoch=trained.best_epoch,
        facts=_facts(table, options),
        warnings=(
            *column_warnings(samples, [column.name for column in signature.measured]),
            *_short_groups(samples, options),
            *_beaten(scores),
        ),
        interrupted=trained.interrupted,
    )


def _refuse_constant_targets(samples: Samples, options: TrainingOptions) -> None:
    known = samples.y[samples.target_rows("train")]
    for index in np.flatnonzero(np.ptp(known, axis=0) == 0)[:1]:
        value, rows = known[0, index], len(known)
        raise InputError(
            f"target {options.targets[index]!r} is {value:g} in all {rows} rows of the training part: "
            "there is nothing to learn; check the column, or split differently"
        )


def _scalers(samples: Samples, options: TrainingOptions) -> tuple[Affine, Affine]:
    """The scalers of x `(input_size,)` and y `(output_size,)`, fitted on the rows of the training part."""
    x = samples.x[samples.rows("train")].astype(np.float64)
    y = np.repeat(samples.y[samples.target_rows("train")], max(options.horizon, 1), axis=1)
    offset, scale = fit_scaler(x, options.scaler)
    inputs = Affine("input_scaler", offset, scale)
    offset, scale = fit_scaler(y, options.scaler)
    return inputs, Affine("output_scaler", offset, scale, inverse=True)


def _scaled(samples: Samples, starts: Array, inputs: Affine, outputs: Affine) -> Windows:
    """A part as the core of the chain sees it: float32, exactly what the scaler stages would hand over."""
    y = (samples.targets(starts) - outputs.offset) / outputs.scale
    lengths = None if samples.shorter is None else samples.lengths(starts)
    return Windows(
        (samples.x - inputs.offset) / inputs.scale,
        y.astype(np.float32),
        starts,
        samples.window,
        lengths,
    )


def _model(trained: Trained, inputs: Affine, outputs: Affine, signature: Signature) -> Model:
    fc = Linear("fc", trained.fc["weight"], trained.fc["bias"])
    stages = (inputs, LSTM("lstm", trained.lstm), LastStep("last"), fc, outputs)
    return Model(stages, signature, origin="stored")


def _with_ranges(signature: Signature, samples: Samples) -> Signature:
    """The signature with the range of every column over the training part."""
    x, y = samples.x[samples.rows("train")], samples.y[samples.target_rows("train")]
    shortest = int(samples.lengths(samples.parts["train"]).min())
    return replace(
        signature,
        features=_ranged(signature.features, x),
        targets=_ranged(signature.targets, y),
        shortest=shortest if shortest < samples.window else None,
    )


def _ranged(columns: tuple[Column, ...], values: Array) -> tuple[Column, ...]:
    low, high = values.min(axis=0), values.max(axis=0)
    return tuple(
        replace(column, low=float(low[i]), high=float(high[i])) for i, column in enumerate(columns)
    )


def _real_windows(samples: Samples) -> Array | None:
    """Whole windows spread evenly over the validation part, or over the training part where there is none."""
    parts = (samples.parts[part] for part in ("validation", "train"))
    whole = (starts[samples.lengths(starts) == samples.window] for starts in parts)
    starts = next((starts for starts in whole if len(starts)), None)
    if starts is None:
        return None
    picked = (
        np.linspace(0, len(starts) - 1, min(REAL_WINDOWS, len(starts))).round().astype(np.int64)
    )
    return samples.inputs(starts[picked])


def _scores(model: Model, samples: Samples, options: TrainingOptions) -> Iterator[Score]:
    """The whole chain, as it will be exported, and the baselines on every part."""
    predictors: Mapping[str, Callable[[Array], Array]] = {
        "lstm": _predictor(model, samples, options.device),
        **baselines(samples, model.signature, _input_scaler(model)),
    }
    for part in PARTS:
        starts = samples.parts[part]
        if not len(starts):
            continue
        true = samples.targets(starts)
        for name, predict in predictors.items():
            errors = predict(starts) - true  # (windows, targets * steps)
            known = errors[np.isfinite(errors).all(axis=1)]
            if len(known) > len(errors) // 2:  # a season that most windows lack says nothing
                by_target = np.split(known, len(options.targets), axis=1)
                for target, error in zip(options.targets, by_target, strict=True):
                    rmse, mae = float(np.sqrt(np.mean(error**2))), float(np.mean(np.abs(error)))
                    yield Score(part, name, target, rmse, mae, len(known))


def _short_groups(samples: Samples, options: TrainingOptions) -> Iterator[str]:
    """Series that gave no window at all."""
    given = len(np.unique(samples.group))
    used = len(np.unique(samples.group[np.concatenate([*samples.parts.values()])]))
    if used < given:
        rows = least_rows(options)
        longer = "" if options.pad else "; pad learns from shorter ones too"
        yield f"{given - used} of {given} groups are not used: they have no {rows} rows without a gap{longer}"


def _beaten(scores: Sequence[Score]) -> Iterator[str]:
    """A baseline that does better than the model on the latest part that there is."""
    part = scores[-1].part
    for own in (score for score in scores if score.part == part and score.predictor == "lstm"):
        others = [
            score
            for score in scores
            if (score.part, score.target) == (part, own.target) and score is not own
        ]
        best = min(others, key=lambda score: score.rmse, default=own)
        if best.rmse < own.rmse:
            yield (
                f"{best.predictor} predicts {own.target} better than the model on the {part} part, RMSE "
                f"{best.rmse:.4g} against {own.rmse:.4g}: train longer, with more data, or use the simpler method"
            )


def _input_scaler(model: Model) -> Affine:
    scaler = model.stages[0]
    assert isinstance(scaler, Affine)  # noqa: S101, built so in _model
    return scaler


def _predictor(model: Model, samples: Samples, device: str) -> Callable[[Array], Array]:
    from ..model.torch_module import eager, to_module

    run = eager(to_module(model).to(pick_device(device)))

    def predict(starts: Array) -> Array:
        lengths, y = (
            samples.lengths(starts),
            np.empty((len(starts), model.signature.output_size), np.float32),
        )
        for length in np.unique(lengths):
            for rows in batches(np.flatnonzero(lengths == length), 1024):
                y[rows] = run(samples.inputs(starts[rows])[:, :length])
        return y

    return predict


def _facts(table: Table, options: TrainingOptions) -> dict[str, Any]:
    import torch

    data: dict[str, Any] = {"rows": len(table)}
    if table.path:
        data |= {
            "file": table.path.name,
            "sha256": hashlib.sha256(table.path.read_bytes()).hexdigest(),
        }
    versions = {
        "lstm_export": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    versions["torch"] = str(torch.__version__)
    return {
        "seed": options.seed,
        "data": data,
        "options": options.to_record(),
        "versions": versions,
    }
