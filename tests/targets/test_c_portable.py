"""Generated C where a compiler or a chip is unlike this machine's: narrow ints, flash apart from
memory, floats with more bits, and inputs that whole numbers would overflow.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from lstm_export.model import Array, LastStep, Model, Signature, Slice, Stage
from lstm_export.parity import GoldenSet, check
from lstm_export.targets import c
from lstm_export.targets.c.emit.layout import BITS, rounded
from tests.kit.builders import drawn, gru, linear, lstm, rnn
from tests.kit.chains import CHAINS, MODELS
from tests.kit.integer_models import ALL, UNTRAINED

pytestmark = pytest.mark.skipif(
    not shutil.which("gcc") or sys.platform == "win32", reason="needs gcc and a POSIX system"
)
NOTE = "floats are computed otherwise here; define MODEL_OTHER_BITS to be told no more"


def written(chain: str, folder: Path, weights: str = "float32", **options: Any) -> Path:
    """NAME.c of a chain, called as its folder is."""
    return exported(MODELS[chain], folder, weights, **options)


def exported(model: Model, folder: Path, weights: str, **options: Any) -> Path:
    """NAME.c of a model, called as its folder is."""
    c.export(model, folder, name=folder.name, weights=weights, **options)
    return folder / f"{folder.name}.c"


def windowed(model: Model) -> Model:
    """As trained on windows of two samples."""
    return Model(model.stages, replace(model.signature, window=2))


def said(compiler: str, source: Path, *flags: str) -> str:
    """What a compiler says of a file."""
    command = [compiler, "-std=c99", "-Wall", "-Wextra", "-pedantic", *flags, "-c", str(source)]
    command += ["-o", str(source.with_suffix(".o"))]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_a_build_with_other_bits_says_so_unless_told_not_to(compiler: str, tmp_path: Path) -> None:
    if not shutil.which(compiler):
        pytest.skip(f"needs {compiler}")
    source = written("smallest", tmp_path / "model")
    assert said(compiler, source) == ""
    assert NOTE in said(compiler, source, "-ffast-math")
    assert said(compiler, source, "-ffast-math", "-DMODEL_OTHER_BITS") == ""


@pytest.mark.parametrize("arithmetic", ["float", "integer"])
def test_c90_has_the_header_and_is_told_what_the_source_needs(
    arithmetic: str, tmp_path: Path
) -> None:
    options = UNTRAINED if arithmetic == "integer" else {}
    c.export(ALL["smallest"], tmp_path / "model", name="model", **options)
    source = tmp_path / "model" / "model.c"
    header = source.with_name("user.c")
    header.write_text('#include "model.h"\n')
    assert said("gcc", header, "-std=c90", "-Wundef") == ""
    assert said("gcc", source, "-std=gnu90", "-Wno-pedantic") == ""
    command = ["gcc", "-std=c90", "-fsyntax-only", str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    told = [line for line in done.stderr.splitlines() if "error" in line]
    assert "this is C99: compile it with -std=c99 or a later standard" in told[0]


@pytest.mark.skipif(
    not shutil.which("sdcc"), reason="needs sdcc; run scripts/install_emulators.sh (as root)"
)
def test_a_compiler_with_ints_of_16_bits_takes_it(tmp_path: Path) -> None:
    """For an STM8; scripts/docs/make_c_far.py has it for a Z80, too."""
    source = written("smallest", tmp_path / "model", "int8")
    command = ["sdcc", "-mstm8", "--std-c99", "--max-allocs-per-node", "1", "-c", str(source)]
    command += ["-o", str(tmp_path / "model.rel")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr


@pytest.fixture(scope="module")
def usual(emulate: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Two models, and what they answer in this machine's usual build."""
    folder = tmp_path_factory.mktemp("usual")
    cases = [
        case_of(emulate, "gru", "int8", folder / "same"),
        whole_case_of(emulate, "gru", "int16", folder / "whole"),
    ]
    found = emulate.emulate(emulate.HOST, cases, folder)
    return [(case, found[case.name]) for case in cases]


@pytest.mark.parametrize(
    "flags",
    [
        ("-U__UINT32_TYPE__", "-U__INT32_TYPE__"),
        ('-DNAME_FLASH=__attribute__((section(".model")))',),
        ("-DNAME_READ(p)=(*(const volatile __typeof__(*(p)) *)(p))",),
        ("-DNAME_PLAIN_LOOPS", "-march=native"),
    ],
    ids=["no types", "section", "read", "plain loops"],
)
def test_another_build_has_the_same_bits(
    flags: tuple[str, ...], emulate: ModuleType, usual: list[Any], tmp_path: Path
) -> None:
    """Without the compiler's own types, with constants elsewhere, without kernels."""
    for case, expected in usual:
        own = tuple(flag.replace("NAME", case.name.upper()) for flag in flags)
        assert emulate.emulate(emulate.HOST, [case], tmp_path, own)[case.name] == expected
        built = (tmp_path / f"host_{case.name}.o").read_bytes()
        assert (b".model" in built) == ("section" in flags[0])


def case_of(emulate: ModuleType, chain: str, weights: str, folder: Path) -> Any:
    model = windowed(MODELS[chain])
    exported(model, folder, weights, self_test=True)
    every = model.returns_every_step
    size = model.signature.output_size
    return emulate.Case(folder.name, folder, drawn(model, 1, 3), size, every, windowed=True)


def whole_case_of(emulate: ModuleType, chain: str, weights: str, folder: Path) -> Any:
    """In whole numbers, on counts of every size."""
    model = windowed(ALL[chain])
    exported(model, folder, weights, self_test=True, **UNTRAINED)
    shape = (2, 5, model.signature.input_size)
    counts = np.random.default_rng(2).integers(-9_000, 9_000, shape, np.int16)
    size = model.signature.output_size
    every = model.returns_every_step
    return emulate.IntegerCase(folder.name, folder, counts, size, every, windowed=True)


def test_constants_are_read_from_flash_that_is_no_memory(
    emulate: ModuleType, tmp_path: Path
) -> None:
    """An AVR: every constant that was read as memory would be another number."""
    board = emulate.FAR["avr"]
    if missing := board.missing():
        pytest.skip(missing)
    chains = {"gru": "int16", "norms": "float32", "small stages": "float32"}
    cases = [
        case_of(emulate, chain, weights, tmp_path / f"{chain.replace(' ', '_')}_{weights}")
        for chain, weights in chains.items()
    ]
    host = emulate.emulate(emulate.HOST, cases, tmp_path)
    found = emulate.emulate(board, cases, tmp_path)
    for case in cases:
        assert host[case.name].answers["window"]
        assert found[case.name].answers == host[case.name].answers, case.name
        assert emulate.flash_bytes(board, case, tmp_path) > 1000


def test_whole_constants_are_read_from_flash_too(emulate: ModuleType, tmp_path: Path) -> None:
    board = emulate.FAR["avr"]
    if missing := board.missing():
        pytest.skip(missing)
    chains = {"norms": "int16", "every step": "int8", "running pools": "int16"}
    cases = [
        whole_case_of(emulate, chain, weights, tmp_path / chain.replace(" ", "_"))
        for chain, weights in chains.items()
    ]
    host = emulate.emulate(emulate.HOST, cases, tmp_path)
    found = emulate.emulate(board, cases, tmp_path)
    for case in cases:
        assert host[case.name].answers["window"]
        assert found[case.name].answers == host[case.name].answers, case.name


@pytest.mark.parametrize(
    ("kind", "size"), [("lstm", 64), ("gru", 75), ("rnn", 130), ("linear", 130)]
)
def test_whole_weights_over_32_kb_are_two_arrays_on_an_avr(
    emulate: ModuleType, kind: str, size: int, tmp_path: Path
) -> None:
    board = emulate.FAR["avr"]
    if missing := board.missing():
        pytest.skip(missing)
    model = large(kind, size)
    c.export(model, tmp_path / "large", name="large", **UNTRAINED)
    source = (tmp_path / "large" / "large.c").read_bytes()
    assert re.search(rb"large_(layer_0|linear)_rest\[\]", source)
    definition = c.definition(model, source)
    assert definition is not None
    assert definition.structure == "as defined"
    counts = np.random.default_rng(2).integers(-9_000, 9_000, (1, 2, 4), np.int16)
    cases = [emulate.IntegerCase("large", tmp_path / "large", counts, 2)]
    host = emulate.emulate(emulate.HOST, cases, tmp_path)["large"]
    assert emulate.emulate(board, cases, tmp_path)["large"].answers == host.answers


# The layer, how its weights are stored, and the arrays that it is.
SPLIT = (("lstm", 56, "float32", 3), ("gru", 75, "int16", 2), ("rnn", 92, "float32", 2))


@pytest.mark.parametrize("split", SPLIT, ids=lambda split: split[0])
def test_a_layer_over_32_kb_is_several_arrays_on_an_avr(
    emulate: ModuleType, split: tuple[str, int, str, int], tmp_path: Path
) -> None:
    board = emulate.FAR["avr"]
    if missing := board.missing():
        pytest.skip(missing)
    kind, size, weights, arrays = split
    model = large(kind, size)
    c.export(model, tmp_path / "large", name="large", weights=weights)
    source = (tmp_path / "large" / "large.c").read_bytes()
    assert len(re.findall(rb"large_rec_l0(_rest\w*)?\[\]", source)) == arrays
    cases = [emulate.Case("large", tmp_path / "large", drawn(model, 1, 2), 2)]
    host = emulate.emulate(emulate.HOST, cases, tmp_path)["large"]
    assert emulate.emulate(board, cases, tmp_path)["large"].answers == host.answers


def large(kind: str, size: int) -> Model:
    """The first and the last of `large_stages`: of the first and of the last array."""
    ends = Slice("ends", (0, size - 1))
    return Model((*large_stages(kind, size), LastStep("last"), ends), Signature(4, 2))


def large_stages(kind: str, size: int) -> tuple[Stage, ...]:
    """From 4 features to so many, with a matrix of more than 32 kB."""
    random = np.random.default_rng(3)
    if kind == "linear":
        layer = lstm("rec", 4, 8, 1, random)
        return layer, linear("small", 8, size, random), linear("large", size, size, random)
    layers = {"lstm": lstm, "gru": gru, "rnn": rnn}
    return (layers[kind]("rec", 4, size, 1, random),)


@pytest.mark.parametrize("arithmetic", ["float", "integer"])
def test_more_constants_than_an_avr_reads_are_refused(
    emulate: ModuleType, arithmetic: str, tmp_path: Path
) -> None:
    """Also where each array is one that its compiler takes."""
    if missing := emulate.FAR["avr"].missing():
        pytest.skip(missing)
    source = written("seed", tmp_path / "model", "int16")
    if arithmetic == "integer":
        layers = lstm("lstm", 10, 50, 4, np.random.default_rng(3))
        model = Model((layers, LastStep("last")), Signature(10, 50))
        c.export(model, tmp_path / "model", weights="int8", **UNTRAINED)
    command = ["avr-gcc", "-mmcu=atmega2560", "-c", str(source), "-o", str(tmp_path / "model.o")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "an AVR reads 64 kB of flash" in done.stderr


@pytest.mark.parametrize("weights", ["int16", "int8"])
@pytest.mark.parametrize("chain", ["seed", "gru both ways"])
def test_huge_inputs_are_answered_as_in_float(chain: str, weights: str, tmp_path: Path) -> None:
    """Up to the largest floats: 2^31 times one of them is none."""
    model = CHAINS[chain]
    runner = c.load(written(chain, tmp_path / "model", weights).read_bytes())
    held = rounded(model, BITS[weights])
    x: Array = drawn(model, 40, 9)
    for scale in (1e24, 1e30, 1e37):
        huge = x * np.float32(scale)
        huge[0] = x[0]  # beside a row of usual size
        golden = GoldenSet.of("huge", held, huge)
        report = check(runner, (golden,), subject=chain)
        assert report.ok, report.table()
        np.testing.assert_array_equal(runner(huge[:1]), runner(huge)[:1])
