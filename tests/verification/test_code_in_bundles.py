"""Every artifact in a bundle is held against its weights, without being compiled or loaded."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import lstm_export
from lstm_export.bundle import Artifact, make_bundle, write_bundle
from lstm_export.chains import Checkpoint
from lstm_export.cli import app
from lstm_export.model import Model
from lstm_export.parity import ParityReport, all_ok, golden_sets
from lstm_export.targets.c.host import compiler as c_compiler
from lstm_export.targets.wasm import compiler as wasm_compiler
from tests.kit.chains import CHAINS
from tests.kit.forged_code import exported
from tests.kit.targets_here import TARGETS_HERE

MODEL = CHAINS["smallest"]
WAYS = {
    "floats": {},
    "int8 with a self-test": {"weights": "int8", "self_test": True},
    "whole numbers": {"arithmetic": "integer", "max_error": "1000%", "self_test": True},
}


def bundle_with(target: str, data: bytes, folder: Path) -> Path:
    """A bundle of the model with this artifact."""
    bundle = make_bundle(MODEL, golden_sets(MODEL), [Artifact(target, f"_{target}", data)])
    path = folder / "m.bundle"
    write_bundle(path, bundle)
    return path


def verified(target: str, data: bytes, folder: Path) -> ParityReport:
    """What a device says of a bundle with this artifact."""
    return lstm_export.verify(bundle_with(target, data, folder))[0]


def nudged(model: Model) -> Model:
    """The same but for the last bit of a weight, which moves no answer beyond its bound."""
    *stages, linear = model.stages
    weight = np.nextafter(linear.arrays["weight"], np.float32(9))
    return Model((*stages, replace(linear, weight=weight)), model.signature)


DAMAGES: dict[str, Callable[[str], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda target: exported(target, MODEL)[:-90],
    "other weights": lambda target: exported(target, nudged(MODEL)),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("target", [name for name in TARGETS_HERE if name != "torchscript"])
def test_a_damaged_artifact_fails_by_itself(target: str, damage: str, tmp_path: Path) -> None:
    """It gets a report, as the others of its bundle do, with and without the model beside it.

    What is in a TorchScript archive only opening it would show.
    """
    pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
    pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
    bundle = bundle_with(target, DAMAGES[damage](target), tmp_path)
    for model in (None, Checkpoint(MODEL)):
        (report,) = lstm_export.verify(bundle, model)
        assert report.verdict == "failed", report.table()
        assert not all_ok([report])


def test_what_is_not_run_fails_beside_what_passes(tmp_path: Path) -> None:
    """A device that cannot run C, and has the ONNX file, still says that the C is another's."""
    pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
    good = Artifact("onnx", ".onnx", exported("onnx", MODEL))
    for data, exit_code in ((exported("ort", MODEL), 0), (exported("ort", nudged(MODEL)), 1)):
        other = Artifact("ort", "_ort", data)
        path = tmp_path / "m.bundle"
        write_bundle(path, make_bundle(MODEL, golden_sets(MODEL), [good, other]))
        done = CliRunner().invoke(app, ["verify", str(path)])
        assert done.exit_code == exit_code, done.stdout
    assert "ort: failed by its structure; it was not run here" in done.stdout


@pytest.mark.parametrize("way", WAYS)
def test_c_is_what_would_be_written(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a device without a compiler, too; C of another version is not compared."""
    monkeypatch.setattr(c_compiler, "unavailable", lambda: "no compiler here")
    text = exported("c", MODEL, **WAYS[way]).decode()
    assert verified("c", text.encode(), tmp_path).structure == "not checked"
    number = re.search(r"\{\n +(-?\d)", text)
    assert number
    at = number.start(1)
    changes = {
        "a weight": f"{text[:at]}9{text[at:]}",
        "a statement": text.replace("\n    return ", "\n    x = 0; return ", 1),
        "more at the end": f"{text}\nint more;\n",
    }
    for change, forged in changes.items():
        assert forged != text, change
        structure = verified("c", forged.encode(), tmp_path).structure
        assert "is not what lstm-export writes of the weights" in structure, change
    older = changes["a statement"].replace("lstm-export 0.", "lstm-export 99.", 1)
    assert verified("c", older.encode(), tmp_path).structure == "not checked"


def without_end(data: bytes, weight: bytes) -> bytes:
    """The file whose arrays `(1, 1)` are empty ones of more columns than an array has."""
    shape = struct.pack("<I2q", 2, 1, 1)
    endless = data.replace(shape, struct.pack("<I2q", 2, 0, 2**62))
    length = struct.pack("<I", len(weight))
    return endless.replace(length + weight, bytes(len(length)) + weight)


def test_the_weights_of_an_ort_file_are_the_bundles(tmp_path: Path) -> None:
    """Without a word that lets it be opened."""
    pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
    data = exported("ort", MODEL)
    assert verified("ort", data, tmp_path).structure == "not checked"
    weight = MODEL.arrays["fc.weight"].tobytes()
    changes = {
        "fc.weight differs": exported("ort", nudged(MODEL)),
        "the chain is": exported("ort", Model(MODEL.stages[:-1], MODEL.signature)),
        "another model than the file's own metadata": data.replace(weight, bytes(4)),
        "damaged: a distance": data[: len(data) // 2],
        "damaged: no array has the shape": without_end(data, weight),
    }
    for what, forged in changes.items():
        report = verified("ort", forged, tmp_path)
        assert what in report.structure
        assert not report.ok


def test_the_weights_of_a_module_are_the_bundles(tmp_path: Path) -> None:
    pytest.importorskip("wasmtime", reason='needs wasmtime: pip install "lstm-export[wasm]"')
    if wasm_compiler.unavailable():
        pytest.skip("needs a compiler for WebAssembly")
    assert verified("wasm", exported("wasm", MODEL), tmp_path).ok
    report = verified("wasm", exported("wasm", nudged(MODEL)), tmp_path)
    assert not report.failed
    assert "weight" in report.structure
    assert not report.ok
