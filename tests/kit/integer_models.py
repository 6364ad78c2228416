"""Models that whole numbers hold, and their rounding."""

from __future__ import annotations

import numpy as np

from lstm_export.model import (
    Add,
    Affine,
    Array,
    LastStep,
    Linear,
    Model,
    Replace,
    Signature,
    Slice,
    Subtract,
)
from lstm_export.parity.golden import hard_inputs
from lstm_export.targets.c.integer import formats, rounding
from lstm_export.targets.c.integer.whole_model import WholeModel

from .builders import lstm, model_of, rnn
from .chains import MODELS
from .graphs import FORECASTS


def small_stages() -> Model:
    """RMSNorm and PReLU, with weights of their own and without."""
    model = MODELS["small stages"]
    return Model(model.stages[1:], model.signature)


def change() -> Model:
    """As `train --predict change` writes it: a pressure's and a load's last values added back.

    The pressure is far from zero and hardly moves, and the third input is no target.
    """
    random = np.random.default_rng(3)
    stages = (
        LastStep("last_x"),
        Affine("level", np.zeros(3), np.array([1.0, 1.0, 0.0]), inverse=True),
        Subtract("less_level", inputs=("x", "level")),
        Affine("input_scaler", np.array([0.0, 0.0, 20.0]), np.array([180.0, 3.0, 8.0])),
        lstm("lstm", 3, 12, 1, random),
        LastStep("last"),
        Linear("fc", random.normal(size=(3, 12)), np.zeros(3)),
        Affine("output_scaler", np.zeros(3), np.array([150.0, 150.0, 2.0]), inverse=True),
        Slice("last_values", (0, 0, 1), inputs=("last_x",)),
        Add("answers", inputs=("output_scaler", "last_values")),
    )
    return Model(stages, Signature(3, 3, window=16))


def drifting(count: int) -> Array:
    """`(count, 16, 3)` windows of what `change` meets."""
    random = np.random.default_rng(4)
    level = random.normal([101_325, 50, 20], [500, 8, 8], (count, 1, 3))
    return level + random.normal(scale=[150, 2, 1], size=(count, 16, 3)).cumsum(axis=1) / 4


def computed_sentinel() -> Model:
    """A value that is replaced behind weights."""
    random = np.random.default_rng(5)
    layers = lstm("lstm", 2, 4, 1, random)
    return model_of(2, 4, layers, Replace("none", 0.0, 1.0), LastStep("last"))


def stacked_relu() -> Model:
    """Two layers of nn.RNN without a bound."""
    random = np.random.default_rng(6)
    return model_of(2, 4, rnn("rnn", 2, 4, 2, random, nonlinearity="relu"), LastStep("last"))


ALL = {**MODELS, **FORECASTS, "norms and slopes": small_stages(), "change": change()}
REFUSED = {
    "no count of input 0 stands for -999": MODELS["small stages"],
    "rounding blurs 0 where it is computed": computed_sentinel(),
    "only the last layer's was seen": stacked_relu(),
}
HELD = [name for name, model in ALL.items() if model not in REFUSED.values()]
# An export of a model that nobody trained: its answers hardly vary, so that a share of their spread
# says nothing.
UNTRAINED = {"arithmetic": "integer", "max_error": "1000%"}


def whole(model: Model, bits: int = 16) -> WholeModel:
    seen = hard_inputs(model)["nominal"]
    return rounding.whole_model(model, formats.chosen(model, [seen], bits))


def sensor() -> Model:
    """Two sensors far from zero, of different size, and an answer in the thousands."""
    random = np.random.default_rng(1)
    stages = (
        Affine("scale_in", np.array([280.0, 40.0]), np.array([10.0, 0.5])),
        lstm("lstm", 2, 12, 1, random),
        LastStep("last"),
        Linear("fc", random.normal(size=(1, 12)), np.zeros(1)),
        Affine("scale_out", np.array([3000.0]), np.array([2000.0]), inverse=True),
    )
    return Model(stages, Signature(2, 1, window=5))
