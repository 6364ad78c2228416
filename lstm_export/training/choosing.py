"""Level or change, whichever predicts better after a few epochs; or to correct a regression."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from ..model import Model, Signature
from .answers import MODEL, asked, spread_rmse
from .assembly import input_scaler
from .option_values import Predict
from .options import TrainingOptions
from .ranks import Ranks
from .result import Choice
from .samples import Samples
from .scores import model_answers
from .shortcut import fit_shortcut, has_shortcut

LEAST_TRIED = 3  # epochs
SHARE_OF_EPOCHS = 0.15  # that each of the two is tried for
Train = Callable[[TrainingOptions], Model]


def choose(
    samples: Samples, signature: Signature, options: TrainingOptions, train: Train
) -> Choice:
    """Try both, where both are possible: the targets' past is an input, and there is validation.

    Args:
        samples: of the table.
        signature: of the model.
        options: those of the whole run, its epochs known.
        train: makes a model with options for a few epochs.
    """
    inputs = {column.name for column in signature.features}
    has_past = options.horizon > 0 and inputs.issuperset(options.targets)
    if not has_past or not len(samples.parts["validation"]):
        return Choice("level")
    whole = options.epochs or 1
    epochs = min(whole, max(LEAST_TRIED, round(SHARE_OF_EPOCHS * whole)))
    tried = {}
    for predict in ("level", "change"):
        model = train(options.tried(predict, epochs))
        answers = model_answers(model, samples, options)
        rmse = spread_rmse(answers.predicted[MODEL], answers.true)
        tried[predict] = Ranks.here().agreed(rmse)
    better: Predict = "change" if tried["change"] < tried["level"] else "level"
    return Choice(better, epochs, tried["level"], tried["change"])


def corrected(
    samples: Samples, options: TrainingOptions, choice: Choice, model: Model
) -> Choice | None:
    """To correct a ridge regression, where that is better on validation than the trained model;
    else None.

    Args:
        samples: of the table.
        options: those of the run.
        choice: what the model predicts.
        model: trained to its end.
    """
    if not len(samples.parts["validation"]) or not has_shortcut(samples):
        return None
    answers = model_answers(model, samples, options)
    shortcut = fit_shortcut(samples, input_scaler(samples, options))
    of_ridge = asked(partial(shortcut.answers, samples), samples, "validation")
    ranks = Ranks.here()
    network_rmse = ranks.agreed(spread_rmse(answers.predicted[MODEL], answers.true))
    ridge_rmse = ranks.agreed(spread_rmse(of_ridge.reshape(answers.true.shape), answers.true))
    if network_rmse <= ridge_rmse:
        return None
    return replace(
        choice,
        predict="correction",
        network_rmse=network_rmse,
        ridge_rmse=ridge_rmse,
        ridge_rows=shortcut.rows,
    )
