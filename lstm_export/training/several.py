"""Several runs: of other seeds, of which the best is kept, and back from several points in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..series import RowSource, Table, group_rows
from .answers import MODEL
from .history import lowest_loss
from .options import TrainingOptions
from .result import Origin, Score, SeedRun, TrainingResult

Fit = Callable[[RowSource, TrainingOptions], TrainingResult]
LEAST_SHARE = 0.3  # of the rows: earlier origins have too little to learn from


def best_of_seeds(table: RowSource, options: TrainingOptions, fit: Fit) -> TrainingResult:
    """Train once for each seed, and keep the one with the lowest validation loss.

    All of them have the groups that the first seed draws, so that their losses can be compared.
    Ctrl-C keeps the best of those that were begun.
    """
    results: list[TrainingResult] = []
    for seed in range(options.seed, options.seed + options.seeds):
        own = replace(options, seed=seed, split_seed=options.seed_of_groups)
        results.append(fit(table, own))
        if results[-1].interrupted:
            break
    runs = tuple(_seed_run(result) for result in results)
    losses = [run.validation_loss or 0.0 for run in runs]
    best = losses.index(min(losses))
    is_interrupted = results[-1].interrupted
    # Going on from one seed's state would not finish this run of several.
    return replace(results[best], seeds=runs, interrupted=is_interrupted, unfinished=None)


def _seed_run(result: TrainingResult) -> SeedRun:
    lowest = lowest_loss(result.history)
    return SeedRun(result.facts["seed"], lowest, _latest(result, MODEL))


def backtest(table: RowSource, options: TrainingOptions, fit: Fit) -> tuple[Origin, ...]:
    """Train on the rows up to each of several points in time, and judge on those that follow.

    Every run sees a test share fewer rows than the next, so that their test parts lie side by side;
    the run on the whole table, which comes last, is not among them.

    Raises:
        InputError: the earliest would have too few rows, or the table is not in memory.
    """
    if not options.backtest:
        return ()
    if not isinstance(table, Table):
        raise InputError(
            f"{table.title} is read in blocks, and a backtest cuts a table in memory: give it the "
            "latest rows in one smaller file"
        )
    found = []
    test_share = options.split[2]
    for earlier in range(options.backtest, 0, -1):
        share = 1 - earlier * test_share
        if share < LEAST_SHARE:
            raise InputError(
                f"backtest {options.backtest} would train on {max(share, 0):.0%} of the rows, "
                f"expected {LEAST_SHARE:.0%} or more; ask for fewer, or for a smaller test part"
            )
        result = fit(_first_rows(table, options.group, share), options)
        if result.interrupted:
            raise KeyboardInterrupt
        test = result.data.parts[-1]
        found.append(Origin(test.first, test.last, _latest(result)))
    return tuple(found)


def _first_rows(table: Table, group: str | None, share: float) -> Table:
    """The first rows of every series."""
    kept = np.zeros(len(table), bool)
    for _, rows in group_rows(table, group):
        kept[rows[: round(share * len(rows))]] = True
    columns = {name: table[name][kept] for name in table.names}
    return replace(table, columns=columns)


def _latest(result: TrainingResult, predictor: str | None = None) -> tuple[Score, ...]:
    """The scores on the latest part, of all predictors or the one that is named."""
    part = result.metrics[-1].part
    scores = [score for score in result.metrics if score.part == part]
    return tuple(score for score in scores if predictor in (None, score.predictor))
