"""The output of `lstm-export evaluate`: errors by step and by group, and the cost of artifacts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from .show_training import coverage_lines, data_lines
from .text_table import digits, text_table

if TYPE_CHECKING:
    from ..evaluation import Cost, ErrorFigures, Evaluation
    from ..model import Column

MOST_STEPS = 6  # columns; --json has every step
MOST_GROUPS = 12


def evaluation_lines(evaluation: Evaluation) -> Iterator[str]:
    """An evaluation as text."""
    yield from data_lines(evaluation.data)
    yield f"\njudged {evaluation.why}"
    for column in evaluation.signature.targets:
        own = [figures for figures in evaluation.figures if figures.target == column.name]
        yield from _error_lines(column, own)
        yield from coverage_lines(evaluation.coverage, column)
    if evaluation.costs:
        yield "\nwhat deployment costs, RMSE\n"
        yield text_table(_cost_rows(evaluation.costs))


def _error_lines(column: Column, figures: Sequence[ErrorFigures]) -> Iterator[str]:
    from ..evaluation.error_figures import few_of

    unit = f" in {column.unit}" if column.unit else ""
    whole = [entry for entry in figures if entry.step is None and entry.group is None]
    known_steps = sorted({entry.step for entry in figures if entry.step is not None})
    steps = few_of(known_steps, MOST_STEPS)
    heads = [f"t+{step}" for step in steps]
    rows = [["", "RMSE", "MAE", *heads, "windows"]]
    for entry in whole:
        by_step = {}
        for other in figures:
            if other.predictor == entry.predictor and other.step is not None:
                by_step[other.step] = digits(other.rmse)
        cells = [digits(entry.rmse), digits(entry.mae), *(by_step[step] for step in steps)]
        rows.append([entry.predictor, *cells, f"{entry.windows:,}"])
    by_what = ", RMSE also by step ahead" if steps else ""
    yield f"\nerror of {column.name}{unit}{by_what}\n"
    yield text_table(rows)
    if any(entry.group is not None for entry in figures):
        yield f"\nRMSE of {column.name}{unit} by group\n"
        yield text_table(_group_rows(figures, [entry.predictor for entry in whole]))


def _group_rows(figures: Sequence[ErrorFigures], predictors: Sequence[str]) -> list[list[str]]:
    from ..evaluation.error_figures import by_group

    rows = [["", *predictors, "windows"]]
    groups = list(by_group(figures, predictors))
    for name, errors, windows in groups[:MOST_GROUPS]:
        cells = ["-" if rmse is None else digits(rmse) for rmse in errors]
        rows.append([name, *cells, f"{windows:,}"])
    more = len(groups) - MOST_GROUPS
    if more > 0:
        rows.append([f"and {more:,} more, which --json lists", *[""] * (len(predictors) + 1)])
    return rows


def _cost_rows(costs: Sequence[Cost]) -> list[list[str]]:
    rows = [["", "target", "artifact", "model", "more", "an answer moves by at most"]]
    for cost in costs:
        more = cost.rmse - cost.model_rmse
        share = more / cost.model_rmse if cost.model_rmse else 0.0
        rounded = round(share, 5) + 0.0  # + 0.0 makes 0 of -0, which would be shown as -0.000%
        errors = [digits(cost.rmse), digits(cost.model_rmse), f"{rounded:+.3%}"]
        rows.append([cost.artifact, cost.target, *errors, f"{cost.largest_change:.2g}"])
    return rows
