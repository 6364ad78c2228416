"""Golden sets that are answered together, padded, are answered as each by itself."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_export.device.answers_again import answered_again
from lstm_export.model import forward
from lstm_export.parity import golden_sets, unequal_lengths
from lstm_export.parity.noise import output_scale
from lstm_export.parity.rule import EPS, LARGEST_NOISE
from tests.kit.chains import MODELS

RUNS = 8  # as packaging has them


@pytest.mark.parametrize("name", MODELS)
def test_together_as_alone(name: str) -> None:
    """Every chain and graph: y and S to float64's rounding, F as large as another draw makes it."""
    model = MODELS[name]
    golden = (*golden_sets(model), unequal_lengths(model))
    again = {computed.stored.name: computed for computed in answered_again(model, golden, RUNS)}
    assert len(again) == len(golden)
    for stored in golden:
        computed = again[stored.name]
        output = forward(model, stored.x, lengths=stored.lengths)
        assert computed.y.shape == stored.y.shape
        unit = output_scale(output)
        # A nearly chaotic model amplifies float64's rounding as it does float32's, 2**-29 of F.
        allowed = (1000 + 8 * stored.noise_floor / EPS) * 2.0**-53 * unit
        assert (np.abs(computed.y - output.y) <= allowed).all(), stored.name
        np.testing.assert_allclose(computed.scale, stored.scale, rtol=1e-9)
        if EPS / 16 < stored.noise_floor <= LARGEST_NOISE:
            assert 1 / 8 < computed.noise_floor / stored.noise_floor < 8, stored.name


def test_no_set_is_answered_as_none() -> None:
    with pytest.raises(StopIteration):
        next(answered_again(None, (), RUNS))  # type: ignore[arg-type]
