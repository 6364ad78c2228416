"""Damaged and forged bundles and what lies in them by the million, in many processes.

    python -m scripts.study.fuzz_device --bundles 1000000 --onnx 100000 --ort 100000 \
        --states 100000 --integers 20000 --wasm 20000
    python -m scripts.study.fuzz_device --bundles 20000                      # half a minute

What is a fault, tests/kit/device_fuzz.py says. Each process takes a part with a seed of its own;
one that ends is a fault, too. What came of each part is a line of JSON in artifacts/fuzz/, so that
a run that was stopped goes on where it was. The counts are written into docs/SECURITY.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from scripts.bench.timing import machine, machine_text
from scripts.docs.block import write_block
from tests.kit.study.records import Record, run

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "artifacts" / "fuzz"
PAGE = ROOT / "docs" / "SECURITY.md"
# Files a process, by the option that says how many there are of a kind.
PARTS = {
    "bundles": 10_000,
    "onnx": 10_000,
    "ort": 10_000,
    "states": 10_000,
    "integers": 1_000,
    "wasm": 1_000,
}
FAULTS = ("fault", "ended")


def judge(kind: str, seed: int, index: int) -> Record:
    """One process; what it says, or that it ended."""
    options = [f"--{kind}", str(PARTS[kind]), "--seed", str(seed + index)]
    command = [sys.executable, "-W", "ignore", "-m", "tests.kit.device_fuzz", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        found: Record = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        text = f"{' '.join(options)} ended with {done.returncode}: {done.stderr[-2000:]}"
        ended = {f"{kind}: ended": 1}
        found = {"outcomes": ended, "slowest_s": 0, "memory_bytes": 0, "shown": [text]}
    return {"index": index, **found}


def lines_of(records: list[Record]) -> Iterator[str]:
    """What came of each kind as a table, and what the dearest file took."""
    outcomes: Counter[str] = Counter()
    for record in records:
        outcomes.update(record["outcomes"])
    yield "| kind | files | refused in a sentence | whole in spite of it | faults |"
    yield "|---|---|---|---|---|"
    for kind in dict.fromkeys(name.partition(": ")[0] for name in outcomes):
        found = {
            name.partition(": ")[2]: count
            for name, count in outcomes.items()
            if name.partition(": ")[0] == kind
        }
        files = sum(found.values())
        refused = sum(count for what, count in found.items() if what[0].isupper())  # an error's
        faults = sum(found.get(what, 0) for what in FAULTS)
        whole = files - refused - faults
        yield f"| {kind} | {files:,} | {refused:,} | {whole:,} | {faults:,} |"
    slowest_s = max(record["slowest_s"] for record in records)
    memory_bytes = max(record["memory_bytes"] for record in records)
    yield ""
    yield (
        f"The slowest took {slowest_s:.2f} s of the processor's time; no process needed more than "
        f"{memory_bytes / 1e6:.0f} MB for its files."
    )


def main() -> None:
    """Run the parts that are missing, show every fault, write the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for kind, part in PARTS.items():
        parser.add_argument(f"--{kind}", type=int, default=0, help=f"in steps of {part}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    given = parser.parse_args()
    records: list[Record] = []
    command = "python -m scripts.study.fuzz_device"
    for kind, part in PARTS.items():
        count = vars(given)[kind]
        if count:
            path = FOLDER / f"{kind}-{given.seed}.jsonl"
            what = partial(judge, kind, given.seed)
            records += run(path, what, -(-count // part), given.jobs)
            command += f" --{kind} {count}"
    where = machine_text(machine("numpy", "onnx", "onnxruntime"))
    lines = [f"`{command} --seed {given.seed}`; {where}.", "", *lines_of(records)]
    print(*lines, sep="\n")
    write_block(PAGE, "fuzzing", lines)
    faults = [text for record in records for text in record["shown"]]
    print(*faults, sep="\n")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
