"""Answer 10 million rows of Parquet: by one process, by two, by engines, and by two bare processes.

The bare processes share out the files beforehand, answer each with `predict_table` and write it:
what an engine can at best be. Everything runs as a user runs it, `lstm-export run FOLDER`, with the
start-up of Python, and of the engine where it is installed; and `run_folder` on a cluster of two
workers that has answered before, as those are that others operate. Two bare processes run before
each way, and its share is of their speed, since a machine may be slower minutes later. Memory is
that of one process that runs all of it, beyond what its imports took. Processor seconds are those
of all processes that it took; they say what a busy machine's clock does not. The last lines are
what 10 TB and a million models come to at these speeds. It runs on Linux.

    python -m scripts.bench.scale                                    # minutes
    python -m scripts.bench.scale --rows 1000000 --engines dask      # and with Dask
"""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from scripts.bench.timing import machine, options, report
from tests.kit.meters import readings, write_meters_bundle

PARTITION_ROWS = 100_000
SERIES = 50  # a partition
HIDDEN_SIZE = 32
TB = 1e12
MODELS = 1_000_000
BARE = "two bare processes"
ALONE = "run"
TWO = "run --workers 2"
PACKAGES = {"ray": "ray", "spark": "pyspark", "dask": "distributed"}


def write_rows(folder: Path, rows: int) -> int:
    """The partitions; their bytes."""
    folder.mkdir()
    for number in range(rows // PARTITION_ROWS):
        names = tuple(f"meter{number}-{index}" for index in range(SERIES))
        table = readings(names, PARTITION_ROWS // SERIES, seed=number)
        table.write_parquet(folder / f"{number:03}.parquet")
    return sum(path.stat().st_size for path in folder.iterdir())


def answer_bare(bundle: str, output: str, *paths: str) -> None:
    """What a process without any of this package's sharing does."""
    import lstm_export

    session = lstm_export.load(bundle)
    for path in map(Path, paths):
        session.predict_table(path).write_parquet(Path(output) / path.name)


def two_bare(folder: Path) -> None:
    """Two of them, a half each."""
    output = fresh(folder / "bare")
    output.mkdir()
    paths = sorted((folder / "data").iterdir())
    command = [sys.executable, "-m", "scripts.bench.scale", "bare", folder / "m.bundle", output]
    halves = [[*command, *paths[start::2]] for start in range(2)]
    running = [subprocess.Popen(list(map(str, half))) for half in halves]
    codes = [process.wait() for process in running]
    if any(codes):
        sys.exit(f"a bare process ended with {codes}")


def run_on(folder: Path, engine: str, workers: int) -> None:
    """`lstm-export run` on the folder."""
    output = fresh(folder / f"{engine}{workers}")
    command = [sys.executable, "-m", "lstm_export", "run", folder / "m.bundle", folder / "data"]
    command += ["-o", output, "--on", engine, "--workers", workers]
    done = subprocess.run(list(map(str, command)), check=False, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(done.stderr)


class Cost(NamedTuple):
    """Of one way to answer all rows.

    Attributes:
        clock: seconds from start to end.
        processor: seconds of all processes.
        share: of the speed of two bare processes, which ran just before.
        start: seconds before `clock` began, of a cluster that answered two tables first.
    """

    clock: float
    processor: float
    share: float = 1.0
    start: float = 0.0


@contextmanager
def cluster(engine: str) -> Iterator[None]:
    """Two workers, which `run_folder` finds."""
    if engine == "ray":
        import ray

        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield
        ray.shutdown()
    elif engine == "spark":
        from pyspark.sql import SparkSession

        os.environ["PYSPARK_PYTHON"] = sys.executable  # else the first python3 of the path
        spark = SparkSession.builder.master("local[2]").getOrCreate()
        yield
        spark.stop()
    else:
        import dask
        from distributed import Client, LocalCluster

        from lstm_export.scale.on_dask import KEEPING_FREED_MEMORY

        options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
        with (
            dask.config.set(KEEPING_FREED_MEMORY),
            LocalCluster(**options) as workers,
            Client(workers),
        ):
            yield


def answer_on_cluster(engine: str, bundle: str, data: str, output: str) -> None:
    """Print the seconds of starting a cluster and answering two tables there, and of answering all
    of them then."""
    import lstm_export
    from lstm_export.scale import run_folder
    from lstm_export.scale.sharing import Engine

    name: Engine = engine  # type: ignore[assignment]
    session = lstm_export.load(bundle)
    first = Path(output) / "first"
    (first / "data").mkdir(parents=True)
    for path in sorted(Path(data).iterdir())[:2]:
        shutil.copy(path, first / "data")
    begin = time.perf_counter()
    with cluster(engine):
        run_folder(session, first / "data", first / "answers", engine=name)
        start = time.perf_counter()
        answered = run_folder(session, Path(data), Path(output) / "all", engine=name)
        seconds = time.perf_counter() - start
    if answered.failed:
        sys.exit(f"{engine} failed: {answered.failed[0].error}")
    print(start - begin, seconds)


def cost_on_cluster(folder: Path, engine: str) -> Cost:
    """By the clock of answering alone; the cluster was there."""
    found: list[str] = []
    whole = cost_of(lambda: found.append(told_by_cluster(folder, engine)))
    start, clock = map(float, found[0].split())
    return whole._replace(clock=clock, start=start)


def told_by_cluster(folder: Path, engine: str) -> str:
    """The last line of a process that starts a cluster and answers there."""
    command = [sys.executable, "-m", "scripts.bench.scale", "cluster", engine, folder / "m.bundle"]
    command += [folder / "data", fresh(folder / f"cluster-{engine}")]
    done = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.splitlines()[-1]


def answer_and_tell_memory(bundle: str, data: str, output: str) -> None:
    """Print the most bytes that answering took beyond the imports."""
    import onnxruntime  # noqa: F401
    from pyarrow import parquet  # noqa: F401

    import lstm_export
    from lstm_export.scale import run_folder

    session = lstm_export.load(bundle)
    before = peak_bytes()
    run_folder(session, Path(data), fresh(Path(output)))
    print(peak_bytes() - before)


def peak_bytes() -> int:
    """The most that this process has held."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def memory_of(folder: Path) -> int:
    """Of a process that answers all partitions."""
    command = [sys.executable, "-m", "scripts.bench.scale", "memory", folder / "m.bundle"]
    command += [folder / "data", folder / "memory"]
    done = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True)
    return int(done.stdout)


def fresh(path: Path) -> Path:
    """A folder that is not there."""
    shutil.rmtree(path, ignore_errors=True)
    return path


def cost_of(work: Callable[[], object]) -> Cost:
    """Do it once."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    work()
    clock = time.perf_counter() - start
    wait_for_orphans()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(clock, processor)


def adopt_orphans() -> None:
    """Processes whose parents end become children of this one, so that their seconds are known."""
    set_child_subreaper = 36  # PR_SET_CHILD_SUBREAPER of <linux/prctl.h>
    ctypes.CDLL(None).prctl(set_child_subreaper, 1)


def wait_for_orphans() -> None:
    """Those that a work has left behind; a fork server ends when it sees that its parent has."""
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


def costs_of(folder: Path, engines: Sequence[str], rounds: int, rows: int) -> dict[str, Cost]:
    """The best of each, turn and turn about, so that what slows the machine slows all of them."""
    bare = partial(cost_of, partial(two_bare, folder))
    works: dict[str, Callable[[], Cost]] = {
        ALONE: partial(cost_of, partial(run_on, folder, "local", 1)),
        TWO: partial(cost_of, partial(run_on, folder, "local", 2)),
    }
    for name in engines:
        works[f"run --on {name} --workers 2"] = partial(cost_of, partial(run_on, folder, name, 2))
        works[f"on {name}, started before"] = partial(cost_on_cluster, folder, name)
    found: dict[str, list[Cost]] = {BARE: [], **{name: [] for name in works}}
    for _ in range(rounds):
        for name, work in works.items():
            found[BARE].append(bare())
            cost = work()
            found[name].append(cost._replace(share=found[BARE][-1].clock / cost.clock))
            print(line_of(name, found[name][-1], rows), file=sys.stderr)
    return {name: min(costs) for name, costs in found.items()}


def plan(rows_a_second: float, bytes_a_row: float, opening_s: float) -> list[str]:
    """What a terabyte and a million models come to, on paper."""
    rows = 10 * TB / bytes_a_row
    core_hours = rows / rows_a_second / 3600
    return [
        f"10 TB of such Parquet are {rows:.2g} rows, {core_hours:,.0f} core hours: "
        f"{core_hours / 24 / 7:,.0f} cores for a week",
        f"a million models, opened once each: {MODELS * opening_s / 3600:,.1f} core hours",
    ]


def opening_seconds(bundle: Path) -> float:
    """Median of opening a bundle in a process that has opened one before."""
    import lstm_export

    times = []
    for _ in range(20):
        start = time.perf_counter()
        lstm_export.load(bundle)
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2]


def main() -> None:
    """Measure and report."""
    parser = options(__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--engines", nargs="*", default=[], choices=PACKAGES)
    given = parser.parse_args()
    adopt_orphans()
    with TemporaryDirectory() as name:
        folder = Path(name)
        bundle = write_meters_bundle(folder / "m.bundle", HIDDEN_SIZE)
        size_bytes = write_rows(folder / "data", given.rows)
        costs = costs_of(folder, given.engines, given.rounds, given.rows)
        memory_bytes = memory_of(folder)
        opening_s = opening_seconds(bundle)
    size = f"{PARTITION_ROWS:,} a file, {size_bytes / 1e6:,.0f} MB"
    lines = [f"{given.rows:,} rows of Parquet, {size}"]
    lines += [line_of(name, cost, given.rows) for name, cost in costs.items()]
    lines += [
        f"  two workers are {costs[ALONE].clock / costs[TWO].clock:.2f} times as fast as one",
        f"  memory beyond imports: {memory_bytes / 2**20:.0f} MB",
        f"  opening a bundle: {1e3 * opening_s:.1f} ms",
    ]
    lines += plan(given.rows / costs[ALONE].processor, size_bytes / given.rows, opening_s)
    engines = [PACKAGES[name] for name in given.engines]
    found = machine("numpy", "onnxruntime", "pyarrow", *engines)
    record = {
        "costs": {name: cost._asdict() for name, cost in costs.items()},
        "memory_bytes": memory_bytes,
        "opening_s": opening_s,
    }
    report(lines, record, found, given)


def line_of(name: str, cost: Cost, rows: int) -> str:
    """One way to answer all rows."""
    start = f", after {cost.start:.1f} s of starting" if cost.start else ""
    return (
        f"  {name:28} {cost.clock:7.1f} s  {rows / cost.clock:9,.0f} rows/s  "
        f"{cost.share:.2f} of two bare processes  {cost.processor:6.1f} processor s{start}"
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["bare"]:
        answer_bare(*sys.argv[2:])
    elif sys.argv[1:2] == ["cluster"]:
        answer_on_cluster(*sys.argv[2:])
    elif sys.argv[1:2] == ["memory"]:
        answer_and_tell_memory(*sys.argv[2:])
    else:
        main()
