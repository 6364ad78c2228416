"""From a table to a trained model."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import InputError, require
from ..files import read_bytes
from ..model import LSTM, Affine, Array, Column, LastStep, Linear, Model, Signature
from ..series import Table, TableSource, compact_format
from ..version import __version__
from .answers import Answers
from .causes import beaten
from .data_report import DataReport, data_report, lost_windows
from .intervals import Coverage, coverage_of, off_coverage, with_interval
from .loop import Progress, Trained, train_loop
from .options import TrainingOptions
from .result import TrainingResult
from .samples import Samples
from .scaling import column_warnings, fit_scaler
from .scores import MODEL, answers_by_part, scores_of
from .tensors import Windows
from .windowing import build_samples, input_signature, least_rows, left_out, read_for_training

REAL_WINDOWS = 32


def fit(
    source: TableSource, options: TrainingOptions, progress: Progress | None = None
) -> TrainingResult:
    """Train an LSTM on a table, judge it beside its baselines, return it with scalers in its chain.

    Args:
        source: path of a CSV or Parquet file, a Table, a mapping of columns, or a DataFrame.
        progress: called after every epoch.

    Raises:
        InputError: the table cannot be used as the options say.
        MissingDependency: PyTorch is not installed.
    """
    require("torch", "train", "training")
    table = read_for_training(source, options)
    signature = input_signature(table, options)
    samples = build_samples(table, signature, options)
    _refuse_constant_targets(samples, options)
    inputs, outputs = _scalers(samples, options)
    parts = dict(_scaled_parts(samples, inputs, outputs))
    trained = train_loop(parts["train"], parts.get("validation"), options, progress)
    model = _model(trained, inputs, outputs, _with_ranges(signature, samples))
    if options.interval:
        model = _with_interval(model, samples, options)
    return _result(model, trained, table, samples, options)


def _result(
    model: Model, trained: Trained, table: Table, samples: Samples, options: TrainingOptions
) -> TrainingResult:
    """The model judged on every part."""
    signature = model.signature
    answers = tuple(answers_by_part(model, samples, options))
    scores = tuple(score for of_part in answers for score in scores_of(of_part))
    coverage = tuple(_coverage(answers, signature))
    data = data_report(table, signature, options, samples)
    return TrainingResult(
        model=model,
        windows=_real_windows(samples) if options.real_windows else None,
        data=data,
        metrics=scores,
        coverage=coverage,
        history=trained.history,
        best_epoch=trained.best_epoch,
        facts=_facts(table, options),
        warnings=(
            *_table_warnings(table, data, samples, signature, options),
            *beaten(scores, samples, signature, options, trained.history),
            *off_coverage(coverage),
        ),
        interrupted=trained.interrupted,
        answers=answers[-1],
    )


def _coverage(answers: Sequence[Answers], signature: Signature) -> Iterator[Coverage]:
    for of_part in answers:
        yield from coverage_of(of_part, MODEL, signature.quantiles)


def _table_warnings(
    table: Table, data: DataReport, samples: Samples, signature: Signature, options: TrainingOptions
) -> Iterator[str]:
    """What the table may do to the model, one sentence each."""
    yield from lost_windows(data, signature)
    yield from left_out(table, options)
    yield from _dates_as_inputs(table, signature)
    yield from _data_warnings(samples, signature, options)


def _dates_as_inputs(table: Table, signature: Signature) -> Iterator[str]:
    for column in signature.measured:
        if compact_format(table, column.name):
            yield (
                f"{column.name} holds dates such as {table.text(column.name)[0]} and is read as a "
                "number: name it with --time, or leave it out of --features"
            )


def _data_warnings(
    samples: Samples, signature: Signature, options: TrainingOptions
) -> Iterator[str]:
    yield from column_warnings(samples, [column.name for column in signature.measured])
    yield from _short_groups(samples, options)


def _refuse_constant_targets(samples: Samples, options: TrainingOptions) -> None:
    known = samples.y[samples.target_rows("train")]
    spread = np.ptp(known, axis=0)
    for index in np.flatnonzero(spread == 0)[:1]:
        raise InputError(
            f"target {options.targets[index]!r} is {known[0, index]:g} in all {len(known)} rows of "
            "the training part: there is nothing to learn; check the column, or split differently"
        )


def _scalers(samples: Samples, options: TrainingOptions) -> tuple[Affine, Affine]:
    """The scalers of x `(input_size,)` and y `(output_size,)`, fitted on training rows."""
    x = samples.x[samples.rows("train")].astype(np.float64)
    steps = max(options.horizon, 1)
    y = np.repeat(samples.y[samples.target_rows("train")], steps, axis=1)  # (rows, answers)
    x_offset, x_scale = fit_scaler(x, options.scaler)
    y_offset, y_scale = fit_scaler(y, options.scaler)
    inputs = Affine("input_scaler", x_offset, x_scale)
    return inputs, Affine("output_scaler", y_offset, y_scale, inverse=True)


def _scaled_parts(
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


def _model(trained: Trained, inputs: Affine, outputs: Affine, signature: Signature) -> Model:
    fc = Linear("fc", trained.fc["weight"], trained.fc["bias"])
    times = 1 + len(signature.quantiles)
    scaler = Affine(
        outputs.name, np.tile(outputs.offset, times), np.tile(outputs.scale, times), inverse=True
    )
    stages = (inputs, LSTM("lstm", trained.lstm), LastStep("last"), fc, scaler)
    return Model(stages, signature, origin="stored")


def _with_interval(model: Model, samples: Samples, options: TrainingOptions) -> Model:
    validation = next(
        answers
        for answers in answers_by_part(model, samples, options)
        if answers.part == "validation"
    )
    return with_interval(model, validation, MODEL, options.interval)


def _with_ranges(signature: Signature, samples: Samples) -> Signature:
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


def _real_windows(samples: Samples) -> Array | None:
    """Whole windows spread evenly over the validation part, or else over the training part."""
    for part in ("validation", "train"):
        starts = samples.parts[part]
        whole = starts[samples.lengths(starts) == samples.window]
        if len(whole):
            count = min(REAL_WINDOWS, len(whole))
            picked = np.linspace(0, len(whole) - 1, count).round().astype(np.int64)
            return samples.inputs(whole[picked])
    return None


def _short_groups(samples: Samples, options: TrainingOptions) -> Iterator[str]:
    """Series that gave no window at all."""
    starts = np.concatenate([*samples.parts.values()])
    given = len(np.unique(samples.group))
    used = len(np.unique(samples.group[starts]))
    if used < given:
        rows = least_rows(options)
        longer = "" if options.pad else "; pad learns from shorter ones too"
        yield (
            f"{given - used} of {given} groups are not used: "
            f"they have no {rows} rows without a gap{longer}"
        )


def _facts(table: Table, options: TrainingOptions) -> dict[str, Any]:
    import torch

    data: dict[str, Any] = {"rows": len(table)}
    if table.path:
        data["file"] = table.path.name
        data["sha256"] = hashlib.sha256(read_bytes(table.path, "a table")).hexdigest()
    versions = {
        "lstm_export": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "torch": str(torch.__version__),
    }
    return {
        "seed": options.seed,
        "data": data,
        "options": options.to_record(),
        "versions": versions,
    }
