"""Level or change: which of the two predicts better after a few epochs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..model import Array, Model, Signature
from .answers import Answers
from .options import Predict, TrainingOptions
from .ranks import Ranks
from .result import Choice
from .samples import Samples
from .scores import MODEL, model_answers

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
        rmse = validation_rmse(model_answers(model, samples, options))
        tried[predict] = Ranks.here().agreed(rmse)
    better: Predict = "change" if tried["change"] < tried["level"] else "level"
    return Choice(better, epochs, tried["level"], tried["change"])


def validation_rmse(answers: Answers, windows: Array | None = None) -> float:
    """Over all targets, each in units of its standard deviation there.

    Args:
        answers: of the model to the validation part.
        windows: which of its windows count, bool `(windows,)`; None for all.
    """
    counting = slice(None) if windows is None else windows
    true = answers.true[counting]  # (windows, targets, steps)
    errors = answers.predicted[MODEL][counting] - true
    spread = true.std(axis=(0, 2))
    scale = np.where(spread > 0, spread, 1.0)
    squares = np.mean(np.square(errors), axis=(0, 2)) / np.square(scale)
    return float(np.sqrt(squares.mean()))
