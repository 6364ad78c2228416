"""Windows in C: samples one at a time, answered as the model was trained: the bits of NAME_run."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_export import pipeline, targets
from lstm_export.chains import Checkpoint, write_checkpoint
from lstm_export.model import Array, Column, Model
from lstm_export.parity.endless import on_windows
from lstm_export.targets.c.emit.interface import Interface, Record
from lstm_export.targets.c.emit.source import write
from lstm_export.targets.c.host import compiler
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS, GRAPHS
from tests.kit.compiled_c import QUICK, STRICT, compile_with, needs_compiler
from tests.kit.graphs import FORECASTS
from tests.kit.integer_models import UNTRAINED

C = targets.get("c")
WINDOW = 5
UNTOUCHED = -7.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_with(QUICK, monkeypatch)


def windowed(name: str, window: int = WINDOW, shortest: int | None = None) -> Model:
    model = {**CHAINS, **GRAPHS, **FORECASTS}[name]
    return Model(model.stages, replace(model.signature, window=window, shortest=shortest))


def pushed(model: Model, x: Array) -> list[tuple[int, Array]]:
    """What each sample of x (seq, input_size) returns, and y `(answers, output_size)` after it."""
    interface = Interface.of(model, "model", self_test=False)
    files = {"model.c": write(model, interface).c, "model.h": interface.header()}
    functions = ctypes.CDLL(str(compiler.library(files)))
    window_floats = WINDOW * interface.input_size + interface.state_size + 2
    window = np.full(window_floats, UNTOUCHED, np.float32)
    functions.model_scratch_floats.restype = ctypes.c_size_t
    floats = functions.model_scratch_floats(ctypes.c_size_t(1), ctypes.c_size_t(WINDOW))
    scratch = np.zeros(floats, np.float32)
    functions.model_window_push.restype = ctypes.c_uint
    functions.model_window_reset(pointer(window))
    returned = []
    for x_t in x:
        y = np.full((WINDOW, interface.output_size), UNTOUCHED, np.float32)
        arguments = [pointer(window), pointer(np.ascontiguousarray(x_t)), pointer(y)]
        if not interface.streams:
            arguments.append(pointer(scratch))
        returned.append((functions.model_window_push(*arguments), y))
    return returned


def pointer(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


@needs_compiler
@pytest.mark.parametrize(
    "name", ["seed", "gru both ways", "every step", "norms", "window", "last steps"]
)
@pytest.mark.parametrize(("window", "shortest"), [(WINDOW, None), (WINDOW, 2), (1, None)])
def test_every_window_has_the_bits_of_a_run(name: str, window: int, shortest: int | None) -> None:
    model = windowed(name, window, shortest)
    x = drawn(model, 1, 3 * WINDOW)[0]
    run = C.from_model(model)
    for t, (count, y) in enumerate(pushed(model, x)):
        samples = min(t + 1, window)
        if samples < max(shortest or window, model.least_steps):
            assert count == 0
            assert (y == UNTOUCHED).all()
            continue
        assert count == samples
        expected = run(x[np.newaxis, t + 1 - samples : t + 1]).reshape(-1, y.shape[1])
        np.testing.assert_array_equal(y[: len(expected)], expected)
        assert (y[len(expected) :] == UNTOUCHED).all()


@pytest.mark.parametrize("name", ["seed", "gru both ways"])
@pytest.mark.parametrize("command", ["gcc -std=c99", "clang -std=c99", "g++ -std=c++11 -x c++"])
def test_it_compiles_strictly_and_says_what_step_is(
    name: str, command: str, tmp_path: Path
) -> None:
    if not shutil.which(command.split(maxsplit=1)[0]):
        pytest.skip(f"{command.split(maxsplit=1)[0]} not installed; {compiler.HOW}")
    C.export(windowed(name), tmp_path / "m_c", name="motor")
    source = tmp_path / "m_c" / "motor.c"
    built = ["-O2", "-c", str(source), "-o", str(tmp_path / "motor.o")]
    subprocess.run([*command.split(), *STRICT, *built], check=True)
    header = (tmp_path / "m_c" / "motor.h").read_text()
    assert "#define MOTOR_WINDOW_STEPS 5" in header
    assert "Returns how many these are, or 0 while" in header
    page = (tmp_path / "m_c" / "README.md").read_text()
    assert "motor_window_push(&window, x, y" in page
    streams = name == "seed"
    assert ("An endless stream" in header) == streams
    assert ("one endless stream, which the model was not" in page) == streams


@pytest.mark.parametrize("arithmetic", ["float", "integer"])
def test_the_readme_tells_inputs_and_the_memory_of_a_window(
    arithmetic: str, tmp_path: Path
) -> None:
    if not shutil.which("gcc"):
        pytest.skip(f"gcc not installed; {compiler.HOW}")
    plain = windowed("seed")
    features = tuple(Column(f"level {place}") for place in range(10))
    model = Model(plain.stages, replace(plain.signature, features=features))
    options = UNTRAINED if arithmetic == "integer" else {}
    C.export(model, tmp_path / "m_c", name="motor", **options)
    page = (tmp_path / "m_c" / "README.md").read_text()
    assert re.search(r"x\[3\] = .* \(level_3\)" if options else "level_2, level_3, ", page)
    (told,) = re.findall(r"window with its state, yours \(RAM\) \| ([\d,]+) \|", page)
    size = int(told.replace(",", ""))
    check = f'#include "motor.h"\ntypedef char told[sizeof(motor_window) == {size} ? 1 : -1];\n'
    (tmp_path / "m_c" / "check.c").write_text(check)
    command = ["gcc", "-fsyntax-only", str(tmp_path / "m_c" / "check.c")]
    subprocess.run(command, check=True)


def test_a_model_without_a_window_is_written_as_ever(tmp_path: Path) -> None:
    model = CHAINS["seed"]
    interface = Interface.of(model, "model", self_test=False)
    source = write(model, interface)
    assert "window" not in source.h + source.c.replace('"window": null', "")
    C.export(model, tmp_path / "m_c")
    assert "export it with `--window N`" in (tmp_path / "m_c" / "README.md").read_text()


def test_the_record_tells_the_window() -> None:
    model = windowed("seed", WINDOW, 2)
    interface = Interface.of(model, "model", self_test=False)
    assert Record.of(write(model, interface).c).interface == interface


@needs_compiler
def test_the_export_notes_what_step_is(tmp_path: Path) -> None:
    for name, is_noted in (("seed", True), ("gru both ways", False)):
        file = tmp_path / f"{is_noted}.pt"
        model = windowed(name)
        windows = drawn(model, 6, WINDOW)
        write_checkpoint(file, Checkpoint(model, windows, {}))
        notes = pipeline.export(file, "c").notes
        assert any("NAME_window_push" in note for note in notes) == is_noted
        changed = [note for note in notes if "as an endless stream y0 differs by" in note]
        assert changed == list(on_windows(model, windows).sentences() if is_noted else ())
        page = (tmp_path / f"{is_noted}_c" / "README.md").read_text()
        assert all(note in page for note in changed)
