"""C in whole numbers on emulated microcontrollers: the bits of the definition, whichever kernel."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export import targets
from lstm_export.errors import InputError
from lstm_export.model import Array
from lstm_export.targets.c.emit.plan import looks_ahead
from lstm_export.targets.c.integer.definition import IntegerDefinition
from tests.kit.integer_models import ALL, UNTRAINED

C = targets.get("c")
MODELS = {
    "seed": ("seed", "int16"),
    "ways": ("gru both ways", "int8"),
    "projected": ("projected", "int16"),
    "norms": ("norms", "int16"),
    "steps": ("every step", "int8"),
    "pools": ("running pools", "int16"),
    "rnn": ("rnn", "int16"),
    "deviation": ("unbiased deviation", "int16"),
    "window": ("window", "int8"),
    "change": ("change", "int16"),
}
# What a processor without division calls for a LayerNorm; anything else would be floats or 64 bits.
DIVISION = {"__aeabi_uidiv", "__aeabi_uidivmod", "__aeabi_idiv", "__aeabi_idivmod"}

# A kernel would not compile.
FEW_REGISTERS = "gcc -O2 -DMODEL_PLAIN_LOOPS -fno-omit-frame-pointer -finstrument-functions"


@pytest.fixture(scope="module")
def cases(emulate: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Every model with counts as inputs, one row of them at the ends of int16."""
    folder = tmp_path_factory.mktemp("c")
    found = []
    for name, (chain, weights) in MODELS.items():
        model = ALL[chain]
        options = {"weights": weights, "self_test": True, **UNTRAINED}
        C.export(model, folder / name, name=name, **options)
        random = np.random.default_rng(1)
        x = random.normal(scale=5_000, size=(2, 5, model.signature.input_size))
        x[1] = random.choice([-32767, 32767], size=x[1].shape)
        counts = np.clip(np.rint(x), -32767, 32767).astype(np.int16)
        every_step = model.returns_every_step
        streams = looks_ahead(model) is None
        output_size = model.signature.output_size
        found.append(
            emulate.IntegerCase(name, folder / name, counts, output_size, every_step, streams)
        )
    return found


def expected(case: Any) -> Array:
    """What the definition answers, `(answers, output_size)`."""
    chain, _ = MODELS[case.name]
    data = (case.folder / f"{case.name}.c").read_bytes()
    assert isinstance(C, targets.HasDefinition)
    definition = C.definition(ALL[chain], data)
    assert isinstance(definition, IntegerDefinition)
    return definition.answers(case.x).reshape(-1, case.output_size)


@pytest.mark.parametrize("board", ["m0", "m3", "m4f", "m55", "rv32imc", "aarch64"])
def test_a_board_gives_the_bits_of_the_definition(
    emulate: Any, cases: list[Any], board: str, tmp_path: Path
) -> None:
    chosen = emulate.BOARDS[board]
    if chosen.missing():
        pytest.skip(chosen.missing())
    found = emulate.emulate(chosen, cases, tmp_path)
    for case in cases:
        answers = found[case.name].answers
        for way in ("step", "run") if case.streams else ("run",):
            words = [[int(word, 16) for word in line.split()] for line in answers[way]]
            counts = np.array(words, np.uint32).view(np.int32)
            np.testing.assert_array_equal(counts, expected(case), f"{case.name}, {way}")


@pytest.mark.parametrize("board", ["m0", "m4f"])
def test_what_is_said_of_flash_is_a_bound(
    emulate: Any, cases: list[Any], board: str, tmp_path: Path
) -> None:
    chosen = emulate.BOARDS[board]
    if chosen.missing():
        pytest.skip(chosen.missing())
    for case in cases:
        if not case.streams:
            continue
        chain, weights = MODELS[case.name]
        flash = emulate.flash_bytes(chosen, case, tmp_path)
        options = {"weights": weights, "max_flash": f"{flash - 1}B", **UNTRAINED}
        with pytest.raises(InputError, match="bytes of flash"):
            C.export(ALL[chain], tmp_path / "refused", **options)


@pytest.mark.parametrize("weights", ["int16", "int8"])
@pytest.mark.parametrize("build", ["gcc -O0", "gcc -O3", "gcc -Os", "clang -O2", FEW_REGISTERS])
@pytest.mark.parametrize("board", ["m0", "m4f", "m55"])
def test_kernels_compile_at_every_level_and_call_nothing(
    emulate: Any, board: str, build: str, weights: str, tmp_path: Path
) -> None:
    """By gcc, and by clang, which leaves them fewer registers; plain loops where hardly any are."""
    chosen = emulate.BOARDS[board]
    compiler, *flags = build.split()
    if chosen.missing() or not shutil.which(compiler):
        pytest.skip(chosen.missing() or "needs clang: apt install clang")
    C.export(ALL["norms"], tmp_path / "m_c", weights=weights, **UNTRAINED)
    built = tmp_path / "model.o"
    processor = [flag for flag in chosen.flags if flag.startswith("-m")]
    command = [chosen.compiler] if compiler == "gcc" else ["clang", "--target=arm-none-eabi"]
    command += ["-std=c99", *flags, "-ffreestanding", *processor, "-c"]
    source = str(tmp_path / "m_c" / "model.c")
    subprocess.run([*command, source, "-o", str(built)], check=True)
    listed = [f"{chosen.tools}nm", "-u", str(built)]
    names = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()
    assert {name for name in names if "profile_func" not in name} - {"U"} <= DIVISION
