"""What the doctor says of this machine, and of one that lacks everything."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from lstm_export import doctor, targets


def test_tells_versions_targets_and_what_the_runtime_loads() -> None:
    found = doctor.examine()
    assert found.packages["numpy"] == metadata.version("numpy")
    assert [target.name for target in found.targets] == list(targets.names())
    if "onnxruntime" in sys.modules:
        assert "CPUExecutionProvider" in found.onnxruntime.providers
        assert found.onnxruntime.newest_opset is not None
        assert found.onnxruntime.newest_opset >= 17
        assert found.onnxruntime.newest_ir is not None
        assert found.onnxruntime.newest_ir >= 8
    assert found.version in found.text()
    assert set(found.to_record()) >= {"packages", "onnxruntime", "targets"}


def test_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"numpy": "2.0", "torch": "2.9.1+cpu"}
    monkeypatch.setattr(doctor, "_installed", installed.get)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    found = doctor.examine()
    (onnx,) = (target for target in found.targets if target.name == "onnx")
    assert (
        onnx.no_export == "torch is 2.9.1+cpu, expected 2.10 or newer, onnx is not installed, "
        "onnxruntime is not installed; "
        'pip install "lstm-export[export]"'
    )
    assert onnx.no_run == "onnxruntime is not installed"
    assert "pip install onnxruntime" in found.onnxruntime.reason
    assert "not installed" in found.text()
    assert "a bundle runs here with: numpy" in found.text()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no signals")
def test_outlives_a_runtime_that_ends_its_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As one does that was built for a newer processor."""
    pytest.importorskip("onnxruntime")
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nkill -ILL $$\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    found = doctor.examine()
    assert found.onnxruntime.reason == "importing it ended the process with signal 4"
    assert found.engines[0] == "numpy"
    assert not {"onnx", "onnx-stream"} & set(found.engines)


@pytest.mark.parametrize(
    ("switch", "words"), [(None, "sends nothing"), ("0", "may write and send")]
)
def test_tells_whether_the_runtime_is_silent(
    switch: str | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    if switch:
        monkeypatch.setenv("ORT_DISABLE_TELEMETRY", switch)
    text = doctor.examine().text()
    assert f"ORT_DISABLE_TELEMETRY={switch or '1'}: " in text
    assert words in text
