"""Train on a table that need not fit into memory, and in two processes; three figures.

- `memory`: a child trains on a Parquet file and is judged on all of it, on windows of `--window`
  steps, with or without choosing what is predicted. Its anonymous memory, which
  no file backs, is looked at every 20 ms; what it had after importing torch and pyarrow is taken
  off. Pages of mapped files are the page cache's.
- `input`: batches as training gathers them, against torch's DataLoader with an item a window, over
  the same windows, in the thread's own time, turn and turn about.
- `processes`: an epoch at hidden 128 in one process of one thread, in two processes of torchrun of
  one thread each, and in one process of two threads; seconds, and the time of the first process's
  own, which leaves out what it waits for the other: on a busy machine only that says something.

The load is told with each. With `--page` the figures become blocks of docs/scale.md.

    python -m scripts.bench.training_large [--rows 10000000] [--only memory,input,processes]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from lstm_export.bench.machine import machine_text
from lstm_export.training import TrainingOptions
from lstm_export.training.ranks import is_first, joined
from lstm_export.training.tensors import Tensors, Windows
from scripts.bench.timing import alternate, machine, medians, options, ratio, report
from scripts.docs.block import write_block

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "scale.md"
HOW = ("window", "predict", "batch_size")  # of `memory`
OURS = "lstm_export"
LOADER = "DataLoader"
ALONE = "one process of a thread"
TOGETHER = "two processes of a thread"
THREADED = "one process of two threads"
COLUMNS = 7
ROWS_AT_ONCE = 1_000_000
WATCHED_EVERY_S = 0.02

MEMORY_OPTIONS = TrainingOptions(
    targets=("load",),
    window=4,
    time="time",
    hidden_size=4,
    epochs=1,
    batch_size=8192,
    predict="level",
    device="cpu",
)
INPUT_WINDOWS = 100_000
INPUT_WINDOW = 24
INPUT_BATCH = 64
LOOP_OPTIONS = TrainingOptions(
    targets=("load",), window=48, hidden_size=128, epochs=1, batch_size=256, device="cpu"
)
LOOP_WINDOWS = 256 * 6


def write_table(path: Path, rows: int) -> None:
    """Minutes of a sensor: a wave with noise, and six columns of noise."""
    import pyarrow
    from pyarrow import parquet

    writer = None
    for first in range(0, rows, ROWS_AT_ONCE):
        minute = np.arange(first, min(first + ROWS_AT_ONCE, rows))
        random = np.random.default_rng(first)
        columns: dict[str, Any] = {
            "time": np.datetime64("2000-01-01", "s") + minute * np.timedelta64(60, "s"),
            "load": 100 + 10 * np.sin(minute / 700) + random.standard_normal(len(minute)),
        }
        for number in range(COLUMNS - 1):
            columns[f"sensor_{number}"] = random.standard_normal(len(minute)).astype(np.float32)
        table = pyarrow.table(columns)
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def memory_mb() -> dict[str, float]:
    """Of this process: anonymous memory, and pages of files."""
    found = {}
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name in ("RssAnon", "RssFile"):
            found[name] = int(value.split()[0]) / 1024
    return found


def watched_training(path: Path, options: TrainingOptions) -> None:
    """The child of `memory`: train, and print the peaks as JSON."""
    import pyarrow.parquet  # noqa: F401 - what is imported is taken off
    import torch  # noqa: F401

    from lstm_export.training import fit

    before = memory_mb()
    peaks = dict(before)
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(WATCHED_EVERY_S):
            for name, size in memory_mb().items():
                peaks[name] = max(peaks[name], size)

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.perf_counter()
    cpu = time.process_time()
    result = fit(path, options)
    seconds = time.perf_counter() - start
    cpu = time.process_time() - cpu
    ended.set()
    watcher.join()
    print(
        json.dumps(
            {
                "rows": result.data.rows,
                "anonymous_mb": peaks["RssAnon"] - before["RssAnon"],
                "files_mb": peaks["RssFile"],
                "seconds": seconds,
                "cpu_s": cpu,
            }
        )
    )


def memory(rows: int, window: int, predict: str, batch_size: int) -> dict[str, float]:
    """The peaks of a child that trains on so many rows."""
    how = ["--window", str(window), "--predict", predict, "--batch-size", str(batch_size)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.parquet"
        write_table(path, rows)
        return dict(_child(["--child-memory", str(path), *how], {"OMP_NUM_THREADS": "1"}))


def _child(arguments: list[str], environment: Mapping[str, str]) -> Any:
    command = [sys.executable, "-m", "scripts.bench.training_large", *arguments]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def example(windows: int, window: int) -> Windows:
    """Random rows and targets, a window starting at every row."""
    random = np.random.default_rng(0)
    x = random.standard_normal((windows + window, COLUMNS)).astype(np.float32)
    y = random.standard_normal((windows, 1)).astype(np.float32)
    return Windows(x, y, np.arange(windows), window)


def input_times() -> dict[str, list[float]]:
    """Seconds of a pass over all batches."""
    import torch
    from torch.utils.data import DataLoader, Dataset

    data = example(INPUT_WINDOWS, INPUT_WINDOW)
    tensors = Tensors.of(data, torch.device("cpu"))

    class Items(Dataset[tuple[torch.Tensor, torch.Tensor]]):
        def __len__(self) -> int:
            return len(data.starts)

        def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
            start = int(tensors.starts[index])
            return tensors.x[start : start + INPUT_WINDOW], tensors.y[index]

    def drained(batches: Iterator[Any]) -> None:
        for _ in batches:
            pass

    torch.set_num_threads(1)
    loader = DataLoader(Items(), batch_size=INPUT_BATCH, shuffle=True)
    return alternate(
        {
            OURS: lambda: drained(tensors.batches(INPUT_BATCH, shuffle=True)),
            LOADER: lambda: drained(iter(loader)),
        },
        3,
        clock=time.process_time,
    )


def timed_epoch() -> None:
    """A process of `processes`: an epoch after one to warm up; the first prints as JSON."""
    from lstm_export.training.loop import train_loop

    data = example(LOOP_WINDOWS, LOOP_OPTIONS.window)
    with joined("cpu"):
        train_loop(data, None, LOOP_OPTIONS)
        start = time.perf_counter()
        cpu = time.process_time()
        train_loop(data, None, LOOP_OPTIONS)
        seconds = time.perf_counter() - start
        cpu = time.process_time() - cpu
    if is_first():
        print(json.dumps({"seconds": seconds, "cpu_s": cpu}))


def process_times(rounds: int) -> dict[str, list[dict[str, float]]]:
    """Seconds of an epoch, and the time of the first process's own."""
    together = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    found: dict[str, list[dict[str, float]]] = {ALONE: [], TOGETHER: [], THREADED: []}
    for _ in range(rounds):
        found[ALONE].append(_child(["--child-epoch"], {"OMP_NUM_THREADS": "1"}))
        command = [sys.executable, *together, "-m", "scripts.bench.training_large", "--child-epoch"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        found[TOGETHER].append(json.loads(done.stdout))
        found[THREADED].append(_child(["--child-epoch"], {"OMP_NUM_THREADS": "2"}))
    return found


def memory_figures(given: argparse.Namespace) -> tuple[list[str], dict[str, Any]]:
    """The peak of a training, told."""
    how = {name: vars(given)[name] for name in HOW}
    found = {**how, **memory(given.rows, **how)}
    line = (
        f"- {found['rows']:,} rows, {COLUMNS} inputs, `--window {found['window']} --predict "
        f"{found['predict']} --batch-size {found['batch_size']}`: at most "
        f"{found['anonymous_mb']:.0f} MB beyond torch and pyarrow, beside "
        f"{found['files_mb']:,.0f} MB of files in memory; {found['seconds']:.0f} s, of one core "
        f"{found['cpu_s']:.0f} s"
    )
    return [line], found


def input_figures(given: argparse.Namespace) -> tuple[list[str], dict[str, Any]]:
    """A window in a batch, told."""
    times = input_times()
    each_us = {name: seconds / INPUT_WINDOWS * 1e6 for name, seconds in medians(times).items()}
    line = (
        f"- A window in a batch, {INPUT_WINDOW} steps of {COLUMNS} inputs: gathered in "
        f"{each_us[OURS]:.2f} microseconds of processor time, by a DataLoader with an item a "
        f"window in {each_us[LOADER]:.1f}: {ratio(times, LOADER, OURS):.0f} times"
    )
    return [line], dict(times)


def process_figures(given: argparse.Namespace) -> tuple[list[str], dict[str, Any]]:
    """An epoch in one process and in two, told."""
    found = process_times(given.rounds)
    lines = []
    for name, runs in found.items():
        clock = statistics.median(run["seconds"] for run in runs)
        own = statistics.median(run["cpu_s"] for run in runs)
        lines.append(
            f"- An epoch at hidden {LOOP_OPTIONS.hidden_size}, {name}: {clock:.2f} s by the clock, "
            f"{own:.2f} s of a process's own"
        )
    gains = [
        alone["seconds"] / together["seconds"]
        for alone, together in zip(found[ALONE], found[TOGETHER], strict=True)
    ]
    lines.append(f"- By the clock, {TOGETHER} are {statistics.median(gains):.2f} times {ALONE}")
    return lines, dict(found)


PARTS = {"memory": memory_figures, "input": input_figures, "processes": process_figures}


def block_of(part: str, given: argparse.Namespace) -> str:
    """The name of its block of the page; every length of a window has its own for memory."""
    how = f", window {given.window}, {given.predict}" if part == "memory" else ""
    return f"training {part}{how}"


def main() -> None:
    """Measure what is asked for, and print it."""
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--window", type=int, default=MEMORY_OPTIONS.window)
    parser.add_argument("--predict", default=MEMORY_OPTIONS.predict)
    parser.add_argument("--batch-size", type=int, default=MEMORY_OPTIONS.batch_size)
    parser.add_argument("--page", action="store_true", help="write the figures there, too")
    parser.add_argument("--child-memory", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--child-epoch", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child_memory:
        how = {name: vars(given)[name] for name in HOW}
        watched_training(given.child_memory, replace(MEMORY_OPTIONS, **how))
        return
    if given.child_epoch:
        timed_epoch()
        return
    found = machine("numpy", "torch", "pyarrow")
    lines = []
    record: dict[str, Any] = {}
    for part in given.only.split(","):
        load = os.getloadavg()[0]
        told, record[part] = PARTS[part](given)
        told.append(f"  ({machine_text(found)}; load as it began {load:.1f})")
        lines += told
        if given.page:
            write_block(PAGE, block_of(part, given), told)
    report(lines, record, found, given)


if __name__ == "__main__":
    main()
