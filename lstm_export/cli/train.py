"""lstm-export train."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from ..files import check_output, write_bytes
from . import show, show_training
from .again import command_again
from .training_arguments import options_of, search_of
from .training_bar import TrainingWarnings, training_bar

# The library's words and defaults, repeated here so that --help need not import it; a test compares
# the two.
Scaler = Enum("Scaler", {"standard": "standard", "minmax": "minmax"}, type=str)
SplitBy = Enum("SplitBy", {"time": "time", "group": "group"}, type=str)
Loss = Enum("Loss", {"mse": "mse", "mae": "mae", "huber": "huber"}, type=str)
Predict = Enum(
    "Predict",
    {"level": "level", "change": "change", "correction": "correction", "auto": "auto"},
    type=str,
)
UnknownLevel = Enum("UnknownLevel", {"error": "error", "other": "other"}, type=str)

WRITES = ("report", "figures", "tensorboard", "mlflow", "as_json")  # what does not change the model


def train(  # noqa: PLR0913, PLR0917 - the options of a command
    context: typer.Context,
    data: Annotated[
        Path,
        typer.Argument(
            help="A table: .csv, .csv.gz, .parquet, or a folder of .csv or .parquet.",
            metavar="DATA",
        ),
    ],
    target: Annotated[
        str, typer.Option(help="Columns to predict, with commas between.", metavar="COL,..")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Where the checkpoint goes.")
    ] = Path("model.pt"),
    features: Annotated[
        str | None,
        typer.Option(
            help="Input columns; by default every numeric column except time and group, "
            "with --horizon 0 also except targets.",
            metavar="COL,..",
        ),
    ] = None,
    exclude_past: Annotated[
        bool, typer.Option("--exclude-past", help="Leave the targets out of the default inputs.")
    ] = False,
    categorical: Annotated[
        str,
        typer.Option(
            help="Columns of text, each level of which becomes an input of 0 and 1.",
            metavar="COL,..",
        ),
    ] = "",
    unknown_level: Annotated[
        UnknownLevel,
        typer.Option(
            help="What a text that training did not see is later: an error, or other, with 0 in "
            "all these inputs."
        ),
    ] = UnknownLevel.error,
    window: Annotated[
        int, typer.Option(help="Rows in a window, which is what the model sees.")
    ] = 24,
    horizon: Annotated[
        int, typer.Option(help="Rows ahead to predict; 0 predicts at the window's last row.")
    ] = 1,
    time: Annotated[
        str | None,
        typer.Option(help="Time column: ISO 8601, or numbers that count up.", metavar="COL"),
    ] = None,
    calendar: Annotated[
        str,
        typer.Option(
            help="Inputs derived from the time: hour, weekday, yearday as waves; hour_onehot, "
            "weekday_onehot, month_onehot, week_hour_onehot as a column a value; holiday.",
            metavar="NAME,..",
        ),
    ] = "",
    country: Annotated[
        str | None,
        typer.Option(
            help="Whose public holidays --calendar holiday means: a code such as US or DE-BY.",
            metavar="CODE",
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(help="Columns that tell one series from another.", metavar="COL,.."),
    ] = None,
    pad: Annotated[
        bool, typer.Option("--pad", help="Learn from groups shorter than the window too.")
    ] = False,
    split: Annotated[
        str,
        typer.Option(
            help="Shares of train, validation and test.",
            metavar="A,B,C",
        ),
    ] = "0.7,0.15,0.15",
    split_by: Annotated[
        SplitBy | None,
        typer.Option(
            help="Split each group in order of time, or share out whole groups; "
            "by default in time, and by groups with --pad."
        ),
    ] = None,
    missing: Annotated[
        show.Missing, typer.Option(help="What happens to rows with an empty cell.")
    ] = show.Missing.refuse,
    missing_values: Annotated[
        str,
        typer.Option(
            help="Words for an empty cell beside NA, NaN, null and none.", metavar="WORD,.."
        ),
    ] = "",
    time_format: Annotated[
        str | None,
        typer.Option(
            help="How times are written where not as ISO 8601, such as %d.%m.%Y %H:%M.",
            metavar="FORMAT",
        ),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            help="Where times without an offset are, such as Europe/Berlin; calendars are in it.",
            metavar="ZONE",
        ),
    ] = None,
    decimal: Annotated[
        str, typer.Option(help="Point or comma before a number's fraction.", metavar="CHAR")
    ] = ".",
    separator: Annotated[
        str | None,
        typer.Option(
            help="Between cells: a comma, ;, |, tab or space; by default the likeliest.",
            metavar="CHAR",
        ),
    ] = None,
    skip_rows: Annotated[
        int, typer.Option(help="Lines of a text file that stand before its header.")
    ] = 0,
    step: Annotated[
        str | None,
        typer.Option(
            help="Time from row to row: 5s, 1min, 1h, 1d, business-day, month, quarter, year; by "
            "default what most rows show.",
            metavar="TIME",
        ),
    ] = None,
    tolerance: Annotated[
        str | None,
        typer.Option(help="How far a step may be off and is no gap, such as 5s.", metavar="TIME"),
    ] = None,
    units: Annotated[
        list[str] | None,
        typer.Option(help="Unit of a column; repeat for several.", metavar="COL=UNIT"),
    ] = None,
    scaler: Annotated[
        Scaler, typer.Option(help="How columns are scaled; the scaler is part of the model.")
    ] = Scaler.standard,
    hidden_size: Annotated[int, typer.Option(help="Width of the LSTM.")] = 32,
    num_layers: Annotated[int, typer.Option(help="Number of stacked LSTM layers.")] = 1,
    dropout: Annotated[
        float, typer.Option(help="Share dropped between layers and before the output.")
    ] = 0.0,
    epochs: Annotated[
        int | None,
        typer.Option(help="Most passes over the data; by default 20, or up to 100 of few windows."),
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Windows in a training step.")] = 64,
    learning_rate: Annotated[
        float, typer.Option(help="Adam's learning rate, which falls to a tenth.")
    ] = 6e-3,
    loss: Annotated[Loss, typer.Option(help="What training minimises.")] = Loss.mse,
    predict: Annotated[
        Predict,
        typer.Option(
            help="The level of the targets, their change from the last value, or what a ridge "
            "regression leaves, which the model adds again; auto takes the better on validation."
        ),
    ] = Predict.auto,
    quantiles: Annotated[
        str,
        typer.Option(
            help="Quantiles to learn and answer too, such as 0.05,0.95.", metavar="LEVEL,.."
        ),
    ] = "",
    interval: Annotated[
        float,
        typer.Option(
            help="Share of the truth that an interval around each answer should hold, such as 0.9; "
            "calibrated on validation.",
        ),
    ] = 0.0,
    averaging: Annotated[
        float,
        typer.Option(help="Decay of the average of the weights that is kept; 0 for no average."),
    ] = 0.995,
    clip: Annotated[
        float, typer.Option(help="Largest norm of the gradient; 0 for no clipping.")
    ] = 1.0,
    patience: Annotated[
        int | None,
        typer.Option(
            help="Epochs without progress before it stops, 0 for never; by default a quarter of "
            "them, 8 at least."
        ),
    ] = None,
    seed: Annotated[
        int, typer.Option(help="Seed of all random numbers: the same seed gives the same model.")
    ] = 0,
    seeds: Annotated[
        int, typer.Option(help="Seeds to train, from --seed on; the best on validation is kept.")
    ] = 1,
    ensemble: Annotated[
        bool,
        typer.Option(
            "--ensemble", help="Keep the networks of all seeds: the model answers their mean."
        ),
    ] = False,
    backtest: Annotated[
        int,
        typer.Option(help="Runs on earlier rows alone, each judged on the rows that followed."),
    ] = 0,
    budget: Annotated[
        str | None,
        typer.Option(
            help="Search for better options for so long, such as 10min; the best on validation is "
            "kept.",
            metavar="TIME",
        ),
    ] = None,
    trials: Annotated[
        int | None, typer.Option(help="Search for better options with so many trainings.")
    ] = None,
    search: Annotated[
        str,
        typer.Option(
            help="What a search varies, of window, hidden_size, batch_size, learning_rate, "
            "num_layers and dropout.",
            metavar="NAME,..",
        ),
    ] = "window,hidden_size,learning_rate",
    resume: Annotated[
        Path | None,
        typer.Option(
            help="Go on with an interrupted run of the same options, from what it wrote.",
            metavar="FILE",
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="Where to train: auto, cpu, cuda, ...")] = "auto",
    real_windows: Annotated[
        bool, typer.Option(help="Keep 32 windows of the data in the checkpoint, for verification.")
    ] = True,
    report: Annotated[
        Path | None, typer.Option(help="Write the run as one HTML page.", metavar="FILE")
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option(
            help="Draw the charts of the run as PNG files; needs the plot extra.", metavar="FOLDER"
        ),
    ] = None,
    tensorboard: Annotated[
        Path | None,
        typer.Option(
            help="Keep losses and errors as event files of TensorBoard.", metavar="FOLDER"
        ),
    ] = None,
    mlflow: Annotated[
        str | None,
        typer.Option(
            help="Keep losses and errors as a run of MLflow: a server's address, or "
            "sqlite:///mlflow.db.",
            metavar="URI",
        ),
    ] = None,
    as_json: show.AsJson = False,
) -> None:
    """Train on a table, and compare with simple baselines."""
    from .. import pipeline
    from ..evaluation.error_page import training_page
    from ..evaluation.pictures import check_pictures, write_pictures
    from ..training import is_first
    from ..training.tracking import tracked

    options = options_of(context.params)
    wanted = search_of(context.params)
    runs = trials if wanted else options.seeds + options.backtest
    if report:
        check_output(report, data, output)
    if figures:
        check_pictures(figures)
    warnings = TrainingWarnings()
    folder = tensorboard if is_first() else None
    uri = mlflow if is_first() else None
    with training_bar(runs) as bar, tracked(options, folder, uri, bar) as tracking:
        result = pipeline.train(
            data, output, options, tracking, resume, search=wanted, notice=warnings.tell
        )
        tracking.result(result)
    if report and is_first():
        again = command_again(context, WRITES)
        write_bytes(report, training_page(result, output.name, again))
    if figures and is_first():
        write_pictures(result, figures)
    if is_first():
        warnings.tell_all(result.warnings)
        show_training.show(result, output, as_json)
    if result.lost:
        raise InputError(
            f"{result.lost}; the best of epoch {result.best_epoch} was kept, "
            f"and --resume {output} goes on after epoch {len(result.history)}"
        )
    if result.interrupted:
        raise KeyboardInterrupt(f"kept the best of epoch {result.best_epoch}")
