"""Level or change: which of the two predicts better after a few epochs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..model import Model, Signature
from .options import Predict, TrainingOptions
from .ranks import Ranks
from .result import Choice
from .samples import Samples
from .scores import MODEL, validation_answers

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
        tried[predict] = Ranks.here().agreed(_rmse(model, samples, options))
    better: Predict = "change" if tried["change"] < tried["level"] else "level"
    return Choice(better, epochs, tried["level"], tried["change"])


def _rmse(model: Model, samples: Samples, options: TrainingOptions) -> float:
    """On validation, over all targets, each in units of its standard deviation there."""
    answers = validation_answers(model, samples, options)
    errors = answers.predicted[MODEL] - answers.true  # (windows, targets, steps)
    spread = answers.true.std(axis=(0, 2))
    scale = np.where(spread > 0, spread, 1.0)
    squares = np.mean(np.square(errors), axis=(0, 2)) / np.square(scale)
    return float(np.sqrt(squares.mean()))
