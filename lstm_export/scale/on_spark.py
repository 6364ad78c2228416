"""Spark: work shared out as the slices of a data set."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import MissingDependency, require
from ..workers import Died


def ask_spark(
    job: Callable[[Any], Any], questions: Sequence[Any], workers: int | None
) -> Iterator[tuple[int, Any]]:
    """As `workers.ask_all`, in the Spark session of this process, else in one made here.

    Where Spark gives all of it up because a process died, each question is asked by itself.

    Raises:
        MissingDependency: Spark or Java is not installed.
    """
    sql = require("pyspark.sql", "spark", "sharing work out with Spark")
    with _session(sql, workers) as spark:
        try:
            yield from _asked(spark, job, list(enumerate(questions)))
            return
        except _gave_up() as error:
            del error
        for index, question in enumerate(questions):
            try:
                yield from _asked(spark, job, [(index, question)])
            except _gave_up() as error:
                yield index, Died(f"its process ended on Spark: {_reason(error)}")


def _asked(
    spark: Any, job: Callable[[Any], Any], numbered: list[tuple[int, Any]]
) -> list[tuple[int, Any]]:
    slices = spark.sparkContext.parallelize(numbered, len(numbered))
    answers: list[tuple[int, Any]] = slices.mapValues(job).collect()
    return answers


def _gave_up() -> type[Exception]:
    protocol = require("py4j.protocol", "spark", "sharing work out with Spark")
    error: type[Exception] = protocol.Py4JJavaError
    return error


def _reason(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if "Exception" in line]
    return lines[0].strip() if lines else type(error).__name__


@contextmanager
def _session(sql: Any, workers: int | None) -> Iterator[Any]:
    """One that is there stays; one that is started for this ends with it."""
    active = sql.SparkSession.getActiveSession()
    if active is not None:
        yield active
        return
    builder = sql.SparkSession.builder.config("spark.pyspark.python", sys.executable)
    builder = builder.config("spark.ui.enabled", "false").config("spark.log.level", "ERROR")
    if workers:
        builder = builder.master(f"local[{workers}]")
    try:
        spark = builder.getOrCreate()
    except Exception as error:  # of a class that differs between versions
        raise MissingDependency(
            f"Spark does not start here ({str(error).splitlines()[0]}); it needs Java: "
            "apt-get install openjdk-17-jre-headless"
        ) from error
    try:
        yield spark
    finally:
        spark.stop()
