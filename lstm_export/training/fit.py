"""From a table to a trained model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import InputError, require
from ..model import Model, Signature
from ..series import Table, TableSource
from .answers import Answers
from .assembly import assembly_of, real_windows_of, with_ranges
from .causes import beaten
from .choosing import choose
from .data_report import data_report
from .facts import facts_of
from .history import Progress, Trained
from .intervals import Coverage, coverage_of, off_coverage, with_interval
from .loop import train_loop
from .noticed import refuse_constant_targets, table_warnings
from .options import TrainingOptions
from .ranks import is_first, joined
from .result import Choice, TrainingResult
from .samples import Samples
from .scores import MODEL, answers_by_part, scores_of, validation_answers
from .several import backtest, best_of_seeds
from .unfinished import read_unfinished
from .windowing import build_samples, input_signature, read_for_training


def fit(
    source: TableSource,
    options: TrainingOptions,
    progress: Progress | None = None,
    resume: Path | None = None,
) -> TrainingResult:
    """Train an LSTM on a table, judge it beside its baselines, return it with scalers in its chain.

    In processes that torchrun started, all of them train together; each returns the same.

    Args:
        source: path of a CSV or Parquet file, a Table, a mapping of columns, or a DataFrame.
        options: what to predict from what, and how to train.
        progress: called after every epoch.
        resume: the checkpoint that an interrupted run with the same options left, to go on with it.

    Raises:
        InputError: the table cannot be used as the options say, or the run cannot be resumed.
        MissingDependency: PyTorch is not installed.
    """
    require("torch", "train", "training")
    with joined(options.device):
        return _fit_all(source, options, progress if is_first() else None, resume)


def _fit_all(
    source: TableSource,
    options: TrainingOptions,
    progress: Progress | None,
    resume: Path | None,
) -> TrainingResult:
    """The run, and those of other seeds and earlier rows."""
    table = read_for_training(source, options)
    if resume and (options.seeds > 1 or options.backtest):
        raise InputError("resume goes on with a single run; leave out seeds and backtest")
    unfinished = read_unfinished(resume, facts_of(table, options)) if resume else None

    def fit_one(table: Table, options: TrainingOptions) -> TrainingResult:
        return _fit(table, options, progress, unfinished)

    origins = backtest(table, options, fit_one)
    if options.seeds > 1:
        result = best_of_seeds(table, options, fit_one)
    else:
        result = fit_one(table, options)
    return replace(result, backtest=origins)


def _fit(
    table: Table,
    options: TrainingOptions,
    progress: Progress | None,
    unfinished: Mapping[str, Any] | None,
) -> TrainingResult:
    signature = input_signature(table, options)
    samples = build_samples(table, signature, options)
    refuse_constant_targets(samples, options)

    def brief(options: TrainingOptions) -> Model:
        model, trained = _trained(samples, signature, options, None, None)
        if trained.lost:
            raise InputError(f"{trained.lost}; start again")
        if trained.unfinished is not None:
            raise KeyboardInterrupt
        return model

    chosen = options.for_windows(len(samples.parts["train"]))
    choice = Choice(options.predict)
    if options.predict == "auto":
        choice = choose(samples, signature, chosen, brief)
    chosen = replace(chosen, predict=choice.predict)
    model, trained = _trained(samples, signature, chosen, progress, unfinished)
    if options.interval:
        validation = validation_answers(model, samples, options)
        model = with_interval(model, validation, MODEL, options.interval)
    result = _result(model, trained, table, samples, chosen)
    return replace(result, choice=choice, facts=facts_of(table, options))


def _trained(
    samples: Samples,
    signature: Signature,
    options: TrainingOptions,
    progress: Progress | None,
    unfinished: Mapping[str, Any] | None,
) -> tuple[Model, Trained]:
    assembly = assembly_of(samples, signature, options)
    parts = dict(assembly.windows(samples))
    trained = train_loop(parts["train"], parts.get("validation"), options, progress, unfinished)
    return assembly.model(trained, with_ranges(signature, samples)), trained


def _result(
    model: Model, trained: Trained, table: Table, samples: Samples, options: TrainingOptions
) -> TrainingResult:
    """The model judged on every part."""
    signature = model.signature
    answers = tuple(answers_by_part(model, samples, options))
    scores = tuple(score for of_part in answers for score in scores_of(of_part))
    coverage = tuple(_coverage(answers, signature))
    data = data_report(table, signature, options, samples)
    return TrainingResult(
        model=model,
        windows=real_windows_of(samples) if options.real_windows else None,
        data=data,
        metrics=scores,
        coverage=coverage,
        history=trained.history,
        best_epoch=trained.best_epoch,
        facts={},
        warnings=(
            *table_warnings(table, data, samples, signature, options),
            *beaten(scores, samples, signature, options, trained.history),
            *off_coverage(coverage),
        ),
        interrupted=trained.unfinished is not None,
        lost=trained.lost,
        unfinished=trained.unfinished,
        answers=answers[-1],
    )


def _coverage(answers: Sequence[Answers], signature: Signature) -> Iterator[Coverage]:
    for of_part in answers:
        yield from coverage_of(of_part, MODEL, signature.quantiles)
