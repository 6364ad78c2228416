"""How `train` fits a model, what it tries, and what it writes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import choices

Output = Annotated[Path, typer.Option("-o", "--output", help="Where the checkpoint goes.")]

# The network
HiddenSize = Annotated[int, typer.Option(help="Width of the LSTM.")]
NumLayers = Annotated[int, typer.Option(help="Number of stacked LSTM layers.")]
Dropout = Annotated[float, typer.Option(help="Share dropped between layers and before the output.")]

# The fit
Epochs = Annotated[
    int | None,
    typer.Option(help="Most passes over the data; by default 20, or up to 100 of few windows."),
]
BatchSize = Annotated[int, typer.Option(help="Windows in a training step.")]
LearningRate = Annotated[float, typer.Option(help="Adam's learning rate, which falls to a tenth.")]
Loss = Annotated[choices.Loss, typer.Option(help="What training minimises.")]

# The answer
Predict = Annotated[
    choices.Predict,
    typer.Option(
        help="The level of the targets, their change from the last value, or what a ridge "
        "regression leaves, which the model adds again; auto takes the better on validation."
    ),
]
Quantiles = Annotated[
    str,
    typer.Option(help="Quantiles to learn and answer too, such as 0.05,0.95.", metavar="LEVEL,.."),
]
Interval = Annotated[
    float,
    typer.Option(
        help="Share of the truth that an interval around each answer should hold, such as 0.9; "
        "calibrated on validation.",
    ),
]

# What keeps a fit steady
Averaging = Annotated[
    float,
    typer.Option(help="Decay of the average of the weights that is kept; 0 for no average."),
]
Clip = Annotated[float, typer.Option(help="Largest norm of the gradient; 0 for no clipping.")]
Patience = Annotated[
    int | None,
    typer.Option(
        help="Epochs without progress before it stops, 0 for never; by default a quarter of "
        "them, 8 at least."
    ),
]

# Several runs
Seed = Annotated[
    int, typer.Option(help="Seed of all random numbers: the same seed gives the same model.")
]
Seeds = Annotated[
    int, typer.Option(help="Seeds to train, from --seed on; the best on validation is kept.")
]
Ensemble = Annotated[
    bool,
    typer.Option(
        "--ensemble", help="Keep the networks of all seeds: the model answers their mean."
    ),
]
Backtest = Annotated[
    int,
    typer.Option(help="Runs on earlier rows alone, each judged on the rows that followed."),
]

# The search for better options
Budget = Annotated[
    str | None,
    typer.Option(
        help="Search for better options for so long, such as 10min; the best on validation is "
        "kept.",
        metavar="TIME",
    ),
]
Trials = Annotated[
    int | None, typer.Option(help="Search for better options with so many trainings.")
]
Search = Annotated[
    str,
    typer.Option(
        help="What a search varies, of window, hidden_size, batch_size, learning_rate, "
        "num_layers and dropout.",
        metavar="NAME,..",
    ),
]

# The machine, and what is kept
Resume = Annotated[
    Path | None,
    typer.Option(
        help="Go on with an interrupted run of the same options, from what it wrote.",
        metavar="FILE",
    ),
]
Device = Annotated[str, typer.Option(help="Where to train: auto, cpu, cuda, ...")]
RealWindows = Annotated[
    bool, typer.Option(help="Keep 32 windows of the data in the checkpoint, for verification.")
]

# What is written beside the checkpoint
Report = Annotated[
    Path | None, typer.Option(help="Write the run as one HTML page.", metavar="FILE")
]
Figures = Annotated[
    Path | None,
    typer.Option(
        help="Draw the charts of the run as PNG files; needs the plot extra.", metavar="FOLDER"
    ),
]
Tensorboard = Annotated[
    Path | None,
    typer.Option(help="Keep losses and errors as event files of TensorBoard.", metavar="FOLDER"),
]
Mlflow = Annotated[
    str | None,
    typer.Option(
        help="Keep losses and errors as a run of MLflow: a server's address, or "
        "sqlite:///mlflow.db.",
        metavar="URI",
    ),
]
