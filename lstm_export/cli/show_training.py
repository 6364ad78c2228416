"""The output of `lstm-export train`: windows of the data, and the model beside its baselines."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from . import show as shown
from .text_table import digits, text_table

if TYPE_CHECKING:
    from ..model import Column
    from ..training import Coverage, DataReport, Origin, Score, Searched, TrainingResult

MOST_TRIALS = 10
MOST_GROUPS = 12  # that are listed for people; --json lists them all
WORDS_FOR_LOSSES = {
    "lost_to_gaps": "lost to gaps",
    "lost_to_missing_cells": "to missing cells",
    "lost_at_edges": "at edges",
}


def show(result: TrainingResult, output: Path, as_json: bool) -> None:
    """Print a training run, for people or as JSON."""
    if as_json:
        windows = asdict(result.data)
        shown.as_json("train", path=str(output), **result.to_record(), windows=windows)
        return
    typer.echo(f"model  {result.model.describe()}")
    if result.choice and result.choice.is_made:
        typer.echo(f"       {result.choice.describe()}")
    for line in data_lines(result.data):
        typer.echo(line)
    if result.search:
        typer.echo(_search_lines(result.search))
    for column in result.model.signature.targets:
        unit = f" in {column.unit}" if column.unit else ""
        typer.echo(f"\nerror of {column.name}{unit}, RMSE / MAE\n")
        scores = [score for score in result.metrics if score.target == column.name]
        typer.echo(_scores(scores))
        for line in _lines_about(result, column):
            typer.echo(line)
    last = result.history[-1]
    typer.echo(
        f"\nbest epoch {result.best_epoch}, stopped after {last.epoch} of at most {last.epochs}"
    )
    typer.echo(f"wrote {output} ({output.stat().st_size:,} bytes)")


def _lines_about(result: TrainingResult, column: Column) -> Iterator[str]:
    """Intervals, seeds and backtests of a target."""
    yield from coverage_lines(result.coverage, column)
    yield from _seed_lines(result, column)
    yield from _backtest_lines(result.backtest, column)


def _search_lines(search: Searched) -> str:
    """The trials, the best first."""
    names = list(search.trials[0].options)
    rows = [["trial", *names, "epochs", "RMSE"]]
    best_first = sorted(range(len(search.trials)), key=lambda number: _error(search, number))
    for number in best_first[:MOST_TRIALS]:
        trial = search.trials[number]
        values = [f"{trial.options[name]:.4g}" for name in names]
        rmse = "no model" if trial.rmse is None else digits(trial.rmse)
        rows.append([str(number), *values, str(trial.epochs), rmse])
    more = len(search.trials) - MOST_TRIALS
    after = f"\nand {more:,} trials more, which --json lists" if more > 0 else ""
    return (
        f"\nsearch: {len(search.trials)} trials, the first as given; RMSE on {search.windows:,} "
        "validation windows that all have, in standard deviations\n\n"
        f"{text_table(rows)}{after}"
    )


def _error(search: Searched, number: int) -> float:
    rmse = search.trials[number].rmse
    return math.inf if rmse is None else rmse


def _seed_lines(result: TrainingResult, column: Column) -> Iterator[str]:
    """The errors of all seeds, and which was kept."""
    if not result.seeds:
        return
    scores = [score for run in result.seeds for score in run.scores]
    rmse = [score.rmse for score in scores if score.target == column.name]
    names = ", ".join(str(run.seed) for run in result.seeds)
    mean = statistics.fmean(rmse)
    spread = statistics.stdev(rmse) if len(rmse) > 1 else 0.0
    if result.facts["options"]["ensemble"]:
        kept = "the model answers the mean of all"
    else:
        kept = f"seed {result.facts['seed']} is kept, the best on validation"
    yield (
        f"seeds {names}: RMSE {', '.join(map(digits, rmse))} on the {result.answers.part} part, "
        f"mean {digits(mean)}, standard deviation {digits(spread)}; {kept}"
    )


def _backtest_lines(origins: Sequence[Origin], column: Column) -> Iterator[str]:
    """A row a run: the rows that it was judged on, and the errors there."""
    if not origins:
        return
    predictors = list(dict.fromkeys(score.predictor for score in origins[-1].scores))
    rows = [["judged on", *predictors]]
    for origin in origins:
        rmse = {}
        for score in origin.scores:
            if score.target == column.name:
                rmse[score.predictor] = digits(score.rmse)
        cells = [rmse.get(predictor, "-") for predictor in predictors]
        rows.append([f"{origin.first} to {origin.last}", *cells])
    yield "\nRMSE of runs on the rows before alone\n"
    yield text_table(rows)


def coverage_lines(coverages: Sequence[Coverage], column: Column) -> Iterator[str]:
    """How much of each part the intervals of a target hold, and how wide they are."""
    own = [coverage for coverage in coverages if coverage.target == column.name]
    levels = dict.fromkeys((coverage.low, coverage.high, coverage.level_text) for coverage in own)
    for low, high, meant in levels:
        parts = []
        for coverage in own:
            if (coverage.low, coverage.high) == (low, high):
                width = f"{digits(coverage.width)} {column.unit}".rstrip()
                parts.append(f"{coverage.share:.1%} of {coverage.part} ({width} wide)")
        yield f"q{low:g} to q{high:g} hold {', '.join(parts)}; {meant} is meant"


def data_lines(data: DataReport) -> Iterator[str]:
    """Lines on the rows, then the windows of every part, then those of every group."""
    yield f"data   {data.rows:,} rows, {data.first} to {data.last}"
    gaps = sum(group.gaps for group in data.groups)
    if gaps:
        plural = "s" if gaps > 1 else ""
        yield f"       {gaps:,} gap{plural} in time, the first at {data.first_gap}"
    rows = [["part", "used", *WORDS_FOR_LOSSES.values(), "predicts"]]
    for part in data.parts:
        span = f"{part.first} to {part.last}" if part.first else "-"
        rows.append([part.part, *_counts(part.windows), span])
    if len(data.parts) > 1:
        whole = {fate: data.count(fate) for fate in ("used", *WORDS_FOR_LOSSES)}
        rows.append(["all", *_counts(whole), ""])
    yield ""
    yield text_table(rows)
    if len(data.groups) > 1:
        yield ""
        yield from _group_lines(data)


def _counts(windows: Mapping[str, int]) -> list[str]:
    return [f"{windows[fate]:,}" for fate in ("used", *WORDS_FOR_LOSSES)]


def _group_lines(data: DataReport) -> Iterator[str]:
    """The windows that each part has of each group, and those that the group lost."""
    parts = [part.part for part in data.parts]
    rows = [["group", "rows", *parts, *WORDS_FOR_LOSSES.values()]]
    for group in data.groups[:MOST_GROUPS]:
        used = [f"{group.parts[part]:,}" for part in parts]
        lost = _counts(group.windows)[1:]
        rows.append([group.group, f"{group.rows:,}", *used, *lost])
    yield text_table(rows)
    more = len(data.groups) - MOST_GROUPS
    if more > 0:
        yield f"and {more:,} groups more, which --json lists"


def _scores(scores: Sequence[Score]) -> str:
    """A row a predictor, a column a part."""
    from ..training.answers import MODEL

    parts = list(dict.fromkeys(score.part for score in scores))
    rows = [["", *parts]]
    predictors: list[str] = []
    for part in reversed(parts):  # the last part has every predictor: a season needs one before it
        predictors += [score.predictor for score in scores if score.part == part]
    for predictor in dict.fromkeys(predictors):
        cells = {}
        for score in scores:
            if score.predictor == predictor:
                cells[score.part] = f"{digits(score.rmse)} / {digits(score.mae)}"
        rows.append([predictor, *(cells.get(part, "-") for part in parts)])
    windows = [f"{score.windows:,}" for score in scores if score.predictor == MODEL]
    rows.append(["windows", *windows])
    return text_table(rows)
