"""C in whole numbers: the bits of its definition, how near they are to float64, what is refused."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lstm_export import pipeline, targets
from lstm_export.chains import Checkpoint
from lstm_export.errors import BundleError, InputError, LstmExportError, UnsupportedModel
from lstm_export.model import Model, forward
from lstm_export.model.runner import is_stateful
from lstm_export.parity.golden import hard_inputs
from lstm_export.targets.c.host import compiler
from lstm_export.targets.c.host.integer_runner import IntegerRunner
from lstm_export.targets.c.integer.cost import costs
from lstm_export.targets.c.integer.definition import IntegerDefinition
from lstm_export.verification.failure import smallest_failure
from lstm_export.verification.opened_file import open_file
from lstm_export.verification.permission import Permission
from lstm_export.verification.subject import Subject
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS, MODELS
from tests.kit.compiled_c import STRICT, compile_with, needs_compiler
from tests.kit.integer_models import ALL, HELD, REFUSED, UNTRAINED, sensor

C = targets.get("c")
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc: apt install gcc g++")
AVX512 = ("avx2", "avx512f", "avx512bw", "avx512vl", "avx512vnni")
TRAPS = "-fsanitize=undefined -fsanitize-undefined-trap-on-error"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any undefined behaviour ends the process."""
    compile_with(f"-O0 {TRAPS}", monkeypatch)


def exported(model: Model, folder: Path, **options: object) -> bytes:
    """NAME.c of an integer export."""
    C.export(model, folder / "m_c", **UNTRAINED | options)
    return (folder / "m_c" / "model.c").read_bytes()


def opened(model: Model, data: bytes) -> tuple[IntegerRunner, IntegerDefinition]:
    runner = C.load(data)
    assert isinstance(runner, IntegerRunner)
    assert isinstance(C, targets.HasDefinition)
    definition = C.definition(model, data)
    assert isinstance(definition, IntegerDefinition)
    return runner, definition


@needs_compiler
@pytest.mark.parametrize(
    ("name", "weights"),
    [
        *((name, "int16") for name in HELD),
        *((name, "int8") for name in ("seed", "gru both ways", "projected both ways", "window")),
    ],
)
def test_c_gives_the_bits_of_the_definition(name: str, weights: str, tmp_path: Path) -> None:
    """Usual inputs, far outliers, and the ends of int16; weights and tables read back."""
    model = ALL[name]
    runner, definition = opened(model, exported(model, tmp_path, weights=weights, self_test=True))
    assert definition.structure == "as defined"
    asked = {**hard_inputs(model), **definition.inputs()}
    asked["long stream"] = asked["long stream"][:, :100]
    for x in asked.values():
        np.testing.assert_array_equal(runner(x), definition(x))
    assert self_test(model, tmp_path / "m_c") == 0


def self_test(model: Model, folder: Path, source: str = "") -> int:
    """What NAME_self_test says, of the export or of a changed source."""
    files = {
        "model.c": source or (folder / "model.c").read_text(),
        "model.h": (folder / "model.h").read_text(),
    }
    verdict: int = ctypes.CDLL(str(compiler.library(files))).model_self_test()
    return verdict


@needs_compiler
def test_raw_counts_of_a_sensor_go_in_as_they_come(tmp_path: Path) -> None:
    """A count of the first is 1/16 unit, of the second 1/1000 above 39."""
    model = sensor()
    text = "x0=q:0.0625, x1=q:0.001:39"
    data = exported(model, tmp_path, input_format=text)
    runner, definition = opened(model, data)
    raw = np.random.default_rng(2).normal([280, 40], [10, 0.5], (3, 9, 2))
    counts = np.rint((raw - [0, 39]) / [0.0625, 0.001]).astype(np.int16)
    answers = runner.answers(counts)
    x = counts * [0.0625, 0.001] + [0, 39]
    np.testing.assert_array_equal(runner(x), definition(x))
    bits = int(re.search(rb"MODEL_ANSWER_BITS (-?\d+)", header(tmp_path))[1])  # type: ignore[index]
    exact = forward(model, x).y
    assert np.abs(answers * 2.0**-bits - exact).max() < 1e-3 * exact.std()
    assert b"x[0] = 0 + 0.0625 * count" in header(tmp_path)
    assert b"x[1] = 39 + 0.001 * count" in header(tmp_path)


@needs_compiler
def test_a_sentinel_is_a_count_of_its_own(tmp_path: Path) -> None:
    """-999 is count -31968 of the first two; of the third none of int16 is: it never comes."""
    model = MODELS["small stages"]
    random = np.random.default_rng(2)
    x = random.normal(size=(40, 9, 3))
    x[..., :2] = np.where(random.random((40, 9, 2)) < 0.2, -999, x[..., :2])
    data = exported(model, tmp_path, input_format="x0=q:0.03125, x1=q:0.03125, x2=q:0.005")
    runner, definition = opened(model, data)
    np.testing.assert_array_equal(runner(x), definition(x))
    for cost in costs(model, definition._whole, [x]):
        assert cost.largest < 5e-3 * cost.spread, cost


def header(folder: Path) -> bytes:
    return (folder / "m_c" / "model.h").read_bytes()


@needs_compiler
def test_windows_are_answered_as_a_run_answers_them(tmp_path: Path) -> None:
    model = sensor()
    data = exported(model, tmp_path)
    runner, _ = opened(model, data)
    files = {"model.c": data.decode(), "model.h": header(tmp_path).decode()}
    library = ctypes.CDLL(str(compiler.library(files)))
    window = np.zeros(200, np.int32)
    counts = np.random.default_rng(3).integers(-20_000, 20_000, (12, 2)).astype(np.int16)
    y = np.zeros(1, np.int32)
    place = ctypes.c_void_p(window.ctypes.data)
    library.model_window_reset(place)
    for t, sample in enumerate(counts):
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (sample, y)]
        held = library.model_window_push_q(place, *pointers)
        assert held == (5 if t >= 4 else 0)
        if held:
            expected = runner.answers(counts[np.newaxis, t - 4 : t + 1])
            np.testing.assert_array_equal(y, expected[0])


@needs_compiler
def test_floats_become_counts_and_back(tmp_path: Path) -> None:
    model = sensor()
    data = exported(model, tmp_path, float_wrapper=True)
    files = {"model.c": data.decode(), "model.h": header(tmp_path).decode()}
    library = ctypes.CDLL(str(compiler.library(files)))
    _, definition = opened(model, data)
    x = np.array([[283.25, 39.5], [1e9, -1e9], [np.nan, 40.0]], np.float32)
    for row in x:
        counted = definition._whole.counts(row)
        counts = np.zeros(2, np.int16)
        library.model_counts(ctypes.c_void_p(row.ctypes.data), ctypes.c_void_p(counts.ctypes.data))
        assert np.abs(counts - counted).max() <= 1  # float32 rounds a tie otherwise
    answers = np.array([-3_000_001, 0, 7], np.int32)
    values = np.zeros(3, np.float32)
    places = [ctypes.c_void_p(array.ctypes.data) for array in (answers, values)]
    library.model_values(places[0], ctypes.c_size_t(3), places[1])
    unit = 2.0**-definition._whole.answer_bits
    np.testing.assert_array_equal(values, (answers * unit).astype(np.float32))


@needs_gcc
@pytest.mark.parametrize("instructions", [(), ("avx2",), AVX512], ids=["c99", "avx2", "avx512"])
def test_a_float_wrapper_compiles_with_the_kernels(
    instructions: tuple[str, ...], tmp_path: Path
) -> None:
    """Its names meet those of a kernel; the processor here need not have the instructions."""
    exported(sensor(), tmp_path, float_wrapper=True, self_test=True)
    flags = [f"-m{name}" for name in instructions]
    command = ["gcc", "-std=c99", "-O2", "-fsyntax-only", *STRICT, *flags]
    subprocess.run([*command, str(tmp_path / "m_c" / "model.c")], check=True)


@needs_compiler
@pytest.mark.parametrize("array", ["layer_0", "layer_0_biases", "tanh_table", "linear_shifts"])
def test_a_changed_constant_is_seen(array: str, tmp_path: Path) -> None:
    """By reading it back, and, of weights and tables, by the board's own test."""
    model = CHAINS["seed"]
    text = exported(model, tmp_path, self_test=True).decode()
    place = text.index("\n    ", text.index(f"model_{array}[")) + 5
    end = text.index(",", place)
    changed = f"{text[:place]}{int(text[place:end]) + 1}{text[end:]}"
    _, definition = opened(model, changed.encode())
    assert definition.structure == f"model_{array} differs in 1 of {count_of(text, array)} values"
    if array == "layer_0_biases":
        far = f"{text[:place]}{int(text[place:end]) + 9_000}{text[end:]}"
        assert self_test(model, tmp_path / "m_c", far) > 0


def count_of(text: str, array: str) -> str:
    found = re.search(rf"model_{array}\[(\d+)\]", text)
    assert found
    return found[1]


@needs_gcc
@pytest.mark.parametrize(
    ("name", "weights"),
    [("seed", "int16"), ("gru both ways", "int8"), ("projected", "int16"), ("norms", "int8")],
)
@pytest.mark.parametrize("language", ["c", "c++"])
def test_strict_compilers_say_nothing_and_no_float_is_used(
    name: str, weights: str, language: str, tmp_path: Path
) -> None:
    """Without floating-point registers; no symbol from outside, no memory that is written."""
    if language == "c++" and shutil.which("g++") is None:
        pytest.skip("needs g++: apt install g++")
    exported(CHAINS[name], tmp_path, weights=weights, self_test=True)
    built = tmp_path / "model.o"
    standard = ("-x", "c++", "-std=c++11") if language == "c++" else ("-std=c99",)
    options = ("-O2", "-m32", "-mgeneral-regs-only", "-fno-pic", "-fno-asynchronous-unwind-tables")
    source = str(tmp_path / "m_c" / "model.c")
    command = ["gcc", *standard, *STRICT, *options, "-ffreestanding", "-c", source]
    subprocess.run([*command, "-o", str(built)], check=True)
    listed = ["nm", str(built)]
    symbols = subprocess.run(listed, check=True, capture_output=True, text=True).stdout
    kinds = [line.split()[-2:] for line in symbols.splitlines()]
    assert not [name for kind, name in kinds if kind in "UCBDd"], kinds


@pytest.mark.parametrize("reason", REFUSED)
def test_a_stage_without_an_integer_form_is_refused_by_name(reason: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModel, match=f"c cannot express .* whole numbers: .*{reason}"):
        exported(REFUSED[reason], tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arithmetic": "fixed"}, "'fixed' is unknown; choose float or integer"),
        ({"max_error": "2%"}, "--max-error is for whole numbers: add --arithmetic integer"),
        ({"arithmetic": "integer", "weights": "float32"}, "choose int16 or int8 with"),
        ({"arithmetic": "integer", "max_error": "much"}, "'much' is no limit; write such as 2%"),
        (
            {"arithmetic": "integer", "weights": "int8", "max_error": "0.01%"},
            r"move y0 by up to .* allowed are 0.01%: store weights as int16 .*, or calibrate on",
        ),
        (
            {"arithmetic": "integer", "input_format": "speed=q:1"},
            "names 'speed', which is no input; inputs are x0, x1",
        ),
        ({"arithmetic": "integer", "input_format": "x0=7"}, "'x0=7' cannot be read; write such"),
        ({"arithmetic": "integer", "input_format": "x0=q:0"}, "'x0=q:0' cannot be read"),
        (
            {"arithmetic": "integer", "input_format": "x1=q:40"},
            "input 1 is too coarse for whole numbers",
        ),
        (
            {"arithmetic": "integer", "input_format": "x1=q:0.000001:40"},
            r"--input-format leaves out \d+ of \d+ values of input 1 on random inputs of .*: int16",
        ),
        (
            {"arithmetic": "integer", "input_format": "x1=q:0.001:400000"},
            "input 1 is too far from the model's values",
        ),
        ({"arithmetic": "integer", "calibrate": "nowhere.csv"}, "nowhere.csv"),
    ],
)
def test_bad_options_are_refused_in_one_line(
    options: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(LstmExportError, match=message) as caught:
        C.export(sensor(), tmp_path / "m_c", **options)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_two_per_cent_of_the_spread_are_allowed_unless_the_user_says(tmp_path: Path) -> None:
    """What is told is what helps."""
    model = CHAINS["seed"]
    table = tmp_path / "seen.csv"
    names = ",".join(f"column{place}" for place in range(10))
    np.savetxt(table, drawn(model, 1, 99)[0], delimiter=",", header=names, comments="")
    place = tmp_path / "m_c"
    told = (
        "% of the spread; allowed are 2% unless --max-error says otherwise: store weights as int16"
    )
    helps = {"": ", or calibrate on a table .*, or export it in", str(table): ", or export it in"}
    for calibrate, help_text in helps.items():
        options = {"arithmetic": "integer", "weights": "int8", "calibrate": calibrate}
        with pytest.raises(InputError, match=rf"{told} \(--weights int16\){help_text}"):
            C.export(model, place, **options)
        assert not place.exists()
    C.export(model, place, arithmetic="integer", weights="int8", max_error="30%")
    C.export(model, place, arithmetic="integer", calibrate=str(table))
    np.savetxt(table, np.ones((99, 10)), delimiter=",", header=names, comments="")
    with pytest.raises(InputError, match="y0 is constant on .*--max-error a number in its unit"):
        C.export(model, place, arithmetic="integer", calibrate=str(table))


def test_formats_follow_a_table(tmp_path: Path) -> None:
    """Values ten times larger than the scaler expects get a format that holds them."""
    table = tmp_path / "seen.csv"
    x = np.random.default_rng(5).normal([280, 40], [100, 5], (60, 2))
    lines = ["a,b", *(f"{a},{b}" for a, b in x)]
    table.write_text("\n".join(lines))
    counts = {}
    for calibrate in ("", str(table)):
        exported(sensor(), tmp_path, calibrate=calibrate)
        steps = re.findall(rb"\+ (\S+) \* count", header(tmp_path))
        counts[calibrate] = [float(step) for step in steps]
    wider = np.array(counts[str(table)]) / counts[""]
    assert (wider >= 4).all()
    (readme,) = tmp_path.rglob("README.md")
    assert re.search(r"rms \S+\) on .*% of the spread", readme.read_text())


def test_two_exports_are_the_same_bytes(tmp_path: Path) -> None:
    texts = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        texts.append(exported(CHAINS["seed"], tmp_path / name, self_test=True))
    assert texts[0] == texts[1]


@needs_compiler
def test_verification_takes_nothing_but_equality(tmp_path: Path) -> None:
    """One bias is one unit larger, a millionth of a gate's sum: no tolerance would see it."""
    pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
    checkpoint = Checkpoint(sensor())
    place = tmp_path / "m_c"
    report = pipeline.export(checkpoint, "c", place, arithmetic="integer")
    assert report.ok, report.table()
    assert report.must_equal
    assert any(note.startswith("whole numbers move y0 by up to") for note in report.notes)
    source = place / "model.c"
    text = source.read_text()
    start = text.index("\n    ", text.index("model_linear_biases[")) + 5
    end = text.index(",", start)
    source.write_text(f"{text[:start]}{int(text[start:end]) + 1}{text[end:]}")
    (found,) = pipeline.verify(place, checkpoint)
    assert found.structure == "model_linear_biases differs in 1 of 1 values"
    assert all(result.verdict == "failed" for result in found.sets), found.table()
    smallest = smallest_failure(open_file(place, Permission(trust=True)), Subject.of(checkpoint))
    assert smallest is not None
    assert smallest.x.size == min(result.shape[0] * result.shape[1] * 2 for result in found.sets)


@needs_compiler
def test_an_artifact_of_another_model_or_with_other_formats_is_refused(tmp_path: Path) -> None:
    data = exported(sensor(), tmp_path)
    for other in (CHAINS["seed"], CHAINS["gru"], CHAINS["bidirectional"]):
        with pytest.raises(InputError, match="it is an artifact of another model"):
            C.definition(other, data)
    for damage in (b'"input_bits": [', b'"after": {"'):
        changed = data.replace(damage, damage + (b"1, " if damage.endswith(b"[") else b"x"))
        assert changed != data
        with pytest.raises(BundleError, match="formats .* do not fit the model; export it again"):
            C.definition(sensor(), changed)


@needs_compiler
@pytest.mark.parametrize(
    ("what", "forged", "fault"),
    [
        ('"floats": false', '"floats": "x"', "not written by lstm-export c, or was changed"),
        ('"self_test": false', '"self_test": "x"', "not written by lstm-export c, or was changed"),
        ('"chain": [', '"chain": [5, {}, ', "it is an artifact of another model"),
    ],
)
def test_a_forged_record_is_refused(what: str, forged: str, fault: str, tmp_path: Path) -> None:
    changed = exported(sensor(), tmp_path).replace(what.encode(), forged.encode())
    with pytest.raises(LstmExportError, match=fault):
        C.definition(sensor(), changed)


@needs_compiler
@pytest.mark.parametrize("name", ["seed", "gru", "every step", "projected"])
def test_a_stream_gives_the_bits_of_the_whole(name: str, tmp_path: Path) -> None:
    """Also from a state that went through float32 in between."""
    model = CHAINS[name]
    runner = C.load(exported(model, tmp_path))
    assert is_stateful(runner)
    x = drawn(model, 2, 7) * np.float32(3)
    first, state = runner.advance(x[:, :3], runner.initial_state(2))
    rest, _ = runner.advance(x[:, 3:], tuple(np.array(tensor) for tensor in state))
    y = np.concatenate([first, rest], axis=1) if model.returns_every_step else rest
    np.testing.assert_array_equal(y, runner(x))
    bound = runner.bind(2)
    for kept, values in zip(bound.state, state, strict=True):
        kept[...] = values
    for t in range(3, 7):
        bound.x[:, 0] = x[:, t]
        last = bound.run()
    np.testing.assert_array_equal(last, runner(x)[:, -1] if y.ndim == 3 else runner(x))


def test_a_runner_says_what_shape_it_takes(tmp_path: Path) -> None:
    runner = C.load(exported(sensor(), tmp_path))
    with pytest.raises(InputError, match=r"x is \(1, 3, 9\), expected \(batch, seq, 2\)"):
        runner(np.zeros((1, 3, 9)))
