"""From a table to a trained model, judged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import InputError, require
from ..model import Signature
from ..series import RowSource, TableSource
from .answers import MODEL, Answers
from .causes import beaten
from .facts import facts_of
from .fitting import Fitted, fit_table
from .history import Notice, Progress, lowest_loss
from .intervals import Coverage, coverage_of, off_coverage, with_interval
from .kept_data import real_windows_of
from .option_values import PARTS
from .options import TrainingOptions
from .ranks import Ranks, is_first, joined
from .rescue import rescue
from .result import SeedRun, TrainingResult
from .roles import read_for_training
from .scores import answers_by_part, model_answers, scores_of
from .search_space import Search
from .several import backtest, best_of_seeds
from .trials import run_search
from .unfinished import read_unfinished


def fit(  # noqa: PLR0913 - what is trained, and who is told
    source: TableSource,
    options: TrainingOptions,
    progress: Progress | None = None,
    resume: Path | None = None,
    *,
    search: Search | None = None,
    notice: Notice | None = None,
    output: Path | None = None,
) -> TrainingResult:
    """Train an LSTM on a table, judge it beside its baselines, return it with scalers in its chain.

    In processes that torchrun started, all of them train together; each returns the same.

    Args:
        source: path of a CSV or Parquet file or of a folder of them, a Table, a mapping of columns,
            or a DataFrame.
        options: what to predict from what, and how to train.
        progress: called after every epoch.
        resume: the checkpoint that an interrupted run with the same options left, to go on with it.
        search: also tries other options than those given; the best on validation is the model.
        notice: told before training, run by run, what the table may do to the model.
        output: where processes that train together leave the best epoch when they are interrupted,
            before it is judged.

    Raises:
        InputError: the table cannot be used as the options say, the run cannot be resumed, or
            `options` are none.
        MissingDependency: PyTorch is not installed, or for a search Optuna.
    """
    require("torch", "train", "training")
    _check_given(options, resume, search)
    with joined(options.device):
        if not is_first():
            progress = None
            notice = None
        if search is not None:
            return _searched(source, options, search, progress, notice)
        return _fit_all(source, options, resume, progress, notice, output)


def _fit_all(  # noqa: PLR0913, PLR0917 - what `fit` is told
    source: TableSource,
    options: TrainingOptions,
    resume: Path | None,
    progress: Progress | None,
    notice: Notice | None,
    output: Path | None,
) -> TrainingResult:
    """The run, and those of other seeds and earlier rows."""
    table = read_for_training(source, options)
    unfinished = read_unfinished(resume, facts_of(table, options)) if resume else None

    def fit_one(rows: RowSource, options: TrainingOptions) -> TrainingResult:
        fitted = fit_table(rows, options, progress, unfinished, notice)
        if output and rows is table:  # a model of earlier rows is none to keep
            rescue(fitted, facts_of(rows, fitted.options), output)
        return _judged(rows, fitted)

    origins = backtest(table, options, fit_one)
    if options.seeds > 1 and not options.ensemble:
        result = best_of_seeds(table, options, fit_one)
    else:
        result = fit_one(table, options)
    return replace(result, backtest=origins)


def _check_given(options: TrainingOptions, resume: Path | None, search: Search | None) -> None:
    if not isinstance(options, TrainingOptions):
        raise InputError(
            f"options is {options!r}, expected a TrainingOptions, such as "
            'TrainingOptions(targets="volume", time="hour")'
        )
    if resume and (options.seeds > 1 or options.backtest or search):
        raise InputError(
            "--resume goes on with a single run; leave out --seeds, --backtest and a search"
        )
    if search and (options.seeds > 1 or options.backtest):
        raise InputError(
            "a search trains one seed on the whole table; search first, then give --seeds or "
            "--backtest with the options that it found"
        )
    if search and not options.split[1]:
        raise InputError("a search judges on the validation part; give that a share with --split")


def _searched(
    source: TableSource,
    options: TrainingOptions,
    search: Search,
    progress: Progress | None,
    notice: Notice | None,
) -> TrainingResult:
    """The best of a search: only this model is asked about the test part."""
    if Ranks.here().size > 1:
        raise InputError("a search trains in one process; start it without torchrun")
    table = read_for_training(source, options)
    best, searched = run_search(table, options, search, progress, notice)
    result = _judged(table, best)
    # An interrupted search cannot be resumed from the trial that happens to be the best.
    return replace(result, search=searched, interrupted=searched.interrupted, unfinished=None)


def _judged(table: RowSource, fitted: Fitted) -> TrainingResult:
    """The model, with an interval where one is asked for, judged on every part."""
    options = fitted.chosen
    samples = fitted.samples
    trained = fitted.best
    model = fitted.model
    if options.interval:
        validation = model_answers(model, samples, options)
        model = with_interval(model, validation, MODEL, options.interval)
    signature = model.signature
    answers = tuple(answers_by_part(model, samples, options))
    scores = tuple(score for of_part in answers for score in scores_of(of_part))
    coverage = tuple(_coverage(answers, signature))
    return TrainingResult(
        model=model,
        windows=real_windows_of(samples) if options.real_windows else None,
        data=fitted.data,
        metrics=scores,
        coverage=coverage,
        history=trained.history,
        best_epoch=trained.best_epoch,
        facts=facts_of(table, fitted.options),
        choice=fitted.choice,
        warnings=(
            *fitted.warnings,
            *beaten(answers[-1], samples, signature, fitted.options, trained.history),
            *off_coverage(coverage),
        ),
        seeds=tuple(_seed_runs(fitted)),
        interrupted=fitted.is_interrupted,
        lost=trained.lost,
        unfinished=fitted.unfinished,
        answers=answers[-1],
    )


def _seed_runs(fitted: Fitted) -> Iterator[SeedRun]:
    """What the members of an ensemble answer by themselves."""
    if not fitted.chosen.ensemble:
        return
    part = [part for part in PARTS if len(fitted.samples.parts[part])][-1]
    for member in fitted.members:
        answers = model_answers(member.model, fitted.samples, fitted.chosen, part)
        yield SeedRun(member.seed, lowest_loss(member.trained.history), tuple(scores_of(answers)))


def _coverage(answers: Sequence[Answers], signature: Signature) -> Iterator[Coverage]:
    for of_part in answers:
        yield from coverage_of(of_part, MODEL, signature.quantiles)
