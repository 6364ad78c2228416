"""A network that does not improve on the simple method that it is added to is shrunk."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from ..model import Affine, Array, Signature
from . import scratch
from .answers import MODEL, Answers
from .assembly import Assembly
from .history import Trained
from .options import TrainingOptions
from .ranks import Ranks
from .samples import Samples
from .scores import model_answers
from .significance import gain_of

BASE = "base"  # what the simple method is called among the predictors


def shrunk(
    trained: Trained,
    assembly: Assembly,
    signature: Signature,
    samples: Samples,
    options: TrainingOptions,
) -> Trained:
    """The network, made smaller where what it adds is no gain on validation.

    On a series that the last value, or a regression, predicts as well as can be, all that a network
    adds to them is noise. Where its gain is less than its standard error, it is multiplied by the
    number from 0 to 1 that makes the squared error on validation smallest; quantiles stay as they
    were learned. An interrupted run of several processes leaves its network as it is: the others
    may be gone, and torchrun does not wait.

    Args:
        trained: the network.
        assembly: says what it is added to; in a model of the level that is nothing.
        signature: of the model.
        samples: of the table.
        options: those of the run.
    """
    ranks = Ranks.here()
    is_cut_off = trained.unfinished is not None and ranks.size > 1
    if is_cut_off or not assembly.has_base or not len(samples.parts["validation"]):
        return trained
    model = assembly.model([trained], signature)
    base = {BASE: partial(assembly.base, samples)}
    answers = model_answers(model, samples, options, beside=base)
    gains = [gain_of(answers, MODEL, BASE, target) for target in options.targets]
    is_gain = all(gain.mean > gain.standard_error for gain in gains)
    share = ranks.agreed(1.0 if is_gain else best_share(answers))
    if share == 1:
        return trained
    return trained._replace(fc=_times(trained.fc, share, assembly.outputs))


def best_share(answers: Answers) -> float:
    """How much of what the network adds makes the squared error smallest, from 0 to 1; targets
    count in units of their spread."""
    spread = answers.true.std(axis=(0, 2), keepdims=True)  # (1, targets, 1)
    scale = np.where(spread > 0, spread, 1.0)
    # |wanted - share * added|^2 is smallest at share = <added, wanted> / |added|^2
    along = 0.0
    size = 0.0
    for block in scratch.blocks(len(answers.true), answers.true[0].size):
        base = answers.predicted[BASE][block]  # (windows, targets, steps)
        added = (answers.predicted[MODEL][block] - base) / scale
        wanted = (answers.true[block] - base) / scale
        along += float(np.sum(added * wanted))
        size += float(np.sum(np.square(added)))
    return min(max(along / size, 0.0), 1.0) if size else 1.0


def _times(fc: Mapping[str, Array], share: float, outputs: Affine) -> dict[str, Array]:
    """The Linear whose answers, after the scaler, are this share of what they were; those of
    quantiles stay."""
    count = len(outputs.offset)
    weight = fc["weight"].copy()  # (answers and quantiles, hidden_size)
    bias = fc["bias"].copy()
    weight[:count] *= np.float32(share)
    # An answer is scale * y + offset: share * offset is wanted, and offset is added.
    beside = (1 - share) * outputs.offset / outputs.scale
    bias[:count] = share * bias[:count] - beside
    return {"weight": weight, "bias": bias}
