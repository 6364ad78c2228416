"""Why a simpler method may do better than the model, and the option that may mend it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..model import Signature
from ..model.calendar_steps import MONTHS
from .answers import MODEL, Answers
from .baselines import DAY, WEEK, season
from .history import Epoch
from .moments import moments_of
from .options import TrainingOptions
from .result import Score
from .samples import Samples
from .scores import scores_of
from .significance import gain_of

FEW_WINDOWS = 300
DRIFTED = 1.5  # training standard deviations between the mean of training and of a later part


def beaten(
    answers: Answers,
    samples: Samples,
    signature: Signature,
    options: TrainingOptions,
    history: Sequence[Epoch],
) -> Iterator[str]:
    """A sentence for every target of which a baseline has the smaller error.

    Args:
        answers: to the latest part there is.
        samples: of the table.
        signature: of the model.
        options: as they were given.
        history: of the training.
    """
    found = tuple(scores_of(answers))
    for target in answers.targets:
        scores = [score for score in found if score.target == target]
        best = min(scores, key=lambda score: score.rmse)
        (own,) = (score for score in scores if score.predictor == MODEL)
        if best.rmse < own.rmse:
            causes = [
                *_past_left_out(target, signature),
                *_calendar_left_out(best.predictor, signature),
                *_drift(target, answers.part, samples, options),
                *_few_windows(samples),
                *_stopped_early(history),
            ]
            advice = "; ".join(causes) or "use the simpler method, or a larger --hidden-size"
            yield f"{_outcome(answers, own, best)}: {advice}"


def _outcome(answers: Answers, own: Score, best: Score) -> str:
    """Which baseline has the smaller error, and whether by more than noise."""
    where = f"the model on the {own.part} part, RMSE {best.rmse:.4g} against {own.rmse:.4g}"
    if gain_of(answers, best.predictor, MODEL, own.target).is_clear:
        return f"{best.predictor} predicts {own.target} better than {where}"
    return (
        f"{best.predictor} predicts {own.target} as well as {where}, a difference within the noise"
    )


def prospects(samples: Samples, signature: Signature, options: TrainingOptions) -> Iterator[str]:
    """What may let a simpler method win, as far as it shows before training."""
    for target in options.targets:
        if not options.exclude_past:
            yield from _past_left_out(target, signature)
        if len(samples.parts["validation"]):
            yield from _drift(target, "validation", samples, options)
    yield from _few_windows(samples)


def _past_left_out(target: str, signature: Signature) -> Iterator[str]:
    names = [column.name for column in signature.features]
    if signature.horizon and target not in names:
        yield (
            f"the past of {target} is no input: name it in --features, or leave out --exclude-past"
        )


def _calendar_left_out(best: str, signature: Signature) -> Iterator[str]:
    """A season wins that the model cannot see."""
    name, _ = season(signature)
    if best == name and not signature.calendar:
        yield f"the calendar is no input: give --calendar {_calendar_of_season(signature)}"


def _calendar_of_season(signature: Signature) -> str:
    """The features that tell the rows of a season apart."""
    if signature.calendar_step in MONTHS:
        return "month_onehot"
    step = DAY if signature.calendar_step else signature.time_step or 0.0
    if step < DAY:
        return "hour,weekday"
    return "weekday,yearday" if step < WEEK else "yearday"


def _drift(target: str, part: str, samples: Samples, options: TrainingOptions) -> Iterator[str]:
    """A later part that lies elsewhere: a network does not go on where it has seen nothing.

    Whoever did not ask for the level had the change, or had it tried.
    """
    if options.predict != "level":
        return
    column = options.targets.index(target)
    seen = moments_of(samples.targets_of("train"))
    before = seen.mean[column]
    after = moments_of(samples.targets_of(part)).mean[column]
    if abs(after - before) / (seen.deviation[column] or 1.0) > DRIFTED:
        yield (
            f"{target} drifts, from a mean of {before:.4g} in the training part to "
            f"{after:.4g}: predict its change, with --predict change or auto"
        )


def _few_windows(samples: Samples) -> Iterator[str]:
    count = len(samples.parts["train"])
    if count < FEW_WINDOWS:
        yield (
            f"{count} windows are few to learn from: bring more rows, "
            "or give a shorter --window and a smaller --hidden-size"
        )


def _stopped_early(history: Sequence[Epoch]) -> Iterator[str]:
    """The last epoch that was allowed was the best, so that more may be better."""
    last = history[-1]
    if last.best and last.epoch == last.epochs:
        yield f"the last of {last.epochs} epochs was the best: give more --epochs"
