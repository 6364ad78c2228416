"""The kernels of this machine's processor: the bits of the definition from each of them."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_export import targets
from lstm_export.model import Concat, LastStep, Model, Signature
from lstm_export.targets.c.host.integer_runner import IntegerRunner
from lstm_export.targets.c.integer.definition import IntegerDefinition
from tests.kit.builders import gru, linear, lstm, rnn
from tests.kit.compiled_c import compile_with, needs_compiler

C = targets.get("c")
pytestmark = needs_compiler
# What is left of this processor's instructions; the first has all.
LESS = ("", "-mno-avx512f", "-mno-avx2") if platform.machine() == "x86_64" else ("",)


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
    lstms, fc = every_step(input_size, hidden_size, num_layers).stages
    grus = gru("gru", hidden_size, hidden_size, 1, np.random.default_rng(5), gain=2.0)
    return Model((lstms, grus, LastStep("last"), fc), Signature(input_size, 3))


def every_step(input_size: int, hidden_size: int, num_layers: int) -> Model:
    """One that answers at every step of a block."""
    random = np.random.default_rng(hidden_size)
    layers = lstm("lstm", input_size, hidden_size, num_layers, random, gain=2.0)
    return Model((layers, linear("fc", hidden_size, 3, random)), Signature(input_size, 3))


# Inputs, units and layers: whole vectors, some of each kind left over, and rows of many chunks.
CASES = (
    (model, (1, 1, 1)),
    (model, (7, 37, 2)),
    (chain, (7, 37, 1)),
    (every_step, (10, 70, 1)),
)


@pytest.mark.parametrize("less", LESS)
@pytest.mark.parametrize("weights", ["int16", "int8"])
def test_kernels_give_the_bits_of_the_definition(
    less: str, weights: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Usual counts and the ends of int16, at the level at which kernels are compiled."""
    compile_with(f"-O1 {less}", monkeypatch)
    random = np.random.default_rng(0)
    for build, shape in CASES:
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
