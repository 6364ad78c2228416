"""The ways to answer a folder that `scripts.bench.scale` times, each in a process of its own."""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WORKERS = 2


def answer_bare(bundle: str, output: str, *paths: str) -> None:
    """What a process without any of this package's sharing does."""
    import lstm_export

    session = lstm_export.load(bundle)
    for path in map(Path, paths):
        session.predict_table(path).write_parquet(Path(output) / path.name)


def answer_on_cluster(engine: str, bundle: str, data: str, output: str) -> None:
    """Print the seconds of starting a cluster and answering a table a worker there, and what
    answering all of them took then."""
    import lstm_export
    from lstm_export.scale import run_folder
    from lstm_export.scale.sharing import Engine

    name: Engine = engine  # type: ignore[assignment]
    session = lstm_export.load(bundle)
    first = Path(output) / "first"
    (first / "data").mkdir(parents=True)
    for path in sorted(Path(data).iterdir())[:WORKERS]:
        shutil.copy(path, first / "data")
    begin = time.perf_counter()
    with cluster(engine):
        run_folder(session, first / "data", first / "answers", engine=name)
        start = time.perf_counter()
        before = processor_seconds()
        answered = run_folder(session, Path(data), Path(output) / "all", engine=name)
        clock = time.perf_counter() - start
        processor = processor_seconds() - before
    if answered.failed:
        sys.exit(f"{engine} failed: {answered.failed[0].error}")
    answering = sum(outcome.seconds for outcome in answered.outcomes) / WORKERS
    told = {"clock": clock, "processor": processor, "answering": answering, "start": start - begin}
    print(json.dumps(told))


@contextmanager
def cluster(engine: str) -> Iterator[None]:
    """Its workers, which `run_folder` finds."""
    if engine == "ray":
        import ray

        ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False)
        yield
        ray.shutdown()
    elif engine == "spark":
        from pyspark.sql import SparkSession

        os.environ["PYSPARK_PYTHON"] = sys.executable  # else the first python3 of the path
        spark = SparkSession.builder.master(f"local[{WORKERS}]").getOrCreate()
        yield
        spark.stop()
    else:
        import dask
        from distributed import Client, LocalCluster

        from lstm_export.scale.on_dask import KEEPING_FREED_MEMORY

        options = {"n_workers": WORKERS, "threads_per_worker": 1, "dashboard_address": None}
        with (
            dask.config.set(KEEPING_FREED_MEMORY),
            LocalCluster(**options) as workers,
            Client(workers),
        ):
            yield


def answer_and_tell_memory(bundle: str, data: str, output: str) -> None:
    """Print the most bytes that answering took beyond the imports."""
    import onnxruntime  # noqa: F401
    from pyarrow import parquet  # noqa: F401

    import lstm_export
    from lstm_export.scale import run_folder

    session = lstm_export.load(bundle)
    before = peak_bytes()
    run_folder(session, Path(data), Path(output))
    print(peak_bytes() - before)


def peak_bytes() -> int:
    """The most that this process has held."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def processor_seconds() -> float:
    """Of the whole machine since it started: engines end processes that nobody waits for, whose
    seconds no other count has."""
    cells = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
    user, nice, system, _idle, _waiting, hard, soft = map(int, cells[1:8])  # interrupts
    return (user + nice + system + hard + soft) / os.sysconf("SC_CLK_TCK")


WAYS = {"bare": answer_bare, "cluster": answer_on_cluster, "memory": answer_and_tell_memory}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("arguments", nargs="+", help="of its function here")
    given = parser.parse_args()
    WAYS[given.way](*given.arguments)
