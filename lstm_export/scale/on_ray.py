"""Ray: work shared out as its tasks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import require
from ..workers import Died
from .starting import starting


def ask_ray(
    job: Callable[[Any], Any], questions: Sequence[Any], workers: int | None
) -> Iterator[tuple[int, Any]]:
    """As `workers.ask_all`, on the cluster of this process or of RAY_ADDRESS, else on one here.

    Raises:
        MissingDependency: Ray is not installed.
    """
    ray = require("ray", "ray", "sharing work out with Ray")
    with _cluster(ray, workers):
        remote = ray.remote(max_retries=0)(job)
        waiting = {remote.remote(question): index for index, question in enumerate(questions)}
        while waiting:
            (done,), _ = ray.wait(list(waiting), num_returns=1)
            yield waiting.pop(done), _answer(ray, done)


@contextmanager
def _cluster(ray: Any, workers: int | None) -> Iterator[None]:
    """One that is there stays; one that is started for this ends with it."""
    if ray.is_initialized():
        yield
        return
    here = {} if "RAY_ADDRESS" in os.environ else {"num_cpus": workers, "include_dashboard": False}
    with starting("Ray", "try again on an idle machine, or name a cluster that runs: RAY_ADDRESS"):
        ray.init(logging_level="error", log_to_driver=False, **here)
    try:
        yield
    finally:
        ray.shutdown()


def _answer(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayError as error:
        return Died(f"its process ended on Ray: {str(error).strip().splitlines()[0]}")
