"""How well the model does beside its baselines, on every part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ..model import Model
from .answers import MODEL, Answers, Predictor, answers_of, predictor_of
from .baselines import baselines
from .core import pick_device
from .option_values import PARTS
from .options import TrainingOptions
from .result import Score
from .samples import Samples


def answers_by_part(model: Model, samples: Samples, options: TrainingOptions) -> Iterator[Answers]:
    """What the whole chain, as it will be exported, and the baselines say about every part."""
    predictors = {
        MODEL: _eager(model, samples, options.device),
        **baselines(samples, model.signature),
    }
    for part in PARTS:
        if len(samples.parts[part]):
            yield answers_of(predictors, samples, part, options.targets)


def model_answers(
    model: Model,
    samples: Samples,
    options: TrainingOptions,
    part: str = "validation",
    beside: Mapping[str, Predictor] | None = None,
) -> Answers:
    """What the model says about a part, alone or beside others."""
    predictors = {MODEL: _eager(model, samples, options.device), **(beside or {})}
    return answers_of(predictors, samples, part, options.targets)


def scores_of(answers: Answers) -> Iterator[Score]:
    """The error of every predictor for every target."""
    for predictor in answers.predicted:
        for target in answers.targets:
            squares = 0.0
            distances = 0.0
            windows = 0
            for errors in answers.errors_in_blocks(predictor, target):  # (windows, steps)
                squares += float(np.sum(errors**2))
                distances += float(np.sum(np.abs(errors)))
                windows += len(errors)
            count = windows * answers.steps
            rmse = float(np.sqrt(squares / count))
            yield Score(answers.part, predictor, target, rmse, distances / count, windows)


def _eager(model: Model, samples: Samples, device: str) -> Predictor:
    from ..model.torch_module import eager, to_module

    run = eager(to_module(model).to(pick_device(device)))
    return predictor_of(run, samples, model.signature.output_size)
