"""What shares work out to processes: this machine, Ray, Spark or Dask, all asked in one way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

from ..workers import ask_all
from .on_dask import ask_dask
from .on_ray import ask_ray
from .on_spark import ask_spark

Engine = Literal["local", "ray", "spark", "dask"]
Answers = Iterator[tuple[int, Any]]


def ask_on(
    engine: Engine, job: Callable[[Any], Any], questions: Sequence[Any], workers: int | None
) -> Answers:
    """The index of each question and its answer, as they come; see `workers.ask_all`.

    Args:
        engine: where they are answered.
        job: a function of a module, which raises nothing.
        questions: what pickle takes.
        workers: processes; by default 1 here, and what there is on a cluster.

    Raises:
        MissingDependency: the engine is not installed.
    """
    if engine == "ray":
        return ask_ray(job, questions, workers)
    if engine == "spark":
        return ask_spark(job, questions, workers)
    if engine == "dask":
        return ask_dask(job, questions, workers)
    if workers in (None, 1):
        return enumerate(map(job, questions))
    return ask_all(job, questions, workers)
