"""Run a model for months in minutes: does memory grow, do answers drift, do threads disturb it?

Threads share one session. Each steps a stream of its own (with NaN that is held, and restarts from
saved states), calls sequences of varying length and batch, and steps a pool whose keys come and go.
The samples repeat with a period, so that after any number of steps a float64 run over a few periods
tells what the stream has to answer.

A tenth more of the work comes first, as a warm-up. At its end all threads at once answer the
largest batch of the longest sequences, without and with lengths: the allocator keeps what was in
use at once, so that memory would else be largest at whatever later moment this happened by chance.

Three figures tell of memory: what the process holds, what of that is in use, and what it holds once
glibc gave back what is free. A leak is memory in use that grows. The rest is what the allocator
keeps between the blocks in use.

    python -m scripts.bench.soak                                   # 10 million steps, 100,000 calls
    python -m scripts.bench.soak --steps 200000 --calls 2000       # half a minute
    python -m scripts.bench.soak --engine numpy

glibc was set as docs/device.md tells when its figures were taken.
"""

from __future__ import annotations

import ctypes
import gc
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier
from typing import Any, NamedTuple

import numpy as np

import lstm_export
from lstm_export.bundle import Artifact, make_bundle, write_bundle
from lstm_export.device import Session
from lstm_export.model import Array, Model, forward
from lstm_export.parity import golden_sets
from lstm_export.targets.onnx.writer import to_bytes
from scripts.bench.timing import machine, options, report
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS

THREADS = 8
PERIOD = 64  # samples, after which they come again
SETTLED = 40  # periods, after which the state no longer depends on where it started
RESTART_EVERY = 5_000  # steps
NAN_EVERY = 997
LONGEST = 200  # steps of a sequence
LARGEST_BATCH = 16
LARGEST_TIMES = 20
POOL_KEYS = 12
LOOKS = 10  # at memory, handles and threads
MB = 2**20
EPS = 2.0**-23

Figures = dict[str, Any]


class MallocInfo(ctypes.Structure):
    """What mallinfo2(3) of glibc 2.33 and newer returns, in bytes."""

    _names_ = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = tuple((name, ctypes.c_size_t) for name in _names_.split())


def bytes_in_use() -> int:
    """What malloc has given out and not got back, from its arenas and as mappings."""
    mallinfo = ctypes.CDLL(None).mallinfo2
    mallinfo.restype = MallocInfo
    found = mallinfo()
    return int(found.uordblks + found.hblkhd)


def resident_bytes() -> int:
    """What the process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def resident_when_trimmed() -> int:
    """The same once the allocator has given back what it can."""
    ctypes.CDLL(None).malloc_trim(0)
    return resident_bytes()


class Resources:
    """What this process holds, by Linux, glibc and Python, while its threads wait."""

    def __init__(self) -> None:
        gc.collect()
        self.resident = resident_bytes()
        self.in_use = bytes_in_use()
        self.objects = sys.getallocatedblocks()  # of Python's own allocator
        self.handles = len(list(Path("/proc/self/fd").iterdir()))
        self.threads = len(list(Path("/proc/self/task").iterdir()))


def bundle_of(model: Model, path: Path) -> Path:
    """A bundle with both ONNX artifacts."""
    artifacts = [
        Artifact("onnx", ".onnx", to_bytes(model, 17)),
        Artifact("onnx-stream", ".stream.onnx", to_bytes(model, 17, stateful=True)),
    ]
    write_bundle(path, make_bundle(model, golden_sets(model), artifacts, mode="state"))
    return path


def settled_answers(model: Model, samples: Array) -> Array:
    """float64 answers over one period, `(PERIOD, output_size)`, once the start is forgotten."""
    state = forward(model, np.tile(samples, (SETTLED, 1))[np.newaxis]).state
    answers = []
    for x_t in samples:
        output = forward(model, x_t[np.newaxis, np.newaxis], state=state)
        state = output.state
        answers.append(output.y[0])
    return np.array(answers)


class Worker:
    """What one thread does."""

    def __init__(self, session: Session, samples: Array, seed: int) -> None:
        self._session = session
        self._samples = list(samples)
        self._random = np.random.default_rng(seed)
        self._stream = session.stream(nonfinite="hold")

    def steps(self, count: int) -> None:
        """Whole periods of samples, with restarts; a NaN is held at the end of a period only."""
        for start in range(0, count, PERIOD):
            for x_t in self._samples:
                self._stream.step(x_t)
            if start % RESTART_EVERY < PERIOD:
                self._restart()
            if start % NAN_EVERY < PERIOD:
                self._with_nan()

    def _restart(self) -> None:
        """A new stream goes on from the saved state of the old one."""
        state = self._stream.state()
        self._stream.close()
        self._stream = self._session.stream(nonfinite="hold")
        self._stream.restore(state)

    def _with_nan(self) -> None:
        """The same samples, with a hole, on a copy."""
        with self._stream.copy() as stream:
            broken = self._samples[0].copy()
            broken[0] = np.nan
            stream.step(broken)

    def calls(self, count: int) -> None:
        """Batches of sequences, of one length or of many."""
        width = len(self._samples[0])
        for _ in range(count):
            batch = int(self._random.integers(1, LARGEST_BATCH + 1))
            seq = int(self._random.integers(1, LONGEST + 1))
            x = self._random.standard_normal((batch, seq, width)).astype(np.float32)
            if self._random.random() < 0.5:
                self._session(x)
            else:
                self._session(x, lengths=self._random.integers(1, seq + 1, batch))

    def largest_calls(self, ready: Barrier) -> None:
        """What takes most memory, at the moment at which all threads do it."""
        x = np.zeros((LARGEST_BATCH, LONGEST, len(self._samples[0])), np.float32)
        lengths = np.arange(LONGEST - LARGEST_BATCH, LONGEST) + 1
        for _ in range(LARGEST_TIMES):
            ready.wait()
            self._session(x)
            ready.wait()
            self._session(x, lengths=lengths)

    def pool(self, count: int) -> None:
        """A pool whose keys come and go."""
        pool = self._session.pool()
        samples = np.tile(self._samples[0], (POOL_KEYS, 1))
        for turn in range(count):
            key = turn % POOL_KEYS
            if key in pool:
                pool.remove(key)
            pool.add(key)
            pool.step(samples[: len(pool)])
        pool.close()

    def answers(self) -> Array:
        """Those of one more period, `(PERIOD, output_size)`."""
        return np.array([self._stream.step(x_t) for x_t in self._samples])


class Slice(NamedTuple):
    """A part of all the work."""

    steps: int
    calls: int

    def done_by(self, worker: Worker) -> None:
        """What one thread does of it."""
        worker.steps(self.steps // THREADS)
        worker.calls(self.calls // THREADS)
        worker.pool(self.calls // THREADS)


def soak(workers: Sequence[Worker], steps: int, calls: int) -> list[Resources]:
    """All the work in slices; what the process held after the warm-up and after each slice."""
    part = Slice(steps // LOOKS, calls // LOOKS)
    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(part.done_by, workers))  # the warm-up
        ready = Barrier(THREADS)
        list(threads.map(lambda worker: worker.largest_calls(ready), workers))
        found = [Resources()]
        for look in range(LOOKS):
            list(threads.map(part.done_by, workers))
            found.append(Resources())
            grown = (found[-1].resident - found[0].resident) / MB
            used = (found[-1].in_use - found[0].in_use) / MB
            said = f"{look + 1} of {LOOKS}: {grown:+.2f} MB, in use {used:+.2f} MB"
            print(said, file=sys.stderr, flush=True)
    return found


def figures(found: Sequence[Resources], answers: Sequence[Array], expected: Array) -> Figures:
    """What came of it."""
    resident = [resources.resident / MB for resources in found]
    in_use = [resources.in_use / MB for resources in found]
    slope = np.polyfit(np.linspace(0, 1, len(resident)), resident, 1)[0]
    return {
        "resident_mb": resident,
        "in_use_mb": in_use,
        "growth_in_use_mb": in_use[-1] - in_use[0],
        "objects": [resources.objects for resources in found],
        "growth_mb": resident[-1] - resident[0],
        "largest_growth_mb": max(resident) - resident[0],
        "slope_mb": float(slope),
        "handles": [resources.handles for resources in found],
        "threads": [resources.threads for resources in found],
        "drift_eps": float(np.abs(answers[0] - expected).max() / EPS),
        "same_bits": all(np.array_equal(answers[0], other) for other in answers),
    }


def lines_of(record: Figures) -> list[str]:
    """The report for people."""
    new_objects = record["objects"][-1] - record["objects"][0]
    return [
        f"  resident memory  {record['resident_mb'][0]:.1f} MB after the warm-up, "
        f"{record['growth_mb']:+.2f} at the end, {record['largest_growth_mb']:+.2f} at most",
        f"  its slope        {record['slope_mb']:+.2f} MB over all of it",
        f"  trimmed          {record['growth_trimmed_mb']:+.2f} MB at the end",
        f"  of it in use     {record['in_use_mb'][0]:.1f} MB after the warm-up, "
        f"{record['growth_in_use_mb']:+.2f} at the end",
        f"  Python's blocks  {record['objects'][0]:,}, then {new_objects:+,}",
        f"  file handles     {record['handles'][0]}, then {record['handles'][-1]}",
        f"  threads          {record['threads'][0]}, then {record['threads'][-1]}",
        f"  processor        {record['cores']:.2f} cores",
        f"  drift            {record['drift_eps']:.1f} eps from float64 after all steps",
        f"  every thread the same bits: {'yes' if record['same_bits'] else 'NO'}",
    ]


def main() -> None:
    """Soak one engine and report."""
    parser = options(__doc__)
    parser.add_argument("--engine", default="onnx")
    parser.add_argument("--steps", type=int, default=10_000_000)
    parser.add_argument("--calls", type=int, default=100_000)
    given = parser.parse_args()
    model = CHAINS["seed"]
    samples = drawn(model, 1, PERIOD)[0]
    with TemporaryDirectory() as folder:
        session = lstm_export.load(bundle_of(model, Path(folder) / "m.bundle"), given.engine)
    workers = [Worker(session, samples, seed) for seed in range(THREADS)]
    start = time.perf_counter()
    busy = time.process_time()
    found = soak(workers, given.steps, given.calls)
    trimmed = resident_when_trimmed()
    busy = time.process_time() - busy
    wall = time.perf_counter() - start
    answers = [worker.answers() for worker in workers]
    record = figures(found, answers, settled_answers(model, samples))
    record |= {"engine": given.engine, "cores": busy / wall}
    record["growth_trimmed_mb"] = (trimmed - found[0].resident) / MB
    work = f"{given.steps:,} steps and {given.calls:,} calls in {THREADS} threads, {wall:.0f} s"
    lines = [f"{given.engine}: {work}", *lines_of(record)]
    report(lines, record, machine("numpy", "onnxruntime"), given)
    if not record["same_bits"]:
        sys.exit("the threads answered differently")


if __name__ == "__main__":
    main()
