"""A session on TorchScript runs for months: its memory does not follow the lengths that it met."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lstm_export import targets
from lstm_export.targets.torchscript import ONEDNN_CAPACITY
from tests.kit.chains import CHAINS

pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
pytestmark = [
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads memory from Linux"),
    pytest.mark.skipif(
        "torchscript" not in targets.names(), reason="torch has no TorchScript on this Python"
    ),
]

# Bytes that 60 lengths add to a process which has answered the longest of them.
PROGRAM = """
import sys
from pathlib import Path
import numpy as np
import lstm_export

session = lstm_export.load(sys.argv[1], trust=True)

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def answer(lengths):
    for seq in lengths:
        session(np.ones((1, seq, 10), np.float32))

answer([61] * 10)
before = resident()
answer(range(1, 61))
print(resident() - before)
"""


def grown_mb(path: Path, **environment: str) -> float:
    kept = {name: value for name, value in os.environ.items() if name != ONEDNN_CAPACITY}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, str(path)],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout) / 2**20


def test_many_lengths_leave_no_memory_behind(tmp_path: Path) -> None:
    path = tmp_path / "m.torchscript"
    targets.get("torchscript").export(CHAINS["seed"], path)
    assert grown_mb(path) < 8
