"""A bundle for a table with several series."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.meters import write_meters_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
    pytest.importorskip("onnxruntime")
    return write_meters_bundle(tmp_path / "model.bundle")
