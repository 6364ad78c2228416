"""Damaged and forged files by the thousand, in a process of their own; scripts/study has more."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install onnxruntime")

from tests.kit.device_fuzz import Accepted, Counts

BUNDLES = 10_000
ONNX_FILES = 2_000
STATES = 500
MOST_SECONDS = 1.0  # of the processor's time, for a file
MOST_MEMORY = 200 * 10**6  # bytes, for all of them


def test_every_mutated_file_is_answered_or_refused_in_a_sentence() -> None:
    """No crash, no traceback, no changed file taken for whole, and none that costs much."""
    counts = {"--bundles": BUNDLES, "--onnx": ONNX_FILES, "--states": STATES}
    options = [str(part) for pair in counts.items() for part in pair]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.kit.device_fuzz", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    outcomes = found["outcomes"]
    assert sum(outcomes.values()) == BUNDLES + ONNX_FILES + STATES
    assert outcomes["forged bundle: another whole bundle"] > BUNDLES // 10  # it gets deep
    assert outcomes["forged bundle: BundleError"] > BUNDLES // 10
    assert found["slowest_s"] < MOST_SECONDS
    assert found["memory_bytes"] < MOST_MEMORY


def test_a_fault_is_seen() -> None:
    def taken(_: np.random.Generator) -> str:
        raise Accepted

    counts = Counts()
    counts.run("a kind", lambda _: {}["nothing"], 2, np.random.default_rng())
    counts.run("a kind", taken, 1, np.random.default_rng())
    assert counts.outcomes == {"a kind: fault": 3}
    assert "KeyError" in counts.faults[0]
