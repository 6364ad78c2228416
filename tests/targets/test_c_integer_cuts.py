"""What does not fit the int16 of whole numbers is cut, counted, and said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lstm_export.model import Array, Model, Signature
from lstm_export.parity.golden import hard_inputs
from lstm_export.targets.c.integer.cost import cost_of
from tests.kit.builders import drawn, gru
from tests.kit.integer_models import sensor, whole


def test_inputs_that_are_cut_are_counted_and_said() -> None:
    model = sensor()
    rounded = whole(model)
    usual = hard_inputs(model)["nominal"]
    assert not [
        text for text in cost_of(model, rounded, usual, "usual").sentences() if "are cut" in text
    ]
    outlier: Array = usual.copy()
    outlier[0, 0, 1] = 1e4
    assert [
        text
        for text in cost_of(model, rounded, outlier, "outliers").sentences()
        if text.startswith("1 of ") and "values of x do not fit int16" in text
    ]


@pytest.mark.parametrize("largest", [1.0, 1.5])
def test_a_learned_state_that_is_cut_is_counted_and_said(largest: float) -> None:
    random = np.random.default_rng(6)
    made = gru("rec", 2, 5, 2, random, learned=True)
    h0 = np.full((2, 5), 0.5, np.float32)
    h0[1, 2:4] = -largest
    stage = replace(made, weights={**made.weights, "h0": h0})
    model = Model((stage,), Signature(2, 5))
    told = cost_of(model, whole(model), drawn(model, 1, 4), "drawn").sentences()
    assert ("2 of 10 values of h0 of rec do not fit int16" in told[-1]) == (largest > 1)
