"""WebAssembly in whole numbers: bits of the definition, constants read back, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("wasmtime", reason='needs wasmtime: pip install "lstm-export[wasm]"')

from lstm_export import pipeline
from lstm_export.chains import Checkpoint
from lstm_export.errors import BundleError, InputError, UnsupportedModel
from lstm_export.parity.golden import hard_inputs
from lstm_export.targets import wasm
from lstm_export.targets.wasm import compiler
from lstm_export.targets.wasm.sandbox import WasmStream
from tests.kit.integer_models import ALL, UNTRAINED, sensor

pytestmark = pytest.mark.skipif(
    bool(compiler.unavailable()), reason="needs a compiler for WebAssembly"
)
CASES = (
    ("seed", "int16"),
    ("gru both ways", "int8"),
    ("window", "int16"),
    ("running pools", "int8"),
    ("last steps beside", "int16"),
)


@pytest.mark.parametrize(("name", "weights"), CASES)
def test_both_modules_have_the_bits_of_the_definition(
    name: str, weights: str, tmp_path: Path
) -> None:
    """Usual inputs, far outliers and the ends of int16; steps, and a state put aside."""
    model = ALL[name]
    wasm.export(model, tmp_path / "m_wasm", weights=weights, **UNTRAINED)
    for file in ("model.wasm", "model.plain.wasm"):
        data = (tmp_path / "m_wasm" / file).read_bytes()
        runner = wasm.load(data)
        definition = wasm.definition(model, data)
        assert definition is not None
        assert definition.structure == "as defined"
        asked = {**hard_inputs(model), **definition.inputs()}
        asked["long stream"] = asked["long stream"][:, :60]
        for x in asked.values():
            np.testing.assert_array_equal(runner(x), definition(x))
        if isinstance(runner, WasmStream):
            x = np.asarray(asked["extremes of int16"][:2, :9], np.float32)
            _, state = runner.advance(x[:, :4], runner.initial_state(2))
            y, _ = runner.advance(x[:, 4:], state)
            last = y[:, -1] if y.ndim == 3 else y
            expected = definition(x)
            np.testing.assert_array_equal(last, expected[:, -1] if y.ndim == 3 else expected)


def test_verification_reads_constants_back_and_takes_nothing_but_equality(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
    checkpoint = Checkpoint(sensor())
    place = tmp_path / "m_wasm"
    report = pipeline.export(checkpoint, "wasm", place, arithmetic="integer")
    assert report.ok, report.table()
    assert report.must_equal
    assert report.cost is not None
    file = place / "model.wasm"
    data = file.read_bytes()
    definition = wasm.definition(checkpoint.model, data)
    assert definition is not None
    table = np.array([4194304 - 64], "<i4").tobytes()  # the largest value of tanh
    assert table in data
    file.write_bytes(data.replace(table, np.array([4194304 - 65], "<i4").tobytes()))
    (found,) = pipeline.verify(place, checkpoint)
    assert found.structure.startswith("model_tanh_table differs in ")
    assert not found.ok


def test_float_weights_are_not_in_it(tmp_path: Path) -> None:
    wasm.export(sensor(), tmp_path / "m_wasm", arithmetic="integer")
    data = (tmp_path / "m_wasm" / "model.wasm").read_bytes()
    with pytest.raises(UnsupportedModel, match="holds no float weights"):
        wasm.read(data)
    with pytest.raises(InputError, match="artifact of another model"):
        wasm.definition(ALL["seed"], data)
    changed = data.replace(b'"answer_bits":', b'"answer_bitz":')
    with pytest.raises(BundleError, match="damaged; export it again"):
        wasm.load(changed)
    readme = (tmp_path / "m_wasm" / "README.md").read_text("ascii")
    assert "All weights are stored as int16, in whole numbers." in readme


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_error": "2%"}, "--max-error is for whole numbers: add --arithmetic integer"),
        ({"arithmetic": "integer", "max_error": "0.0001%"}, r"move y0 by up to .* allowed are"),
    ],
)
def test_bad_options_leave_nothing(options: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        wasm.export(sensor(), tmp_path / "m_wasm", **options)
    assert not list(tmp_path.iterdir())
