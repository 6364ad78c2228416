"""What a device imports: no package that it lacks, onnxruntime only when it runs a file."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"torch", "onnx", "onnxruntime", "pyarrow", "pandas", "matplotlib"}


def imported_by(statement: str) -> set[str]:
    """The heavy packages that a fresh process holds after `statement`."""
    code = f"import sys; {statement}; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return HEAVY & set(done.stdout.split())


@pytest.mark.parametrize(
    "module", ["lstm_export.bundle", "lstm_export.device", "lstm_export.doctor"]
)
def test_importing_brings_nothing_heavy(module: str) -> None:
    assert imported_by(f"import {module}") == set()


def test_this_test_can_fail() -> None:
    pytest.importorskip("onnxruntime")
    assert "onnxruntime" in imported_by(
        "from lstm_export.device.runtime import onnxruntime; onnxruntime()"
    )
