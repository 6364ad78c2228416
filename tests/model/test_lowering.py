"""A chain rewritten for formats that lack a stage still computes the same."""

from __future__ import annotations

import numpy as np

from lstm_export.model import Model, forward
from lstm_export.model.lowering import POOR_CONDITION, lower_projections, lowering_notes
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS


def test_computes_the_same_up_to_one_rounding_of_its_weights(model: Model) -> None:
    lowered = lower_projections(model)
    assert not any(stage.proj_size for stage in lowered.recurrent)
    x = drawn(model, 3, 20)
    y = forward(model, x).y
    again = forward(lowered, x).y
    if lowered is not model:
        assert not np.array_equal(y, again)  # the product was rounded to float32
    np.testing.assert_allclose(again, y, rtol=0, atol=50 * 2.0**-24 * max(1.0, np.abs(y).max()))


def test_says_what_it_did_and_where_digits_are_lost() -> None:
    assert list(lowering_notes(CHAINS["seed"])) == []
    (note,) = lowering_notes(CHAINS["projected both ways"])
    assert (
        note
        == "the projections of lstm are lowered: weight_hh @ weight_hr, then weight_hr as a Linear"
    )
    model = CHAINS["projected"]
    arrays = dict(model.arrays)
    narrow = arrays["lstm.weight_hr_l0"].copy()
    narrow[1] = narrow[0] * (1 + 1e-4)  # two rows that are nearly one
    flat = Model.from_record(
        model.chain_record(), {**arrays, "lstm.weight_hr_l0": narrow}, model.signature
    )
    *_, warning = lowering_notes(flat)
    assert "loses digits" in warning
    assert POOR_CONDITION == 100
