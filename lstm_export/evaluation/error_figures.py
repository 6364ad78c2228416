"""Errors over all windows, by step ahead, and by group."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..model import Array
from ..training.answers import Answers, mae_of, rmse_of


@dataclass(frozen=True)
class ErrorFigures:
    """The error of one predictor for one target, in the target's units.

    Attributes:
        predictor: "model", an artifact's target, or a baseline.
        target: the column.
        step: which step ahead, counted from 1; None for all of them.
        group: which series; None for all of them.
        rmse: root mean square error.
        mae: mean absolute error.
        bias: mean of answer minus truth.
        windows: how many windows it was taken over.
    """

    predictor: str
    target: str
    step: int | None
    group: str | None
    rmse: float
    mae: float
    bias: float
    windows: int


def figures_of(answers: Answers) -> Iterator[ErrorFigures]:
    """For every target and predictor the whole, then each step, then each group."""
    for target in answers.targets:
        for predictor in answers.predicted:
            errors = answers.errors(predictor, target)  # (windows, steps)
            yield _figures(predictor, target, errors)
            if answers.steps > 1:
                for step in range(answers.steps):
                    yield _figures(predictor, target, errors[:, [step]], step=step + 1)
            groups = answers.groups[answers.is_answered(predictor)]  # (answered windows,)
            names = dict.fromkeys(groups.tolist())
            if len(set(answers.groups)) > 1:
                for name in names:
                    yield _figures(predictor, target, errors[groups == name], group=name)


def of_whole(figures: Sequence[ErrorFigures], target: str) -> list[ErrorFigures]:
    """Those of one target over all steps and groups, a predictor each."""
    whole = [entry for entry in figures if entry.step is None and entry.group is None]
    return [entry for entry in whole if entry.target == target]


def by_group(
    figures: Sequence[ErrorFigures], predictors: Sequence[str]
) -> Iterator[tuple[str, list[float | None], int]]:
    """For each series its name, the RMSE of each predictor or None, and how many windows it has.

    Args:
        figures: of one target.
        predictors: the first answers every series.
    """
    of_groups = [entry for entry in figures if entry.group is not None]
    found = {(entry.group, entry.predictor): entry for entry in of_groups}
    for name in dict.fromkeys(entry.group or "" for entry in of_groups):
        own = [found.get((name, predictor)) for predictor in predictors]
        rmse = [None if entry is None else entry.rmse for entry in own]
        yield name, rmse, found[name, predictors[0]].windows


def few_of(values: Sequence[int], most: int) -> list[int]:
    """The first, the last and some between, evenly spread.

    >>> few_of(range(1, 11), 4)
    [1, 4, 7, 10]
    """
    places = np.linspace(0, len(values) - 1, min(most, len(values)))
    return sorted({values[round(place)] for place in places})


def _figures(
    predictor: str,
    target: str,
    errors: Array,
    step: int | None = None,
    group: str | None = None,
) -> ErrorFigures:
    return ErrorFigures(
        predictor=predictor,
        target=target,
        step=step,
        group=group,
        rmse=rmse_of(errors),
        mae=mae_of(errors),
        bias=float(np.mean(errors)),
        windows=len(errors),
    )
