"""The generated C of every chain on other processors: the same bits as on this machine, however it
is called.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from lstm_export.model import Model
from lstm_export.parity import GoldenSet, check
from lstm_export.targets import get
from lstm_export.targets.c.emit.interface import Interface
from lstm_export.targets.c.emit.plan import looks_ahead
from lstm_export.targets.c.emit.source import Source, write
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS, GRAPHS
from tests.kit.graphs import FORECASTS

MODELS = {**CHAINS, **GRAPHS, **FORECASTS}
NAMES = {name.replace(" ", "_"): name for name in MODELS}  # the prefix of its symbols


@pytest.fixture(scope="module")
def cases(emulate: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("c")
    return [case(emulate, name, MODELS[model], folder / name) for name, model in NAMES.items()]


@pytest.fixture(scope="module")
def host(emulate: ModuleType, cases: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return emulate.emulate(emulate.HOST, cases, tmp_path_factory.mktemp("host"))


def case(emulate: ModuleType, name: str, model: Model, folder: Path, **options: Any) -> Any:
    """The model exported to `folder`, with inputs of the size that it expects, one row of them far
    outside.
    """
    get("c").export(model, folder, name=name, **options)
    x = drawn(model, 3, 5)
    x[2] *= 30
    streams = looks_ahead(model) is None
    return emulate.Case(
        name, folder, x, model.signature.output_size, model.returns_every_step, streams
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_hosts_answers_are_the_definitions(name: str, host: Any, cases: Any) -> None:
    model = MODELS[NAMES[name]]
    found = host[name]
    x = next(candidate.x for candidate in cases if candidate.name == name)
    golden = GoldenSet.of("3 x 5", model, x)
    report = check(lambda _: found.y("run").reshape(golden.y.shape), (golden,), subject=name)
    assert report.ok, report.table()
    assert found.answers["run"] == found.answers["batch"]
    assert found.answers["step"] in ([], found.answers["run"])


@pytest.mark.parametrize("board", ["m4f", "rv32", "aarch64"])
def test_another_processor_gives_the_same_bits(
    board: str, emulate: ModuleType, host: Any, cases: Any, tmp_path: Path
) -> None:
    if missing := emulate.BOARDS[board].missing():
        pytest.skip(missing)
    found = emulate.emulate(emulate.BOARDS[board], cases, tmp_path)
    for name in NAMES:
        assert found[name].answers == host[name].answers, name


def test_a_processor_that_rounds_otherwise_is_seen(
    emulate: ModuleType, host: Any, cases: Any, tmp_path: Path
) -> None:
    if missing := emulate.BOARDS["m4f"].missing():
        pytest.skip(missing)
    # 30 answers: of a few all may be the same bits by chance
    (every_step,) = (candidate for candidate in cases if candidate.name == "every_step")
    found = emulate.emulate(emulate.BOARDS["m4f"], [every_step], tmp_path, ["-ffp-contract=fast"])
    contracted = found["every_step"]
    separate = host["every_step"]
    assert contracted.answers != separate.answers
    np.testing.assert_allclose(contracted.y("run"), separate.y("run"), atol=1e-5)


@pytest.mark.parametrize("weights", ["int16", "int8"])
def test_rounded_weights_give_the_same_bits_too(
    weights: str, emulate: ModuleType, tmp_path: Path
) -> None:
    if missing := emulate.BOARDS["m4f"].missing():
        pytest.skip(missing)
    names = ("seed", "gru", "projected")
    some = [case(emulate, name, CHAINS[name], tmp_path / name, weights=weights) for name in names]
    host, found = (
        emulate.emulate(board, some, tmp_path) for board in (emulate.HOST, emulate.BOARDS["m4f"])
    )
    for name in names:
        assert found[name].answers == host[name].answers, name
        assert (
            host[name].answers["step"] == host[name].answers["run"] == host[name].answers["batch"]
        ), name


@pytest.mark.parametrize("board", ["m0", "m3", "rv32imc"])
def test_a_processor_without_fpu_gives_the_same_bits(
    board: str, emulate: ModuleType, tmp_path: Path
) -> None:
    """Floats by libgcc's routines; flash and stack are measured there, too."""
    if missing := emulate.BOARDS[board].missing():
        pytest.skip(missing)
    chains = {"smallest": "float32", "gru": "int16", "projected": "int8", "norms": "float32"}
    some = [
        case(emulate, name, CHAINS[name], tmp_path / name, weights=weights)
        for name, weights in chains.items()
    ]
    host = emulate.emulate(emulate.HOST, some, tmp_path)
    found = emulate.emulate(emulate.BOARDS[board], some, tmp_path)
    for each in some:
        assert found[each.name].answers == host[each.name].answers, each.name
        assert found[each.name].instructions > 0
        assert emulate.flash_bytes(emulate.BOARDS[board], each, tmp_path) > 1000
        assert emulate.stack_bytes(emulate.BOARDS[board], each, tmp_path) > 0


def test_a_microcontroller_has_room_for_the_readmes_model(
    emulate: ModuleType, host: Any, cases: Any, tmp_path: Path
) -> None:
    """The limits that are promised for a Cortex-M4F at -O2, bit for bit the host's answers."""
    board = emulate.BOARDS["m4f"]
    if missing := board.missing():
        pytest.skip(missing)
    (seed,) = (candidate for candidate in cases if candidate.name == "seed")
    found = emulate.emulate(board, [seed], tmp_path)["seed"]
    assert found.answers == host["seed"].answers
    assert found.instructions <= 200_000
    assert emulate.stack_bytes(board, seed, tmp_path) <= 400
    assert found.state_bytes <= 1000
    assert emulate.flash_bytes(board, seed, tmp_path) <= 135_000
    small = case(emulate, "small", CHAINS["seed"], tmp_path / "small", weights="int8")
    assert emulate.flash_bytes(board, small, tmp_path) <= 40_000


@pytest.mark.parametrize("weights", ["float32", "int8"])
def test_the_flash_that_is_announced_is_enough_and_not_half_as_much_again(
    weights: str, emulate: ModuleType, tmp_path: Path
) -> None:
    board = emulate.BOARDS["m4f"]
    if missing := board.missing():
        pytest.skip(missing)
    for name in ("seed", "no_head", "every_activation", "norms", "heads", "running_pools", "rnn"):
        model = MODELS[NAMES[name]]
        made = case(emulate, name, model, tmp_path / name, weights=weights)
        source = source_of(model, weights)
        code = emulate.flash_bytes(board, made, tmp_path) - source.constant_bytes
        assert code <= source.code_bytes <= 1.5 * code, name


def source_of(model: Model, weights: str) -> Source:
    return write(model, Interface.of(model, "model", self_test=False), weights)
