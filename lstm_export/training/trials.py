"""A search over options: every trial is judged on validation, on windows that all of them have.

Where to look next is up to Optuna's tree-structured Parzen estimator (Bergstra et al., "Algorithms
for Hyper-Parameter Optimization", 2011). The test part has no say.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError, require
from ..model import Array
from ..series import RowSource
from . import scratch
from .answers import MODEL, spread_rmse
from .fitting import Fitted, fit_table
from .history import Epoch, Notice, Progress
from .options import TrainingOptions
from .result import Searched, Trial
from .roles import input_signature
from .samples import Samples
from .scores import model_answers
from .search_space import DOUBLINGS, Search
from .windowing import build_samples

if TYPE_CHECKING:
    from optuna import Study

# Of the validation windows: a longer window that has fewer, because of gaps, is not tried.
LEAST_SHARED = 0.9


def run_search(
    table: RowSource,
    options: TrainingOptions,
    search: Search,
    progress: Progress | None,
    notice: Notice | None = None,
) -> tuple[Fitted, Searched]:
    """Train with the given options, then with others around them, and keep the best.

    The same seed tries the same options in the same order. Ctrl-C ends the search and keeps the
    best so far; before the first epoch is over it is raised again.

    Args:
        table: as `read_for_training` gives it.
        options: those that are given, with which the first trial is made.
        search: for how long, and over what.
        progress: called after every epoch of every trial.
        notice: told before the first trial what the table may do to the model.

    Raises:
        InputError: the given options cannot be used.
        MissingDependency: Optuna is not installed.
    """
    require("optuna", "search", "a search")
    from optuna.trial import TrialState, create_trial

    shared, doublings = _shared_rows(table, options)
    clock = _Clock(search.budget, progress)
    first = fit_table(table, options, clock, notice=notice)
    run = _Trials(table, first, search, shared, clock)
    space = search.space(options, doublings)
    study = _study(options.seed)
    given = create_trial(params=search.given(options), distributions=space, value=run.lowest)
    study.add_trial(given)
    while not run.has_ended and not clock.is_over:
        asked = study.ask(space)
        rmse = run.add(asked.params)
        state = TrialState.FAIL if rmse is None else TrialState.COMPLETE
        study.tell(asked, rmse, state)
    return run.best, run.searched


class _Trials:
    """The trials so far, the first made with the given options.

    Attributes:
        best: the best of them.
        lowest: its error on validation.
    """

    def __init__(
        self, table: RowSource, first: Fitted, search: Search, shared: Array, clock: _Clock
    ) -> None:
        self._table = table
        self._clock = clock
        # What is predicted is chosen in the first trial, for all.
        self._choice = first.choice
        self._given = replace(first.options, predict=first.choice.predict)
        self._search = search
        self._shared = shared
        self._interrupted = first.is_interrupted and not clock.is_over
        self.best = first
        self.lowest = self._rmse(first)
        values = {name: vars(first.options)[name] for name in search.over}
        self._trials = [Trial(values, self.lowest, len(first.best.history))]

    @property
    def has_ended(self) -> bool:
        """Whether there are as many as were asked for, or Ctrl-C came."""
        return self._interrupted or len(self._trials) == self._search.trials

    @property
    def searched(self) -> Searched:
        """The account of the search."""
        errors = [trial.rmse for trial in self._trials]
        return Searched(
            trials=tuple(self._trials),
            best=errors.index(self.lowest),
            windows=len(self._shared),
            interrupted=self._interrupted,
        )

    def add(self, place: Mapping[str, float]) -> float | None:
        """Train at a place of the space: the error on validation, None where there is none."""
        values = self._search.values(self._given, place)
        try:
            fitted = fit_table(self._table, replace(self._given, **values), self._clock)
            rmse = self._rmse(fitted)
        except InputError as error:  # these options; the table was good for the first trial
            self._trials.append(Trial(values, None, 0, str(error)))
            return None
        except KeyboardInterrupt:
            self._interrupted = True
            return None
        self._interrupted = fitted.is_interrupted and not self._clock.is_over
        self._trials.append(Trial(values, rmse, len(fitted.best.history)))
        if rmse < self.lowest:
            self.best = replace(fitted, choice=self._choice)
            self.lowest = rmse
        return rmse

    def _rmse(self, fitted: Fitted) -> float:
        is_shared = np.isin(_first_predicted(fitted.samples), self._shared)  # (windows,)
        if np.count_nonzero(is_shared) < len(self._shared):
            raise InputError(
                f"with window {fitted.chosen.window} other groups hold a window, and others are in "
                "validation: its error cannot be compared"
            )
        answers = model_answers(fitted.model, fitted.samples, fitted.chosen)
        windows = np.flatnonzero(is_shared)
        predicted = scratch.taken(answers.predicted[MODEL], windows)
        return spread_rmse(predicted, scratch.taken(answers.true, windows))


class _Clock:
    """Passes progress on, and ends training after the epoch in which the budget is spent."""

    def __init__(self, budget: float | None, progress: Progress | None) -> None:
        self._end = None if budget is None else time.monotonic() + budget
        self._progress = progress

    @property
    def is_over(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end

    def __call__(self, epoch: Epoch) -> None:
        if self._progress:
            self._progress(epoch)
        if self.is_over:
            raise KeyboardInterrupt  # as a user would, so that the best epoch is kept


def _shared_rows(table: RowSource, options: TrainingOptions) -> tuple[Array, int]:
    """The rows of the table whose prediction all windows share, and how often the window can be
    doubled."""
    shared = _rows_with(table, options)
    least = LEAST_SHARED * len(shared)
    for doublings in range(1, DOUBLINGS + 1):
        try:
            longer = _rows_with(table, replace(options, window=options.window * 2**doublings))
        except InputError:  # it does not fit
            return shared, doublings - 1
        both = np.intersect1d(shared, longer)  # rows of the table, sorted
        if len(both) < least:
            return shared, doublings - 1
        shared = both
    return shared, DOUBLINGS


def _rows_with(table: RowSource, options: TrainingOptions) -> Array:
    return _first_predicted(build_samples(table, input_signature(table, options), options))


def _first_predicted(samples: Samples) -> Array:
    """The row of the table that each validation window predicts first, int64 `(windows,)`."""
    first = samples.target_index(samples.parts["validation"])[:, 0]
    rows: Array = samples.table_rows[first]
    return rows


def _study(seed: int) -> Study:
    import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # else it says that the study was made
    try:
        return optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed % 2**32))
    finally:
        optuna.logging.set_verbosity(level)
