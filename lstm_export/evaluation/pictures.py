"""The charts of a training run as PNG files, for papers and slides."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import require
from ..files import check_folder, replacing
from ..model import Column
from ..training import Epoch, TrainingResult
from ..training.answers import MODEL, Answers, rmse_of
from .error_charts import MOST_LINES, latest_windows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOSS = "loss.png"
MEASURED = "#222222"
PREDICTED = "#d1495b"
BINS = 41


def check_pictures(folder: Path) -> None:
    """Refuse a folder before anything is trained for it.

    Raises:
        MissingDependency: matplotlib is not installed.
        InputError: the folder cannot be written.
    """
    require("matplotlib", "plot", "drawing figures")
    check_folder(folder, "the figures")


def write_pictures(result: TrainingResult, folder: Path) -> tuple[Path, ...]:
    """Draw the losses as `loss.png`, and each target's errors as `target1.png`, `target2.png`, ...

    Raises:
        MissingDependency: matplotlib is not installed.
        InputError: a file cannot be written.
    """
    require("matplotlib", "plot", "drawing figures")
    from matplotlib.figure import Figure

    folder.mkdir(exist_ok=True)
    losses = Figure(figsize=(6, 4), dpi=130, layout="constrained")
    _losses(losses.subplots(), result.history, result.best_epoch)
    figures = {LOSS: losses}
    for number, column in enumerate(result.model.signature.targets, start=1):
        figure = Figure(figsize=(11, 8), dpi=130, layout="constrained")
        _target(figure, result.answers, column)
        figures[f"target{number}.png"] = figure
    for name, figure in figures.items():
        with replacing(folder / name) as partial:
            figure.savefig(partial, format="png")
    return tuple(folder / name for name in figures)


def _losses(axes: Axes, history: Sequence[Epoch], best: int) -> None:
    epochs = [epoch.epoch for epoch in history]
    axes.plot(epochs, [epoch.train_loss for epoch in history], color=MEASURED, label="training")
    validation = [epoch.validation_loss for epoch in history if epoch.validation_loss is not None]
    if validation:
        axes.plot(epochs, validation, color=PREDICTED, label="validation")
    axes.axvline(best, color=MEASURED, linewidth=0.8, linestyle=":", label=f"kept: epoch {best}")
    axes.set(xlabel="epoch", ylabel="loss, scaled units")
    axes.locator_params(axis="x", integer=True)
    axes.legend(frameon=False)


def _target(figure: Figure, answers: Answers, column: Column) -> None:
    """Four charts of one target."""
    unit = f"{column.name} ({column.unit})" if column.unit else column.name
    figure.suptitle(f"{unit}, {answers.part} part")
    ((by_step, over_time), (against, residuals)) = figure.subplots(2, 2)
    _by_step(by_step, answers, column.name)
    place = answers.targets.index(column.name)
    true = answers.true[:, place]  # (windows, steps)
    predicted = answers.predicted[MODEL][:, place]
    latest = latest_windows(answers)
    over_time.plot(true[latest, 0], color=MEASURED, label="measured")
    over_time.plot(predicted[latest, 0], color=PREDICTED, label="predicted")
    series = answers.groups[-1]
    of_series = f" of {series}" if series else ""
    over_time.set(title=f"the latest windows{of_series}, first step ahead", xlabel="windows")
    over_time.legend(frameon=False)
    dots = {"color": PREDICTED, "markersize": 2, "alpha": 0.4}
    against.plot(true.ravel(), predicted.ravel(), ".", **dots)
    ends = [true.min(), true.max()]
    against.plot(ends, ends, color=MEASURED, linewidth=0.8)
    against.set(xlabel="measured", ylabel="predicted")
    errors = (predicted - true).ravel()  # (windows * steps,)
    reach = np.quantile(np.abs(errors), 0.99) or 1.0
    residuals.hist(np.clip(errors, -reach, reach), BINS, color=PREDICTED)
    residuals.set(xlabel="predicted minus measured", ylabel="answers")


def _by_step(axes: Axes, answers: Answers, target: str) -> None:
    """RMSE by step ahead, a line a predictor."""
    steps = range(1, answers.steps + 1)
    for place, predictor in enumerate(list(answers.predicted)[:MOST_LINES]):
        errors = answers.errors(predictor, target)  # (windows, steps)
        by_step = [rmse_of(errors[:, step - 1]) for step in steps]
        above = MOST_LINES - place  # the model, the first, on top
        axes.plot(steps, by_step, "o-", markersize=3, label=predictor, zorder=2 + above)
    axes.set(xlabel="steps ahead", ylabel="RMSE", ylim=(0, None))
    axes.locator_params(axis="x", integer=True)
    axes.legend(frameon=False)
