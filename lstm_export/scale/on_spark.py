"""Spark: work shared out as the slices of a data set."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from ..errors import InputError, require
from ..model import Signature
from ..series import group_columns
from ..workers import Died
from .starting import starting

_SUBMITTED = "PYSPARK_GATEWAY_PORT"  # which spark-submit gives to the process that it starts
# Of Spark where it is started here. It hands out names of files: compiling that a second time, for
# speed, took half of the seconds that the Java process needed.
_STARTED_HERE = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.defaultJavaOptions": "-XX:TieredStopAtLevel=1",
}
_MARK = "spark.lstm_export.started"  # by which a context is known that was started here


def ask_spark(
    job: Callable[[Any], Any], questions: Sequence[Any], workers: int | None
) -> Iterator[tuple[int, Any]]:
    """As `workers.ask_all`, in the Spark context of this process, else in one made here.

    Where Spark gives all of it up because a process died, each question is asked by itself.

    Raises:
        MissingDependency: Spark or Java is not installed.
    """
    pyspark = require("pyspark", "spark", "sharing work out with Spark")
    numbered = list(enumerate(questions))
    with _context(pyspark, workers) as context:
        try:
            yield from _asked(context, job, numbered)
        except _gave_up():
            yield from (_asked_alone(context, job, index, question) for index, question in numbered)


def _asked(
    context: Any, job: Callable[[Any], Any], numbered: list[tuple[int, Any]]
) -> list[tuple[int, Any]]:
    slices = context.parallelize(numbered, len(numbered))
    answers: list[tuple[int, Any]] = slices.mapValues(job).collect()
    return answers


def _asked_alone(
    context: Any, job: Callable[[Any], Any], index: int, question: Any
) -> tuple[int, Any]:
    try:
        (answer,) = _asked(context, job, [(index, question)])
    except _gave_up() as error:
        return index, Died(f"its process ended on Spark: {_reason(error)}")
    return answer


def _gave_up() -> type[Exception]:
    protocol = require("py4j.protocol", "spark", "sharing work out with Spark")
    error: type[Exception] = protocol.Py4JJavaError
    return error


def _reason(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if "Exception" in line]
    return lines[0].strip() if lines else type(error).__name__


@contextmanager
def _context(pyspark: Any, workers: int | None) -> Iterator[Any]:
    """One that is there stays; one that is started for this ends with it.

    A context, and no session: that would load all of Spark SQL.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # Spark looks nowhere else
    mark = uuid4().hex
    conf = pyspark.SparkConf().setAll(_STARTED_HERE.items()).set(_MARK, mark)
    if workers and _SUBMITTED not in os.environ:  # spark-submit has named its cluster already
        conf = conf.setMaster(f"local[{workers}]")
    with starting("Spark", "it needs Java: apt-get install openjdk-17-jre-headless"):
        context = pyspark.SparkContext.getOrCreate(conf)
    is_started_here = context.getConf().get(_MARK) == mark  # one that was there keeps its own conf
    try:
        yield context
    finally:
        if is_started_here:
            context.stop()


def spark_schema(signature: Signature, columns: Any) -> Any:
    """The schema of the predictions, a StructType, from the model's signature.

    Args:
        signature: of the model.
        columns: schema of the DataFrame that is answered, whose kind of time the answers keep.
    """
    types = require("pyspark.sql.types", "spark", "answering tables of Spark")
    fields = [_time_field(types, signature, columns)]
    fields += [
        types.StructField(name, types.StringType())
        for name in group_columns(signature.group, columns.names)
    ]
    fields += [types.StructField(column.name, types.FloatType()) for column in signature.outputs]
    return types.StructType(fields)


def _time_field(types: Any, signature: Signature, columns: Any) -> Any:
    """Dates as they came, those that were text without a time zone; counts as numbers."""
    if signature.time is None:
        return types.StructField("row", types.LongType())
    if signature.time not in columns.names:
        raise InputError(
            f"the DataFrame has no column {signature.time!r}; it has {', '.join(columns.names)}"
        )
    given = columns[signature.time].dataType
    if isinstance(given, types.NumericType):
        given = types.DoubleType()
    elif not isinstance(given, types.TimestampType):
        given = types.TimestampNTZType()
    return types.StructField(signature.time, given)
