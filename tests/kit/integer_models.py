"""Models that whole numbers hold, and their rounding."""

from __future__ import annotations

import numpy as np

from lstm_export.model import Affine, LastStep, Linear, Model, Signature
from lstm_export.parity.golden import trouble
from lstm_export.targets.c.integer import formats, rounding
from lstm_export.targets.c.integer.whole_model import WholeModel

from .builders import lstm
from .chains import CHAINS

HELD = [name for name, model in CHAINS.items() if model.is_chain]
# An export of a model that nobody trained: its answers hardly vary, so that a share of their spread
# says nothing.
UNTRAINED = {"arithmetic": "integer", "max_error": "1000%"}
JOINED = [name for name in CHAINS if name not in HELD]


def whole(model: Model, bits: int = 16) -> WholeModel:
    seen = trouble(model)["nominal"]
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
