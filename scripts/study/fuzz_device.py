"""Damaged and forged bundles, ONNX files and states by the million, in many processes.

    python -m scripts.study.fuzz_device --bundles 1000000 --onnx 100000 --states 100000
    python -m scripts.study.fuzz_device --bundles 20000                      # half a minute

What is a fault, tests/kit/device_fuzz.py says. Each process takes a part with a seed of its own;
one that ends is a fault, too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from scripts.bench.timing import machine, machine_text

PART = 10_000  # files a process
KINDS = ("bundles", "onnx", "states")


def parts(given: argparse.Namespace) -> Iterator[list[str]]:
    """The options of each process."""
    seed = given.seed
    for kind in KINDS:
        left = vars(given)[kind]
        while left > 0:
            seed += 1
            yield [f"--{kind}", str(min(left, PART)), "--seed", str(seed)]
            left -= PART


def run(options: list[str]) -> dict[str, Any]:
    """One process; what it says, or that it ended."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.kit.device_fuzz", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        text = f"{' '.join(options)} ended with {done.returncode}: {done.stderr[-2000:]}"
        return {"outcomes": {"ended": 1}, "slowest_s": 0, "memory_bytes": 0, "shown": [text]}
    return found


def main() -> None:
    """All parts, and their sums."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for kind in (*KINDS, "seed"):
        parser.add_argument(f"--{kind}", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    outcomes: Counter[str] = Counter()
    slowest_s = 0.0
    memory_bytes = 0
    faults: list[str] = []
    start = time.perf_counter()
    with ThreadPoolExecutor(given.processes) as pool:
        for found in pool.map(run, parts(given)):
            outcomes.update(found["outcomes"])
            slowest_s = max(slowest_s, found["slowest_s"])
            memory_bytes = max(memory_bytes, found["memory_bytes"])
            faults += found["shown"]
    for outcome, count in sorted(outcomes.items()):
        print(f"{count:12,}  {outcome}")
    print(f"{sum(outcomes.values()):12,}  files in {time.perf_counter() - start:.0f} s")
    print(f"slowest {slowest_s:.2f} s of the processor's time, memory {memory_bytes / 1e6:.0f} MB")
    print(machine_text(machine("numpy", "onnx", "onnxruntime")))
    print(*faults, sep="\n")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
