"""Time the first opening of a bundle in a fresh process, beyond its imports.

Every process imports what it needs, then opens a bundle of about 150 kB once: `load`; `verify`,
which also computes the golden answers again and runs the artifact on them; both with a signature
asked for.

    python -m scripts.bench.opening
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from lstm_export import pipeline
from lstm_export.chains import Checkpoint, write_checkpoint
from lstm_export.model import LastStep, Model, Signature
from scripts.bench.timing import machine, options, report
from tests.kit.builders import linear, lstm

PROCESSES = 9
KEYS = Path(__file__).parents[2] / "tests" / "golden" / "keys"
WAYS = {
    "load": "pipeline.load(path)",
    "load, Ed25519": "pipeline.load(path, key=keys + '/minisign.pub')",
    "verify": "pipeline.verify(path)",
    "verify, Ed25519": "pipeline.verify(path, key=keys + '/minisign.pub')",
    "verify, P-256": "pipeline.verify(path, key=keys + '/p256.pub.pem')",
}
PROGRAM = """
import sys, time
import numpy.random, lstm_export.pipeline as pipeline
from lstm_export import targets
from lstm_export.errors import imported
imported("onnxruntime")
for name in targets.names():
    targets.get(name)
import lstm_export.targets.onnx.reader
if "key=" in {way!r}:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519
path, keys = sys.argv[1:]
start, cpu = time.perf_counter(), time.process_time()
{way}
print(1e3 * (time.perf_counter() - start), 1e3 * (time.process_time() - cpu))
"""


def bundle_of(folder: Path) -> Path:
    """A bundle of LSTM(10, 32, num_layers=2) and Linear(32, 1), signed with both kinds of key."""
    random = np.random.default_rng(0)
    stages = (
        lstm("lstm", 10, 32, 2, random),
        LastStep("last"),
        linear("fc", 32, 1, random),
    )
    checkpoint = folder / "model.pt"
    write_checkpoint(checkpoint, Checkpoint(Model(stages, Signature(10, 1))))
    path = folder / "model.bundle"
    for secret in ("minisign.key", "p256.pem"):
        pipeline.package(checkpoint, path, sign=KEYS / secret)
    return path


def milliseconds(path: Path, way: str) -> tuple[float, float]:
    """One way of opening, once, in a process of its own: as the clock has it, and of processors."""
    command = [sys.executable, "-c", PROGRAM.format(way=way), str(path), str(KEYS)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    clock, cpu = map(float, done.stdout.split())
    return clock, cpu


def main() -> None:
    """Every way in turn, so that a busy machine slows all of them."""
    given = options(__doc__).parse_args()
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in WAYS}
    with TemporaryDirectory() as folder:
        path = bundle_of(Path(folder))
        size = path.stat().st_size
        for _ in range(PROCESSES):
            for name, way in WAYS.items():
                times[name].append(milliseconds(path, way))
    record: dict[str, object] = {"size_bytes": size}
    lines = [f"a bundle of {size:,} bytes, first call in a process, ms beyond imports,"]
    lines += [f"of {PROCESSES} processes:  clock, least  median   processors, least  median"]
    for name, found in times.items():
        clock, cpu = zip(*found, strict=True)
        figures = (min(clock), statistics.median(clock), min(cpu), statistics.median(cpu))
        record[name] = figures
        lines.append("  {:16} {:19.1f} {:7.1f} {:19.1f} {:7.1f}".format(name, *figures))
    report(lines, record, machine("numpy", "onnxruntime", "cryptography"), given)


if __name__ == "__main__":
    main()
