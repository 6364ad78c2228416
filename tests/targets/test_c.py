"""The C target: parity of every chain and storage, the same bits however it is asked, strict
compilers, refusals.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import stat
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lstm_export import targets
from lstm_export.device import Session
from lstm_export.errors import BundleError, InputError, MissingDependency
from lstm_export.model import Model, Signature
from lstm_export.model.runner import is_stateful
from lstm_export.parity import check, golden_sets
from lstm_export.targets.c.emit.interface import Interface
from lstm_export.targets.c.emit.layout import BITS, rounded
from lstm_export.targets.c.emit.source import write
from lstm_export.targets.c.host import compiler
from lstm_export.targets.c.host.runner import CStream
from tests.kit.builders import drawn, lstm
from tests.kit.chains import CHAINS, GRAPHS
from tests.kit.compiled_c import (
    QUICK,
    SHAPES,
    STRICT,
    assert_one_answer,
    compile_with,
    made,
    needs_compiler,
)

C = targets.get("c")
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc: apt install gcc g++")
MODELS = {**CHAINS, **GRAPHS}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_with(QUICK, monkeypatch)


@needs_compiler
@pytest.mark.parametrize("name", MODELS)
def test_every_chain_is_one_answer_however_it_is_asked(name: str) -> None:
    model = MODELS[name]
    runner = made(model)
    report = check(runner, golden_sets(model), subject="c")
    assert report.ok, report.table()
    for batch, seq in SHAPES:
        assert_one_answer(runner, drawn(model, batch, seq))


@needs_compiler
@pytest.mark.parametrize("name", MODELS)
def test_the_fast_build_is_one_answer_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With contraction: every kernel contracts the same expressions."""
    monkeypatch.setenv("CFLAGS", "")
    model = MODELS[name]
    runner = made(model)
    for x in (drawn(model, 40, 20), drawn(model, 33, 3) * np.float32(30)):
        assert_one_answer(runner, x)


@needs_compiler
@pytest.mark.parametrize("weights", ["int16", "int8"])
@pytest.mark.parametrize("name", ["seed", "gru both ways", "projected", "two modules", "relu rnn"])
def test_rounded_weights_compute_the_rounded_model(name: str, weights: str) -> None:
    model = rounded(MODELS[name], BITS[weights])
    runner = made(MODELS[name], weights)
    report = check(runner, golden_sets(model), subject=weights)
    assert report.ok, report.table()
    for batch, seq in SHAPES:
        assert_one_answer(runner, drawn(model, batch, seq))


@pytest.mark.parametrize("weights", ["int16", "int8"])
def test_rounding_moves_no_weight_by_more_than_half_a_step(weights: str) -> None:
    """A step is the row's largest weight over 127 or 32767; the float32 scale adds 2^-23 of the
    weight.
    """
    for stage, small in zip(
        CHAINS["seed"].recurrent, rounded(CHAINS["seed"], BITS[weights]).recurrent, strict=True
    ):
        for suffix in stage.suffixes:
            before, behind = (
                np.concatenate(
                    [candidate.weights[f"weight_{part}{suffix}"] for part in ("ih", "hh")], axis=1
                )
                for candidate in (stage, small)
            )
            largest = np.abs(before).max(axis=1, keepdims=True)
            step = largest / (2.0 ** (BITS[weights] - 1) - 1)
            # At the end of the range the fraction that the rows below leave can cost the other half
            # of a step.
            near_end = np.abs(before) > largest - step
            assert (
                np.abs(behind - before) <= np.where(near_end, 1.0, 0.5) * step + 2.0**-22 * largest
            ).all()


@needs_gcc
@pytest.mark.skipif(shutil.which("clang") is None, reason="needs clang: apt install clang")
@pytest.mark.parametrize(
    ("name", "weights"), [("seed", "float32"), ("gru both ways", "int8"), ("norms", "float32")]
)
def test_clang_says_nothing_and_gives_the_bits_of_gcc(
    name: str, weights: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = CHAINS[name]
    answers = {}
    x = drawn(model, 33, 5)
    monkeypatch.setenv("CFLAGS", " ".join(("-O1 -ffp-contract=off", *STRICT)))
    for compiler_name in ("gcc", "clang"):
        monkeypatch.setenv("CC", compiler_name)
        answers[compiler_name] = made(model, weights)(x)
    np.testing.assert_array_equal(answers["clang"], answers["gcc"])


@needs_gcc
@pytest.mark.parametrize(
    ("name", "weights"),
    [
        *((name, "float32") for name in ("seed", "gru both ways", "projected")),
        *((name, "float32") for name in ("every activation", "norms", "pools", "window")),
        *((name, "int8") for name in ("seed", "gru both ways")),
    ],
)
@pytest.mark.parametrize("language", ["c", "c++"])
def test_strict_compilers_say_nothing_and_nothing_is_needed(
    name: str, weights: str, language: str, tmp_path: Path
) -> None:
    """No warning, no symbol from outside, no other name than its own, no memory that is written."""
    if language == "c++" and shutil.which("g++") is None:
        pytest.skip("needs g++: apt install g++")
    C.export(MODELS[name], tmp_path / "m_c", name="motor", weights=weights, self_test=True)
    source = tmp_path / "m_c" / "motor.c"
    built = tmp_path / "motor.o"
    standard = ("-x", "c++", "-std=c++11") if language == "c++" else ("-std=c99",)
    command = [
        "gcc",
        *standard,
        *STRICT,
        "-O2",
        "-fno-pic",
        "-fno-asynchronous-unwind-tables",
        "-c",
        str(source),
    ]
    subprocess.run([*command, "-o", str(built)], check=True)
    symbols = [line.split() for line in _words("nm", str(built)).splitlines()]
    assert not [words for words in symbols if words[-2] in "UCBDd"], symbols
    assert all(words[-1].startswith("motor_") for words in symbols if words[-2] == "T")
    sizes = _words("size", str(built)).splitlines()[1].split()
    assert sizes[1:3] == ["0", "0"], sizes


def _words(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@needs_compiler
@pytest.mark.parametrize("name", ["seed", "gru both ways", "every step"])
def test_the_self_test_passes_and_can_fail(name: str, tmp_path: Path) -> None:
    C.export(CHAINS[name], tmp_path / "m_c", self_test=True)
    source = (tmp_path / "m_c" / "model.c").read_text()
    header = (tmp_path / "m_c" / "model.h").read_text()
    wrong = source.replace("0.462891757f", "0.463891757f")  # a coefficient of tanh
    assert wrong != source
    verdicts = [
        ctypes.CDLL(str(compiler.library({"model.c": text, "model.h": header}))).model_self_test()
        for text in (source, wrong)
    ]
    assert verdicts[0] == 0
    assert verdicts[1] > 0


@needs_compiler
def test_nan_stays_nan_and_rows_do_not_touch() -> None:
    model = CHAINS["every activation"]
    runner = made(model)
    x = drawn(model, 20, 4)
    y = runner(x)
    x[7, 1, 0] = np.nan
    found = runner(x)
    assert np.isnan(found[7, 1:]).all()
    np.testing.assert_array_equal(np.delete(found, 7, axis=0), np.delete(y, 7, axis=0))


@needs_compiler
def test_a_runner_is_stateful_where_the_model_has_steps() -> None:
    assert is_stateful(made(CHAINS["projected"]))
    assert not is_stateful(made(CHAINS["both ends"]))


@needs_compiler
@pytest.mark.parametrize(
    ("name", "grows"), [("seed", False), ("every step", False), ("both ends", True)]
)
def test_scratch_memory_grows_only_where_all_steps_are_needed(name: str, grows: bool) -> None:
    interface = Interface.of(CHAINS[name], "model", self_test=False)
    files = {"model.c": write(CHAINS[name], interface).c, "model.h": interface.header()}
    scratch = ctypes.CDLL(str(compiler.library(files))).model_scratch_floats
    scratch.restype = ctypes.c_size_t
    floats = [scratch(ctypes.c_size_t(1), ctypes.c_size_t(seq)) for seq in (100, 100_000)]
    assert (floats[0] < floats[1]) == grows


@needs_compiler
def test_states_of_single_units_are_given_back_row_by_row() -> None:
    """Their tensors `(num_layers, batch, 1)` turn into rows without a copy, and lie by column."""
    model = Model((lstm("lstm", 2, 1, 3, np.random.default_rng(8)),), Signature(2, 1))
    runner = made(model)
    assert isinstance(runner, CStream)
    x = drawn(model, 5, 3)
    np.testing.assert_array_equal(runner.advance(x, runner.initial_state(5))[0], runner(x))


@needs_compiler
@pytest.mark.parametrize("name", ["seed", "gru", "learned state", "every step"])
def test_a_stream_steps_in_place_as_a_benchmark_does(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state stays where C keeps it: nothing goes through `advance`, and a saved one returns."""
    model = CHAINS[name]
    runner = made(model)
    x = drawn(model, 1, 6)
    expected = [
        runner(x[:, : t + 1]).reshape(-1, model.signature.output_size)[-1] for t in range(6)
    ]

    def not_asked(*args: object) -> None:
        raise AssertionError("a step went through advance")

    monkeypatch.setattr(CStream, "advance", not_asked)
    stream = Session(runner, model.signature).stream(mode="state")
    for x_t, y_t in zip(x[0, :3], expected[:3], strict=True):
        np.testing.assert_array_equal(stream.step(x_t), y_t)
    context = stream._context
    kept = context.take(slice(None))
    context.put(slice(None), context.fresh(1))
    np.testing.assert_array_equal(stream.step(x[0, 0]), expected[0])
    context.put(slice(None), kept)
    for x_t, y_t in zip(x[0, 3:], expected[3:], strict=True):
        np.testing.assert_array_equal(stream.step(x_t), y_t)


@needs_compiler
def test_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    real = compiler._compile
    monkeypatch.setattr(compiler, "_compile", lambda *args: (calls.append(1), real(*args)))
    monkeypatch.setenv("CFLAGS", "-O1 -DONLY_HERE")
    for _ in range(2):
        made(CHAINS["smallest"])
    assert len(calls) == 1


def test_a_folder_of_an_earlier_export_is_replaced_and_no_other(tmp_path: Path) -> None:
    place = tmp_path / "model_c"
    C.export(CHAINS["smallest"], place, name="first")
    C.export(CHAINS["smallest"], place, name="second")
    assert sorted(path.name for path in place.iterdir()) == ["README.md", "second.c", "second.h"]
    (place / "main.c").write_text("int main(void) { return 0; }\n")
    with pytest.raises(InputError, match=r"holds other files \(README.md, main.c, second.c\)"):
        C.export(CHAINS["smallest"], place)
    assert (place / "main.c").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model_c"]


def test_two_exports_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        C.export(CHAINS["seed"], tmp_path / name, self_test=True)
    for file in ("model.c", "model.h", "README.md"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "2fast"}, "no C identifier, .*; choose another with --name"),
        ({"name": "mo-tor"}, "no C identifier"),
        ({"name": "while"}, "keyword of C or C"),
        ({"name": "class"}, "keyword of C or C"),
        ({"name": "_model"}, "reserved"),
        ({"name": "model_"}, "reserved"),
        ({"name": "Time"}, "would hide C's own time.h .*; choose another with --name"),
        ({"weights": "int4"}, "cannot be stored as 'int4'; choose float32, int16, int8"),
        ({"max_flash": "much"}, "'much' is no size; write such as 256kB"),
        (
            {"max_flash": "64kB"},
            r"needs 13\d,\d\d\d bytes of flash .* allowed are 64,000; store .* as int16 or int8",
        ),
        ({"max_flash": "64kB", "weights": "int16"}, "are 64,000; store the weights as int8 with"),
        ({"max_flash": "3kB", "weights": "int8"}, "are 3,000; train a smaller model"),
    ],
)
def test_bad_options_are_refused_in_one_line(
    options: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        C.export(CHAINS["seed"], tmp_path / "m_c", **options)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_the_seed_fits_small_flash() -> None:
    interface = Interface.of(CHAINS["seed"], "model", self_test=False)
    sizes = {weights: write(CHAINS["seed"], interface, weights).constant_bytes for weights in BITS}
    # Every weight once, both biases summed, nothing else
    assert sizes["float32"] == 4 * (32_000 + 400 + 51)
    assert sizes["int16"] < 70_000
    assert sizes["int8"] < 38_000


def test_no_compiler_and_a_failing_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(
        MissingDependency, match="CC names 'no-such-compiler', which is no program here"
    ):
        made(CHAINS["smallest"])
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "there is no cc, gcc or clang here" in targets.unavailable(C)
    if os.name == "nt":
        return
    broken = tmp_path / "cc"
    broken.write_text("#!/bin/sh\necho 'model.c:1:1: error: out of coffee' >&2\nexit 1\n")
    broken.chmod(broken.stat().st_mode | stat.S_IEXEC)
    compiler._machine.cache_clear()
    with pytest.raises(
        InputError, match="cc cannot compile model.c: model.c:1:1: error: out of coffee"
    ):
        made(CHAINS["smallest"])
    compiler._machine.cache_clear()


@needs_compiler
def test_sources_that_are_not_ours_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="was not written by lstm-export c"):
        C.load(b"/* lstm-export: a model in C\n */ int x;")
    C.export(CHAINS["smallest"], tmp_path / "m_c")
    source = (tmp_path / "m_c" / "model.c").read_text()
    with pytest.raises(BundleError, match="of format 9, known is 1"):
        C.load(source.replace('{"format": 1', '{"format": 9').encode())
