"""The C target with vectors of every width, and with none: the same bits."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_export.model import LastStep, Model, Signature
from lstm_export.parity import GoldenSet, check
from lstm_export.targets.c.emit.layout import BITS, rounded
from lstm_export.targets.c.host.runner import CStream
from tests.kit.builders import drawn, gru, lstm, rnn
from tests.kit.chains import CHAINS
from tests.kit.compiled_c import in_one, made, needs_compiler


def wide() -> Model:
    """Layers of several groups of units, the last group of each wider, as wide or narrower than the
    others.
    """
    random = np.random.default_rng(5)
    stages = (
        lstm("lstm", 3, 66, 1, random),
        gru("gru", 66, 85, 1, random),
        lstm("out", 85, 32, 1, random),
    )
    return Model((*stages, LastStep("last")), Signature(3, 32))


def wide_rnn() -> Model:
    """The same of a single sum a unit."""
    random = np.random.default_rng(5)
    stages = (
        rnn("rnn", 3, 66, 1, random),
        rnn("relu", 66, 213, 1, random, nonlinearity="relu"),
        rnn("out", 213, 32, 1, random),
    )
    return Model((*stages, LastStep("last")), Signature(3, 32))


WIDTHS = {"narrow": CHAINS["two modules"], "wide": wide(), "wide rnn": wide_rnn()}


@needs_compiler
@pytest.mark.parametrize("lanes", [4, 8, 16])
@pytest.mark.parametrize("weights", ["float32", "int8"])
@pytest.mark.parametrize("model", WIDTHS.values(), ids=WIDTHS)
def test_the_width_of_vectors_changes_no_bit(
    model: Model, lanes: int, weights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against plain floats, which no vectors at all are."""
    x = drawn(model, 33, 12)
    monkeypatch.setenv("CFLAGS", "-O1 -ffp-contract=off -w -DMODEL_VL=1")
    plain = made(model, weights)(x)
    report = check(
        lambda _: plain,
        (GoldenSet.of("33 x 12", rounded(model, BITS[weights]), x),),
        subject="plain",
    )
    assert report.ok, report.table()
    monkeypatch.setenv("CFLAGS", f"-O1 -ffp-contract=off -w -DMODEL_VL={lanes}")
    runner = made(model, weights)
    np.testing.assert_array_equal(runner(x), plain)
    np.testing.assert_array_equal(in_one(runner, x), plain)
    assert isinstance(runner, CStream)
    np.testing.assert_array_equal(runner.advance(x[:2], runner.initial_state(2))[0], plain[:2])
