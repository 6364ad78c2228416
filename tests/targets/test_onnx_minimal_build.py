"""A minimal build of ONNX Runtime reads its own format alone, which the wheel's tool makes of ours.

As docs/device.md tells it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lstm_export import targets
from lstm_export.device import OnnxRunner
from lstm_export.device.runtime import runtime_errors
from lstm_export.parity import check, golden_sets
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS

pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
onnxruntime = pytest.importorskip("onnxruntime", reason="needs: pip install onnxruntime")


def runner_of(path: Path) -> OnnxRunner:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return OnnxRunner(session, runtime_errors(onnxruntime))


def test_the_tool_of_the_wheel_converts_an_export(tmp_path: Path) -> None:
    model = CHAINS["seed"]
    targets.get("onnx").export(model, tmp_path / "model.onnx")
    tool = [sys.executable, "-m", "onnxruntime.tools.convert_onnx_models_to_ort", "model.onnx"]
    options = ["--optimization_style", "Fixed"]
    subprocess.run([*tool, *options], cwd=tmp_path, check=True, capture_output=True)
    needed = (tmp_path / "model.required_operators.config").read_text().splitlines()[2:]
    assert needed == ["ai.onnx;13;Gemm,Squeeze,Transpose", "ai.onnx;14;LSTM"]
    converted = runner_of(tmp_path / "model.ort")
    assert check(converted, golden_sets(model), subject="ort").ok
    x = drawn(model, 2, 7)
    np.testing.assert_array_equal(converted(x), runner_of(tmp_path / "model.onnx")(x))
