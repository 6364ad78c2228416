"""Damaged and forged files by the thousand, in a process of their own; scripts/study has more."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install onnxruntime")

from lstm_export.targets.wasm import compiler
from tests.kit.device_fuzz import Counts
from tests.kit.forging import Accepted

BUNDLES = 10_000
ONNX_FILES = 2_000
ORT_FILES = 500
STATES = 500
INTEGERS = 300
MODULES = 200
MOST_SECONDS = 1.0  # of the processor's time, for a file
MOST_MEMORY = 200 * 10**6  # bytes, for all of them


def found_of(**counts: int) -> dict[str, int]:
    """How often which outcome came: no crash, no traceback, no changed file taken for whole, and
    none that costs much."""
    options = [part for kind, count in counts.items() for part in (f"--{kind}", str(count))]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.kit.device_fuzz", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["slowest_s"] < MOST_SECONDS
    assert found["memory_bytes"] < MOST_MEMORY
    outcomes: dict[str, int] = found["outcomes"]
    assert sum(outcomes.values()) == sum(counts.values())
    return outcomes


def test_every_mutated_file_is_answered_or_refused_in_a_sentence() -> None:
    outcomes = found_of(bundles=BUNDLES, onnx=ONNX_FILES, ort=ORT_FILES, states=STATES)
    assert outcomes["forged bundle: another whole bundle"] > BUNDLES // 10  # it gets deep
    assert outcomes["forged bundle: BundleError"] > BUNDLES // 10


def test_so_is_mutated_c_in_whole_numbers() -> None:
    outcomes = found_of(integers=INTEGERS)
    assert outcomes["c in whole numbers: another whole artifact"] > INTEGERS // 10


@pytest.mark.skipif(bool(compiler.unavailable()), reason="needs a compiler for WebAssembly")
def test_so_is_a_mutated_module() -> None:
    pytest.importorskip("wasmtime", reason='needs wasmtime: pip install "lstm-export[wasm]"')
    outcomes = found_of(wasm=MODULES)
    for kind in ("wasm", "wasm in whole numbers"):
        assert outcomes[f"{kind}: another whole module"] > MODULES // 20


def test_a_fault_is_seen() -> None:
    def taken(_: np.random.Generator) -> str:
        raise Accepted

    counts = Counts()
    counts.run("a kind", lambda _: {}["nothing"], 2, np.random.default_rng())
    counts.run("a kind", taken, 1, np.random.default_rng())
    assert counts.outcomes == {"a kind: fault": 3}
    assert "KeyError" in counts.faults[0]
