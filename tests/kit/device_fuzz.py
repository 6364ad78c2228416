"""What a device opens, damaged and forged by the thousand.

    python -m tests.kit.device_fuzz --bundles 10000 --onnx 2000 --states 500 --seed 0

Prints one JSON object: how often which outcome came, the slowest file and the memory that all of
them took, and every fault. A fault is an error that is no sentence of this package's or does not
say what to do next, or a changed file that is taken for whole.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lstm_export.errors import LstmExportError, UnsupportedModel

from .byte_changes import Random
from .chains import CHAINS
from .forged_code import integer_source, ort_file, wasm_module
from .forged_files import bundle_of, damaged_bundle, forged_bundle, onnx_file, saved_state
from .forging import Attempt, Differs
from .next_steps import fault_of

SHOWN_FAULTS = 5
KINDS = ("bundles", "onnx", "ort", "states", "integers", "wasm")

# A kind's name, and how many files of it.
Kind = tuple[str, Attempt, int]


class Counts:
    """Outcomes, costs and faults."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.faults: list[str] = []
        self.slowest_s = 0.0

    def run(self, kind: str, attempt: Attempt, count: int, random: Random) -> None:
        """Many attempts of a kind."""
        for _ in range(count):
            start = time.process_time()
            try:
                outcome = attempt(random)
            except LstmExportError as error:
                outcome = type(error).__name__
                self._check_message(kind, error)
            except Exception:  # whatever else came is a fault
                outcome = "fault"
                self.faults.append(f"{kind}: {traceback.format_exc()[-2000:]}")
            self.slowest_s = max(self.slowest_s, time.process_time() - start)
            self.outcomes[f"{kind}: {outcome}"] += 1

    def _check_message(self, kind: str, error: LstmExportError) -> None:
        """What is said of a graph or an artifact in a report is no whole message."""
        is_whole = not isinstance(error, UnsupportedModel | Differs)
        fault = fault_of(str(error)) if is_whole else ""
        if fault:
            self.faults.append(f"{kind}: {fault}: {error}")


def resident_bytes() -> int:
    """The most that this process has held, by Linux; 0 elsewhere."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    lines = status.read_text(encoding="utf-8").splitlines()
    (line,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def kinds(given: argparse.Namespace) -> Iterator[Kind]:
    """Those of which some are asked for; what they begin with is made here."""
    model = CHAINS["smallest"]
    bundle = bundle_of(model)
    others = list(bundle.files.values())
    if given.bundles:
        yield "damaged bundle", damaged_bundle(bundle, others), given.bundles // 2
        yield "forged bundle", forged_bundle(bundle, others), given.bundles // 2
    if given.onnx:
        quarter = given.onnx // 4
        lengths = onnx_file(CHAINS["bidirectional"], others, lengths=True)
        yield "onnx", onnx_file(model, others), given.onnx // 2
        yield "onnx with lengths", lengths, quarter
        yield "onnx-stream", onnx_file(CHAINS["learned state"], others, stateful=True), quarter
    if given.ort:
        yield "ort", ort_file(CHAINS["learned state"], others), given.ort
    if given.states:
        yield "state", saved_state(model, others), given.states
    if given.integers:
        yield "c in whole numbers", integer_source(model, others), given.integers
    if given.wasm:
        yield "wasm", wasm_module(model, others), given.wasm // 2
        whole = wasm_module(model, others, arithmetic="integer", max_error="1000%")
        yield "wasm in whole numbers", whole, given.wasm // 2


def main() -> None:
    """All kinds, by their counts."""
    parser = argparse.ArgumentParser()
    for kind in (*KINDS, "seed"):
        parser.add_argument(f"--{kind}", type=int, default=0)
    given = parser.parse_args()
    random = np.random.default_rng(given.seed)
    asked = list(kinds(given))
    for _, attempt, _ in asked:  # what is imported and made once costs no file
        Counts().run("", attempt, 20, random)
    before = resident_bytes()
    counts = Counts()
    for kind, attempt, count in asked:
        counts.run(kind, attempt, count, random)
    record = {
        "outcomes": counts.outcomes,
        "slowest_s": counts.slowest_s,
        "memory_bytes": resident_bytes() - before,
        "faults": len(counts.faults),
        "shown": counts.faults[:SHOWN_FAULTS],
    }
    print(json.dumps(record))
    sys.exit(bool(counts.faults))


if __name__ == "__main__":
    main()
