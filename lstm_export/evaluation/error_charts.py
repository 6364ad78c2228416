"""The charts of a page: errors by step, losses, answers over time, residuals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..model import Array
from ..pages import LinearAxis, Markup, Plot, joined, legend
from ..training import Epoch
from ..training.answers import Answers
from .error_figures import ErrorFigures, few_of

MOST_LINES = 6  # colours of page.css
MOST_MARKS = 8
MOST_POINTS = 400
MOST_WINDOWS = 240
TIMES = 3  # marks below a chart over time
BINS = 41


def steps_chart(figures: Sequence[ErrorFigures], predictors: Sequence[str]) -> Markup:
    """RMSE by step ahead, a line for each predictor."""
    drawn = predictors[:MOST_LINES]
    by_step = [entry for entry in figures if entry.step is not None and entry.predictor in drawn]
    steps = sorted({entry.step for entry in by_step if entry.step is not None})
    plot = Plot(
        LinearAxis.across(steps),
        LinearAxis.up([0.0, *(entry.rmse for entry in by_step)]),
        label="steps ahead",
        said="RMSE by step ahead",
        marks=few_of(steps, MOST_MARKS),
    )
    lines = []
    for index, name in enumerate(drawn):
        own = [entry.rmse for entry in by_step if entry.predictor == name]
        lines.append(plot.line(steps, own, f"series{index}"))
    kinds = {f"series{index}": name for index, name in enumerate(drawn)}
    return joined(legend(kinds), plot.drawn(*reversed(lines)))  # the model's, the first, on top


def losses_chart(history: Sequence[Epoch]) -> Markup:
    """Loss of training and validation by epoch."""
    epochs = [epoch.epoch for epoch in history]
    train = [epoch.train_loss for epoch in history]
    validation = [epoch.validation_loss for epoch in history if epoch.validation_loss is not None]
    plot = Plot(
        LinearAxis.across(epochs),
        LinearAxis.up([0.0, *train, *validation]),
        label="epochs",
        said="loss by epoch",
        marks=few_of(epochs, MOST_MARKS),
    )
    lines = [plot.line(epochs, train, "series1")]
    kinds = {"series1": "training"}
    if validation:
        lines.append(plot.line(epochs, validation, "series0"))
        kinds["series0"] = "validation"
    return joined(legend(kinds), plot.drawn(*lines))


def time_line(answers: Answers, predictor: str, target: str, step: int) -> Markup:
    """What was predicted for a step and what came true, over the latest windows of a series."""
    windows = latest_windows(answers)
    column = answers.targets.index(target)
    true = answers.true[windows, column, step]  # (windows,)
    predicted = answers.predicted[predictor][windows, column, step]
    quantiles = answers.quantiles.get(predictor)  # (windows, quantiles, targets, steps)
    band: list[Array] = []
    if quantiles is not None:
        # the lowest and the highest, between which the band lies
        band = [quantiles[windows, 0, column, step], quantiles[windows, -1, column, step]]
    places = list(range(len(windows)))
    times = answers.times[windows]
    plot = Plot(
        LinearAxis.across(places),
        LinearAxis.up(np.concatenate([true, predicted, *band]).tolist()),
        label="",
        said="predicted and measured over time",
        text=lambda place: _time_text(times[int(place)]),
        marks=_between(len(places)),
    )
    shapes = []
    if band:
        lowest, highest = band
        shapes.append(plot.band(places, lowest.tolist(), highest.tolist()))
    shapes.append(plot.line(places, true.tolist(), "true"))
    shapes.append(plot.line(places, predicted.tolist(), "series0"))
    return plot.drawn(*shapes)


def _time_text(time: object) -> str:
    """The time of day below its date: on one line three of them are too wide for a phone."""
    return str(time).replace("T", "\n").removesuffix(":00")


def scatter(answers: Answers, predictor: str, target: str) -> Markup:
    """Predicted against measured, of windows and steps spread evenly over the part."""
    column = answers.targets.index(target)
    known = answers.is_answered(predictor)
    true = answers.true[known, column].ravel()  # (answered windows * steps,)
    predicted = answers.predicted[predictor][known, column].ravel()
    spread = np.linspace(0, len(true) - 1, min(len(true), MOST_POINTS))
    picked = spread.round().astype(int)
    across = true[picked].tolist()
    up = predicted[picked].tolist()
    plot = Plot(
        LinearAxis.across([*across, *up]),
        LinearAxis.up([*across, *up]),
        label="measured",
        said="predicted against measured",
    )
    ends = [plot.across.low, plot.across.high]
    right = plot.line(ends, ends, "true")
    return plot.drawn(right, plot.dots(across, up))


def residuals(errors: Array) -> Markup:
    """How often errors of each size come; the outermost bars hold what lies beyond."""
    # The largest errors would squeeze all others into one bar.
    reach = float(np.quantile(np.abs(errors), 0.99)) or 1.0
    within = np.clip(errors, -reach, reach)
    counts, edges = np.histogram(within, BINS, (-reach, reach))
    shares = 100 * counts / errors.size
    plot = Plot(
        LinearAxis.across(edges.tolist()),
        LinearAxis.up([0.0, *shares.tolist()]),
        label="predicted minus measured",
        said="residuals, in percent of all answers",
    )
    return plot.drawn(plot.bars(edges.tolist(), shares.tolist()))


def latest_windows(answers: Answers) -> Array:
    """The latest windows of the last series, int64."""
    own: Array = np.flatnonzero(answers.groups == answers.groups[-1])
    return own[-MOST_WINDOWS:]


def _between(count: int) -> list[int]:
    """Places of marks for times, which are wide: none at an end."""
    parts = 2 * TIMES
    return sorted({part * (count - 1) // parts for part in range(1, parts, 2)})
