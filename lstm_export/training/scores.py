"""How well the model does beside its baselines, on every part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from ..model import Affine, Array, Model
from .baselines import baselines
from .core import pick_device
from .options import PARTS, TrainingOptions
from .result import Score
from .samples import Samples, batches

MODEL = "lstm"  # what the model is called among the predictors
PREDICTED_AT_ONCE = 1024  # windows


def scores_of(model: Model, samples: Samples, options: TrainingOptions) -> Iterator[Score]:
    """The whole chain, as it will be exported, and the baselines on every part."""
    predictors: Mapping[str, Callable[[Array], Array]] = {
        MODEL: _predictor(model, samples, options.device),
        **baselines(samples, model.signature, _input_scaler(model)),
    }
    for part in PARTS:
        starts = samples.parts[part]
        if not len(starts):
            continue
        true = samples.targets(starts)
        for name, predict in predictors.items():
            errors = predict(starts) - true  # (windows, targets * steps)
            yield from _scores(part, name, errors, options.targets)


def _scores(part: str, predictor: str, errors: Array, targets: Sequence[str]) -> Iterator[Score]:
    known = errors[np.isfinite(errors).all(axis=1)]
    if len(known) <= len(errors) // 2:  # a season that most windows lack says nothing
        return
    by_target = np.split(known, len(targets), axis=1)
    for target, error in zip(targets, by_target, strict=True):
        rmse = float(np.sqrt(np.mean(error**2)))
        mae = float(np.mean(np.abs(error)))
        yield Score(part, predictor, target, rmse, mae, len(known))


def _input_scaler(model: Model) -> Affine:
    scaler = model.stages[0]
    assert isinstance(scaler, Affine)  # noqa: S101 - `fit` puts it there
    return scaler


def _predictor(model: Model, samples: Samples, device: str) -> Callable[[Array], Array]:
    from ..model.torch_module import eager, to_module

    run = eager(to_module(model).to(pick_device(device)))

    def predict(starts: Array) -> Array:
        lengths = samples.lengths(starts)
        y = np.empty((len(starts), model.signature.output_size), np.float32)
        for length in np.unique(lengths):
            of_this_length = np.flatnonzero(lengths == length)
            for rows in batches(of_this_length, PREDICTED_AT_ONCE):
                y[rows] = run(samples.inputs(starts[rows])[:, :length])
        return y

    return predict
