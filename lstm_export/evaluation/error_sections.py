"""The sections of a page about errors and about the data they were taken on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from ..model import Column
from ..pages import Markup, element, legend, number, plain, row, section, table
from ..training import Coverage, DataReport, Epoch, Score, Searched, TrainingResult
from ..training.answers import MODEL, Answers
from ..training.data_report import FATES
from .error_charts import losses_chart, residuals, scatter, steps_chart, time_line
from .error_figures import ErrorFigures, by_group, of_whole

WORDS_FOR_FATES = ("used", "lost to gaps", "to missing cells", "at edges")
MOST_GROUPS = 60


def of_target(
    answers: Answers,
    figures: Sequence[ErrorFigures],
    column: Column,
    drawn: Sequence[str],
) -> Iterator[Markup]:
    """Everything about one target: its errors, by step and group, and the model's answers.

    Args:
        answers: of every predictor.
        figures: their errors.
        column: the target.
        drawn: the predictors that get a line of their own, the model first.
    """
    predictor = drawn[0]
    own = [entry for entry in figures if entry.target == column.name]
    name = f"{column.name} ({column.unit})" if column.unit else column.name
    yield section(f"Error of {name}", _errors(of_whole(figures, column.name)))
    if answers.steps > 1:
        yield section(f"RMSE of {name} by step", steps_chart(own, drawn))
    if any(entry.group is not None for entry in own):
        yield section(f"RMSE of {name} by group", _groups(own, list(answers.predicted)))
    yield section(f"{name}, predicted and measured", *_over_time(answers, predictor, column.name))
    yield section(f"{name}, predicted against measured", scatter(answers, predictor, column.name))
    errors = answers.errors(predictor, column.name)
    about = "percent of all answers; the outermost bars hold what lies beyond"
    chart = residuals(errors)
    yield section(f"Residuals of {name}", element("p", about), chart)


def _errors(figures: Sequence[ErrorFigures]) -> Markup:
    """A row a predictor; the smallest RMSE stands out."""
    best = plain(min(entry.rmse for entry in figures))
    rows = []
    for entry in figures:
        cells = [number(plain(value)) for value in (entry.rmse, entry.mae, entry.bias)]
        kind = "best" if plain(entry.rmse) == best else "other"
        windows = number(f"{entry.windows:,}")
        rows.append(row(entry.predictor, *cells, windows, class_=kind))
    return table(("", "RMSE", "MAE", "mean error", "windows"), rows)


def _groups(figures: Sequence[ErrorFigures], predictors: Sequence[str]) -> Markup:
    rows = []
    for name, errors, windows in islice(by_group(figures, predictors), MOST_GROUPS):
        cells = [number("-" if rmse is None else plain(rmse)) for rmse in errors]
        rows.append(row(name, *cells, number(f"{windows:,}")))
    return table(("", *predictors, "windows"), rows)


def _over_time(answers: Answers, predictor: str, target: str) -> Iterator[Markup]:
    kinds = {"true": "measured", "series0": "predicted"}
    if predictor in answers.quantiles:
        kinds["allowed"] = "between the outermost quantiles"
    yield legend(kinds)
    series = answers.groups[-1]
    if series:
        yield element("p", f"The latest windows of {series}.")
    yield time_line(answers, predictor, target, 0)
    if answers.steps > 1:
        yield element("p", f"Above the first of {answers.steps} steps ahead, below the last:")
        yield time_line(answers, predictor, target, answers.steps - 1)


def of_coverage(found: Sequence[Coverage], targets: Sequence[Column]) -> Iterator[Markup]:
    """How much of each part the intervals hold, and how wide they are in the target's unit."""
    if not found:
        return
    units = {column.name: column.unit for column in targets}
    rows = []
    for entry in found:
        between = f"q{entry.low:g}, q{entry.high:g}"
        shares = [number(entry.level_text), number(f"{entry.share:.1%}")]
        width = number(f"{plain(entry.width)} {units[entry.target]}".rstrip())
        rows.append(row(entry.part, entry.target, between, *shares, width))
    heads = ("part", "", "between", "is meant to hold", "holds", "mean width")
    yield section("Intervals", table(heads, rows))


def of_runs(result: TrainingResult) -> Iterator[Markup]:
    """The other seeds, and runs on earlier rows alone: RMSE of the model."""
    rows = []
    for run in result.seeds:
        is_kept = run.seed == result.facts["seed"] and not result.facts["options"]["ensemble"]
        rows.append(_run(f"seed {run.seed}", run.scores, is_kept))
    for origin in result.backtest:
        own = [score for score in origin.scores if score.predictor == MODEL]
        rows.append(_run(f"judged on {origin.first} to {origin.last}", own, is_kept=False))
    if rows:
        heads = ("run", *(f"RMSE of {column.name}" for column in result.model.signature.targets))
        yield section("Other runs", table(heads, rows))


def of_search(search: Searched | None) -> Iterator[Markup]:
    """The trials in their order; the best stands out."""
    if search is None:
        return
    names = list(search.trials[0].options)
    rows = []
    for index, trial in enumerate(search.trials):
        values = [number(f"{trial.options[name]:.4g}") for name in names]
        rmse = number("-" if trial.rmse is None else plain(trial.rmse))
        kind = "best" if index == search.best else "other"
        epochs = number(str(trial.epochs))
        rows.append(row(str(index), *values, epochs, rmse, class_=kind))
    about = (
        "The first has the options as they were given. RMSE in standard deviations, on the "
        f"{search.windows:,} validation windows that all of them have."
    )
    heads = ("trial", *names, "epochs", "RMSE")
    yield section("Search", element("p", about), table(heads, rows))


def _run(name: str, scores: Sequence[Score], is_kept: bool) -> Markup:
    cells = [number(plain(score.rmse)) for score in scores]
    return row(name, *cells, class_="best" if is_kept else "other")


def of_data(data: DataReport) -> Markup:
    """What became of the rows, by part and by group."""
    rows = []
    for part in data.parts:
        if not any(part.windows.values()):
            continue
        counts = [number(f"{part.windows[fate]:,}") for fate in FATES]
        span = f"{part.first} to {part.last}" if part.first else "-"
        rows.append(row(part.part, *counts, number(span)))
    about = f"{data.rows:,} rows, {data.first} to {data.last}."
    if data.first_gap:
        about += f" The first gap in time is at {data.first_gap}."
    parts = [element("p", about), table(("part", *WORDS_FOR_FATES, "predicts"), rows)]
    if len(data.groups) > 1:
        parts.append(_groups_of_data(data))
    return section("What became of the data", *parts)


def _groups_of_data(data: DataReport) -> Markup:
    rows = []
    for group in data.groups[:MOST_GROUPS]:
        used = [number(f"{count:,}") for count in group.parts.values()]
        lost = [number(f"{group.windows[fate]:,}") for fate in FATES[1:]]
        rows.append(row(group.group, number(f"{group.rows:,}"), *used, *lost))
    parts = [part.part for part in data.parts]
    return table(("group", "rows", *parts, *WORDS_FOR_FATES[1:]), rows)


def of_losses(history: Sequence[Epoch], best: int) -> Markup:
    """The losses by epoch."""
    last = history[-1]
    about = f"The best epoch was {best}; training ended after {last.epoch} of {last.epochs}."
    return section("Loss", element("p", about), losses_chart(history))
