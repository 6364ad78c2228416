"""lstm-export train."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..errors import InputError
from ..files import check_output, write_bytes
from . import show_training
from .again import command_again
from .options import choices, shared, training_data, training_run
from .training_arguments import options_of, search_of
from .training_bar import TrainingWarnings, training_bar

if TYPE_CHECKING:
    from ..training import TrainingResult

WRITES = ("report", "figures", "tensorboard", "mlflow", "as_json")  # what does not change the model


def train(  # noqa: PLR0913, PLR0917 - the options of a command
    context: typer.Context,
    data: training_data.Table,
    target: training_data.Target,
    output: training_run.Output = Path("model.pt"),
    features: training_data.Features = None,
    exclude_past: training_data.ExcludePast = False,
    categorical: training_data.Categorical = "",
    unknown_level: training_data.UnknownLevel = choices.UnknownLevel.error,
    window: training_data.Window = 24,
    horizon: training_data.Horizon = 1,
    time: training_data.Time = None,
    calendar: training_data.Calendar = "",
    country: training_data.Country = None,
    group: training_data.Group = None,
    pad: training_data.Pad = False,
    split: training_data.Split = "0.7,0.15,0.15",
    split_by: training_data.SplitBy = None,
    split_seed: training_data.SplitSeed = None,
    missing: shared.Missing = choices.Missing.refuse,
    missing_values: training_data.MissingValues = "",
    time_format: training_data.TimeFormat = None,
    timezone: training_data.Timezone = None,
    decimal: training_data.Decimal = ".",
    separator: training_data.Separator = None,
    skip_rows: training_data.SkipRows = 0,
    step: training_data.Step = None,
    tolerance: training_data.Tolerance = None,
    units: training_data.Units = None,
    scaler: training_data.Scaler = choices.Scaler.standard,
    hidden_size: training_run.HiddenSize = 32,
    num_layers: training_run.NumLayers = 1,
    dropout: training_run.Dropout = 0.0,
    epochs: training_run.Epochs = None,
    batch_size: training_run.BatchSize = 64,
    learning_rate: training_run.LearningRate = 6e-3,
    loss: training_run.Loss = choices.Loss.mse,
    predict: training_run.Predict = choices.Predict.auto,
    quantiles: training_run.Quantiles = "",
    interval: training_run.Interval = 0.0,
    averaging: training_run.Averaging = 0.995,
    clip: training_run.Clip = 1.0,
    patience: training_run.Patience = None,
    seed: training_run.Seed = 0,
    seeds: training_run.Seeds = 1,
    ensemble: training_run.Ensemble = False,
    backtest: training_run.Backtest = 0,
    budget: training_run.Budget = None,
    trials: training_run.Trials = None,
    search: training_run.Search = "window,hidden_size,learning_rate",
    resume: training_run.Resume = None,
    device: training_run.Device = "auto",
    real_windows: training_run.RealWindows = True,
    report: training_run.Report = None,
    figures: training_run.Figures = None,
    tensorboard: training_run.Tensorboard = None,
    mlflow: training_run.Mlflow = None,
    as_json: shared.AsJson = False,
) -> None:
    """Train on a table, and compare with simple baselines."""
    from .. import pipeline
    from ..training import is_first
    from ..training.tracking import tracked

    options = options_of(context.params)
    wanted_search = search_of(context.params)
    runs = trials if wanted_search else options.seeds + options.backtest
    _check_outputs(data, output, report, figures)
    warnings = TrainingWarnings()
    folder = tensorboard if is_first() else None
    uri = mlflow if is_first() else None
    with training_bar(runs) as bar, tracked(options, folder, uri, bar) as tracking:
        result = pipeline.train(
            data, output, options, tracking, resume, search=wanted_search, notice=warnings.tell
        )
        tracking.result(result)
    if is_first():
        _write_reports(context, result, output, report, figures)
        warnings.tell_all(result.warnings)
        show_training.show(result, output, as_json)
    _check_finished(result, output)


def _check_outputs(data: Path, output: Path, report: Path | None, figures: Path | None) -> None:
    from ..evaluation.pictures import check_pictures

    if report:
        check_output(report, data, output)
    if figures:
        check_pictures(figures)


def _write_reports(
    context: typer.Context,
    result: TrainingResult,
    output: Path,
    report: Path | None,
    figures: Path | None,
) -> None:
    from ..evaluation.error_page import training_page
    from ..evaluation.pictures import write_pictures

    if report:
        again = command_again(context, WRITES)
        write_bytes(report, training_page(result, output.name, again))
    if figures:
        write_pictures(result, figures)


def _check_finished(result: TrainingResult, output: Path) -> None:
    """A run that ended early is no success, though its best model was kept."""
    if result.lost:
        raise InputError(
            f"{result.lost}; the best of epoch {result.best_epoch} was kept, "
            f"and --resume {output} goes on after epoch {len(result.history)}"
        )
    if result.interrupted:
        raise KeyboardInterrupt(f"kept the best of epoch {result.best_epoch}")
