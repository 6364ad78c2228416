"""Dask: work shared out as its futures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from ..errors import require
from ..workers import Died
from .starting import starting

# Of Dask's configuration. As it stands, malloc gives every 64 KiB that are freed back to the system
# and takes them anew for the next array, page by page, in system time.
KEEPING_FREED_MEMORY = {"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None}
# And where it is started here: as it stands, questions wait for ever once no process is left.
_STARTED_HERE = {**KEEPING_FREED_MEMORY, "distributed.scheduler.no-workers-timeout": "1 minute"}


def ask_dask(
    job: Callable[[Any], Any], questions: Sequence[Any], workers: int | None
) -> Iterator[tuple[int, Any]]:
    """As `workers.ask_all`, by the client of this process, else on the cluster of
    DASK_SCHEDULER_ADDRESS, else on one here.

    Dask gives up whatever waited where a process died, too: that is asked again by itself.

    Raises:
        MissingDependency: Dask is not installed.
    """
    distributed = require("distributed", "dask", "sharing work out with Dask")
    with _client(distributed, workers) as client:
        futures = client.map(job, questions, pure=False)
        places = {future.key: index for index, future in enumerate(futures)}
        given_up = []
        for future in distributed.as_completed(futures):
            if isinstance(future.exception(), distributed.KilledWorker):
                given_up.append(places[future.key])
            else:
                yield places[future.key], _answer(future)
        for index in given_up:
            yield index, _answer(client.submit(job, questions[index], pure=False))


def _answer(future: Any) -> Any:
    error = future.exception()
    return Died(f"its process ended on Dask: {error}") if error else future.result()


@contextmanager
def _client(distributed: Any, workers: int | None) -> Iterator[Any]:
    """One that is there stays; one that is started for this ends with it."""
    try:
        there = distributed.default_client()
    except ValueError:
        there = None
    if there is not None:
        yield there
        return
    with ExitStack() as started:
        with starting("Dask", "name a scheduler that runs: DASK_SCHEDULER_ADDRESS"):
            client = started.enter_context(_new_client(distributed, workers))
        yield client


@contextmanager
def _new_client(distributed: Any, workers: int | None) -> Iterator[Any]:
    config = require("dask", "dask", "sharing work out with Dask").config
    if config.get("scheduler-address", None):
        with distributed.Client() as client:
            yield client
        return
    with (
        config.set(_STARTED_HERE),
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client
