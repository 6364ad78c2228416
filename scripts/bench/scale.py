"""Answer 10 million rows of Parquet: by one process, by two, by an engine, and by two bare ones.

The bare processes share out the files beforehand, answer each with `predict_table` and write it:
what an engine can at best be. `lstm-export run FOLDER` runs as a user runs it, with the start-up of
Python and of the engine; and `run_folder` on a cluster of two workers that has answered before, as
those are that others operate. Two bare processes run before each way, and its share is of their
speed, since a machine may be slower minutes later.

"Answering" is the time that a worker was at its tables, by its own account; what is left of the
clock goes to starting, importing, sharing out and ending. Processor seconds are those of the whole
machine: it should do nothing else. Memory is that of one process that runs all of it, beyond what
its imports took. The last lines are what 10 TB and a million models come to at these speeds. With
`--page` the figures become a block of docs/scale.md. It runs on Linux.

    python -m scripts.bench.scale                  # minutes; this package alone
    python -m scripts.bench.scale --engine dask    # Dask, Ray or Spark: scripts/scale_engines.sh
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from lstm_export.bench.machine import machine_text
from scripts.bench.scale_ways import WORKERS, processor_seconds
from scripts.bench.timing import machine, options, report
from scripts.docs.block import write_block
from tests.kit.meters import readings, write_meters_bundle

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
PARTITION_ROWS = 100_000
SERIES = 50  # a partition
HIDDEN_SIZE = 32
TB = 1e12
MODELS = 1_000_000
OPENINGS = 20
BARE = "two bare processes"
ALONE = "`run`"
TWO = "`run --workers 2`"
PACKAGES = {"ray": "ray", "spark": "pyspark", "dask": "distributed"}
HEAD = ("", "seconds", "rows a second", "of two bare", "answering", "processor seconds")
Record = dict[str, Any]


class Cost(NamedTuple):
    """Of one way to answer all rows.

    Attributes:
        clock: seconds from start to end.
        processor: seconds of all processors.
        answering: seconds that a worker was at its tables, the mean of all.
        share: of the speed of two bare processes, which ran just before.
        start: seconds before `clock` began, of a cluster that answered two tables first.
    """

    clock: float
    processor: float
    answering: float = 0.0
    share: float = 1.0
    start: float = 0.0


def write_rows(folder: Path, rows: int) -> None:
    """The partitions."""
    folder.mkdir()
    for number in range(rows // PARTITION_ROWS):
        names = tuple(f"meter{number}-{index}" for index in range(SERIES))
        table = readings(names, PARTITION_ROWS // SERIES, seed=number)
        table.write_parquet(folder / f"{number:03}.parquet")


def fresh(path: Path) -> Path:
    """A folder that is not there."""
    shutil.rmtree(path, ignore_errors=True)
    return path


def way(name: str, *arguments: object) -> list[str]:
    """The command of one of `scale_ways`."""
    return [sys.executable, "-m", "scripts.bench.scale_ways", name, *map(str, arguments)]


def told_by(command: list[str]) -> Any:
    """The JSON that a process prints, which must succeed."""
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def cost_of(work: Callable[[], object]) -> Cost:
    """Do it once."""
    processor = processor_seconds()
    start = time.perf_counter()
    work()
    return Cost(time.perf_counter() - start, processor_seconds() - processor)


def two_bare(folder: Path) -> None:
    """Two bare processes, a half of the files each."""
    output = fresh(folder / "bare")
    output.mkdir()
    paths = sorted((folder / "data").iterdir())
    halves = [way("bare", folder / "m.bundle", output, *paths[start::2]) for start in range(2)]
    running = [subprocess.Popen(half) for half in halves]
    codes = [process.wait() for process in running]
    if any(codes):
        sys.exit(f"a bare process ended with {codes}")


def run_on(folder: Path, engine: str, workers: int) -> Cost:
    """`lstm-export run` on the folder."""
    output = fresh(folder / f"{engine}{workers}")
    command = [sys.executable, "-m", "lstm_export", "run", folder / "m.bundle", folder / "data"]
    command += ["-o", output, "--on", engine, "--workers", workers, "--json"]
    told: list[Any] = []
    cost = cost_of(lambda: told.append(told_by(list(map(str, command)))))
    seconds = [partition["seconds"] for partition in told[0]["partitions"]]
    return cost._replace(answering=sum(seconds) / workers)


def on_cluster(folder: Path, engine: str) -> Cost:
    """Of a cluster that was there."""
    output = fresh(folder / f"cluster-{engine}")
    command = way("cluster", engine, folder / "m.bundle", folder / "data", output)
    return Cost(**told_by(command))


def costs_of(folder: Path, works: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, Cost]:
    """The best of each, turn and turn about, so that what slows the machine slows all of them."""
    found: dict[str, list[Cost]] = {BARE: [], **{name: [] for name in works}}
    for _ in range(rounds):
        for name, work in works.items():
            bare = cost_of(partial(two_bare, folder))
            cost = work()
            found[BARE].append(bare)
            found[name].append(cost._replace(share=bare.clock / cost.clock))
            print(f"{name}: {found[name][-1]}", file=sys.stderr)
    return {name: min(costs) for name, costs in found.items()}


def table_of(costs: Mapping[str, Cost], rows: int) -> list[str]:
    """The costs as Markdown."""
    table = [HEAD]
    for name, cost in costs.items():
        speed = round(rows / cost.clock, -3)
        answering = f"{cost.answering:.1f}" if cost.answering else ""
        shown = (f"{cost.clock:.1f}", f"{speed:,.0f}", f"{cost.share:.2f}", answering)
        table.append((name, *shown, f"{cost.processor:.1f}"))
    head, *body = [f"| {' | '.join(cells)} |".replace("  ", " ") for cells in table]
    return [head, "|" + "---|" * len(HEAD), *body]


def local_figures(folder: Path, given: argparse.Namespace) -> tuple[list[str], Record]:
    """One process and two, memory, opening, and the plan."""
    works = {
        ALONE: partial(run_on, folder, "local", 1),
        TWO: partial(run_on, folder, "local", WORKERS),
    }
    costs = costs_of(folder, works, given.rounds)
    memory = way("memory", folder / "m.bundle", folder / "data", fresh(folder / "memory"))
    memory_bytes = told_by(memory)
    opening_s = opening_seconds(folder / "m.bundle")
    size_bytes = sum(path.stat().st_size for path in (folder / "data").iterdir())
    lines = [
        *table_of(costs, given.rows),
        "",
        f"- Two workers are {costs[ALONE].clock / costs[TWO].clock:.2f} times as fast as one.",
        f"- Memory beyond imports: {memory_bytes / 2**20:.0f} MB, with {PARTITION_ROWS:,} rows a "
        f"partition. Opening a bundle: {1e3 * opening_s:.1f} ms.",
        *plan(given.rows / costs[ALONE].processor, size_bytes / given.rows, opening_s),
    ]
    return lines, {**record_of(costs), "memory_bytes": memory_bytes, "opening_s": opening_s}


def opening_seconds(bundle: Path) -> float:
    """Median of opening a bundle in a process that has opened one before."""
    import lstm_export

    times = []
    for _ in range(OPENINGS):
        start = time.perf_counter()
        lstm_export.load(bundle)
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def plan(rows_a_second: float, bytes_a_row: float, opening_s: float) -> list[str]:
    """What 10 TB and a million models come to, on paper."""
    rows = 10 * TB / bytes_a_row
    core_hours = rows / rows_a_second / 3600
    return [
        f"- 10 TB of such Parquet are {rows / 1e12:.1f} million million rows, {core_hours:,.0f} "
        f"core hours: {core_hours / 24 / 7:,.0f} cores for a week.",
        f"- A million models, opened once each: {MODELS * opening_s / 3600:,.1f} core hours.",
    ]


def engine_figures(folder: Path, given: argparse.Namespace) -> tuple[list[str], Record]:
    """An engine that is started for it, and one that is there."""
    there = "a cluster that was there"
    works = {
        f"`run --on {given.engine} --workers 2`": partial(run_on, folder, given.engine, WORKERS),
        there: partial(on_cluster, folder, given.engine),
    }
    costs = costs_of(folder, works, given.rounds)
    start = f"Starting that cluster and answering two tables took {costs[there].start:.1f} s."
    return [*table_of(costs, given.rows), "", start], record_of(costs)


def record_of(costs: Mapping[str, Cost]) -> Record:
    """JSON-ready."""
    return {"costs": {name: cost._asdict() for name, cost in costs.items()}}


def main() -> None:
    """Measure and report."""
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--engine", choices=PACKAGES)
    parser.add_argument("--page", action="store_true", help="write the figures there, too")
    given = parser.parse_args()
    figures = engine_figures if given.engine else local_figures
    with TemporaryDirectory() as name:
        folder = Path(name)
        write_meters_bundle(folder / "m.bundle", HIDDEN_SIZE)
        write_rows(folder / "data", given.rows)
        lines, record = figures(folder, given)
    engines = [PACKAGES[given.engine]] if given.engine else []
    where = machine("numpy", "onnxruntime", "pyarrow", *engines)
    report(lines, record, where, given)
    if given.page:
        block = f"scale on {given.engine}" if given.engine else "scale"
        write_block(PAGE, block, ["", *lines, "", f"{machine_text(where)}.", ""])


if __name__ == "__main__":
    main()
