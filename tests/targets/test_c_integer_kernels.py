"""The kernels of this machine's processor: the bits of the definition from each of them."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_export import targets
from lstm_export.model import Concat, LastStep, Model, Signature
from lstm_export.targets.c.host import compiler
from lstm_export.targets.c.host.integer_runner import IntegerRunner
from lstm_export.targets.c.integer.definition import IntegerDefinition
from tests.kit.builders import linear, lstm, rnn

C = targets.get("c")
pytestmark = pytest.mark.skipif(
    bool(compiler.unavailable()), reason=f"needs a C compiler: {compiler.HOW}"
)
# What is left of this processor's instructions; the first has all.
LESS = ("", "-mno-avx512f", "-mno-avx2") if platform.machine() == "x86_64" else ("",)
# Inputs, units and layers: whole vectors, some of each kind left over, and rows of many chunks.
SHAPES = [(1, 1, 1), (10, 50, 1), (7, 37, 2)]


def model(input_size: int, hidden_size: int, num_layers: int) -> Model:
    random = np.random.default_rng(hidden_size)
    stages = (
        lstm("lstm", input_size, hidden_size, num_layers, random, gain=2.0),
        replace(rnn("rnn", input_size, hidden_size, num_layers, random), inputs=("x",)),
        Concat("both", inputs=("lstm", "rnn")),
        LastStep("last"),
        linear("fc", 2 * hidden_size, 3, random),
    )
    return Model(stages, Signature(input_size, 3))


def chain(input_size: int, hidden_size: int, num_layers: int) -> Model:
    """What is computed in blocks of steps, and of sequences, where a processor has use for it."""
    random = np.random.default_rng(hidden_size)
    stages = (
        lstm("lstm", input_size, hidden_size, num_layers, random, gain=2.0),
        LastStep("last"),
        linear("fc", hidden_size, 3, random),
    )
    return Model(stages, Signature(input_size, 3))


@pytest.mark.parametrize("less", LESS)
@pytest.mark.parametrize("weights", ["int16", "int8"])
def test_kernels_give_the_bits_of_the_definition(
    less: str, weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Usual counts and the ends of int16, at the level at which kernels are compiled."""
    monkeypatch.setenv("CFLAGS", f"-O1 {less}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    compiler._cache.cache_clear()
    random = np.random.default_rng(0)
    for build, shape in [*((model, shape) for shape in SHAPES), (chain, SHAPES[-1])]:
        source = build(*shape)
        place = tmp_path / f"{build.__name__}{shape}"
        C.export(source, place, arithmetic="integer", weights=weights, max_error="1000%")
        data = (place / "model.c").read_bytes()
        runner = C.load(data)
        assert isinstance(runner, IntegerRunner)
        assert isinstance(C, targets.HasDefinition)
        definition = C.definition(source, data)
        assert isinstance(definition, IntegerDefinition)
        counts = random.normal(scale=6_000, size=(6, 20, shape[0])).astype(np.int16)
        counts[1] = random.choice([-32767, 32767], size=counts[1].shape)
        expected = definition.answers(counts)
        np.testing.assert_array_equal(runner.answers(counts), expected, str(shape))
