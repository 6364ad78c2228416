"""The same model gives the same bytes: in another folder, for another user, in another time zone.

What follows from the processor's kernels is named, and nothing else does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export.bundle import open_bundle
from lstm_export.chains import Checkpoint, write_checkpoint
from tests.kit.chains import CHAINS

for package in ("torch", "onnx", "onnxruntime", "cryptography"):
    pytest.importorskip(package, reason='needs: pip install "lstm-export[all]"')

KEY = Path(__file__).parent / "golden" / "keys" / "minisign.key"
PROGRAM = """
import os, sys
from lstm_export.cli import app
os.umask(int(sys.argv[1], 8))
for command in (
    "onnx MODEL",
    "ort MODEL",
    "torchscript MODEL",
    "package MODEL -t onnx -t ort -t numpy --sign KEY",
):
    if command.startswith("torchscript") and sys.version_info >= (3, 14):
        continue
    words = command.replace("MODEL", "model.pt").replace("KEY", sys.argv[2]).split()
    try:
        app(words)
    except SystemExit as done:
        assert not done.code, command
"""
# Written by float64 and float32 on this machine, and compared by a rule and not by their bits.
MEASURED = {"golden.npz", "manifest.json", "bom.cdx.json"}


def written(folder: Path, umask: str, environment: Mapping[str, str]) -> dict[str, bytes]:
    """What a process of its own writes for the same model, in a folder of its own."""
    folder.mkdir(parents=True)
    write_checkpoint(folder / "model.pt", Checkpoint(CHAINS["scalers"]))
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM, umask, str(KEY)]
    given = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), **environment}
    done = subprocess.run(
        command, check=False, cwd=folder, env=given, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return written(tmp_path_factory.mktemp("here") / "a", "022", {"PYTHONHASHSEED": "0"})


def test_elsewhere(here: dict[str, bytes], tmp_path: Path) -> None:
    environment = {
        "PYTHONHASHSEED": "1",
        "TZ": "Asia/Kathmandu",
        "LC_ALL": "C",
        "HOME": str(tmp_path),
        "COLUMNS": "40",
    }
    there = written(tmp_path / "another place" / "ä", "077", environment)
    assert len(here) >= 4
    assert {name for name in here if there[name] != here[name]} == set()
    assert set(there) == set(here)


def kernels() -> list[str]:
    """What NumPy uses of this processor beyond the least that it was built for."""
    config: Any = np.show_config(mode="dicts")
    found: list[str] = config.get("SIMD Extensions", {}).get("found", [])
    return found


@pytest.mark.skipif(not kernels(), reason="NumPy has one kernel for this processor")
def test_with_other_kernels_of_numpy(here: dict[str, bytes], tmp_path: Path) -> None:
    """Answers, S and F differ in their last bits, and with them what lists or signs them."""
    there = written(tmp_path / "a", "022", {"NPY_DISABLE_CPU_FEATURES": " ".join(kernels())})
    differing = {name for name in here if there[name] != here[name]}
    assert differing <= {"model.bundle", "model.bundle.minisig"}
    before = open_bundle(tmp_path / "a" / "model.bundle")
    (tmp_path / "other.bundle").write_bytes(here["model.bundle"])
    after = open_bundle(tmp_path / "other.bundle")
    for name, content in before.files.items():
        assert after.files[name] == content or name in MEASURED, name
    for old, new in zip(before.golden, after.golden, strict=True):
        assert old.x.tobytes() == new.x.tobytes()
        np.testing.assert_allclose(old.y, new.y, rtol=0, atol=1e-12 * new.scale.max())
        assert old.noise_floor == pytest.approx(new.noise_floor, rel=1e-6)
