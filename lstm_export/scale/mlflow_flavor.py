"""MLflow: a bundle as a pyfunc model, with signature, input example and pinned requirements."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from .. import pipeline
from ..errors import InputError, require
from ..model import USUAL, Array, Column, Signature
from ..model.calendar_steps import MONTHS
from ..series import group_columns
from ..series.times import COMPACT
from ..version import __version__
from .predictor import Predictor

_PINNED = ("numpy", "onnxruntime", "pandas")
_START = np.datetime64("2024-01-01T00:00:00", "us")
_ANY = "any"


def mlflow_model(bundle: Path | str, **choices: Any) -> dict[str, Any]:
    """The arguments of `mlflow.pyfunc.save_model` and `log_model` that make a model of a bundle.

    ::

        mlflow.pyfunc.save_model(path="served", **mlflow_model("model.bundle"))

    Args:
        bundle: the bundle, which is copied into the model.
        choices: `window`, `missing` and `sort` of `Predictor`.

    Raises:
        InputError: the bundle names no features, so that it has no columns to be asked for.
        MissingDependency: MLflow is not installed.
    """
    require("mlflow", "mlflow", "making a model of MLflow")
    signature = pipeline.load(bundle).signature
    if not signature.features:
        raise InputError(f"{bundle} names no features, which a table of MLflow needs")
    return {
        "loader_module": __name__,
        "data_path": str(bundle),
        "signature": _mlflow_signature(signature),
        "input_example": _example(signature, choices.get("window")),
        "pip_requirements": [f"lstm-export=={__version__}", *_pinned()],
        "model_config": dict(choices),
    }


def _load_pyfunc(path: str, model_config: Mapping[str, Any] | None = None) -> _Served:
    """What MLflow calls to load such a model, by this name."""
    return _Served(Predictor(pipeline.load(path), **(model_config or {})))


class _Served:
    """What MLflow asks for predictions."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> Any:
        """The predictions of a DataFrame with whole series."""
        return self._predictor(model_input)


def _pinned() -> list[str]:
    found = []
    for package in _PINNED:
        try:
            found.append(f"{package}=={version(package)}")
        except PackageNotFoundError:  # the engine is numpy then
            continue
    return found


def _mlflow_signature(signature: Signature) -> Any:
    models = require("mlflow.models", "mlflow", "making a model of MLflow")
    types = require("mlflow.types", "mlflow", "making a model of MLflow")
    groups = [("string", name) for name in group_columns(signature.group, ())]
    inputs = [(_time_kind(signature), signature.time)] if signature.time else []
    inputs += groups
    inputs += [("string", category.name) for category in signature.categories]
    inputs += [("double", column.name) for column in signature.measured]
    outputs = [(_answered_kind(signature), signature.time)] if signature.time else []
    outputs += groups
    outputs += [("float", column.name) for column in signature.outputs]
    outputs = outputs or [("long", "row")]
    return models.ModelSignature(_schema(types, inputs), _schema(types, outputs))


def _time_kind(signature: Signature) -> str:
    """What cells of the time column are: dates, text or numbers of the form that training named.

    Nothing tells dates without a calendar from numbers that count; then both are taken.
    """
    written = signature.table_format or USUAL
    if written.time_format in COMPACT.values():
        return "long"
    if written.time_format or written.has_offsets:
        return "string"
    is_date = signature.calendar or signature.calendar_step or written.timezone
    return "datetime" if is_date else _ANY


def _answered_kind(signature: Signature) -> str:
    """Text and numbers of a form are answered as the dates that they are."""
    return _ANY if _time_kind(signature) == _ANY else "datetime"


def _schema(types: Any, columns: list[tuple[str, str]]) -> Any:
    specs = []
    for kind, name in columns:
        column_type = types.schema.AnyType() if kind == _ANY else kind
        specs.append(types.ColSpec(column_type, name))
    return types.Schema(specs)


def _example(signature: Signature, window: int | None) -> Any:
    """One series, a row longer than the window, in the middle of what training saw."""
    pandas = require("pandas", "mlflow", "making a model of MLflow")
    rows = (window or signature.window or 1) + 1
    columns: dict[str, Array] = {}
    if signature.time:
        columns[signature.time] = _times(signature, rows)
    for name in group_columns(signature.group, ()):
        columns[name] = np.full(rows, "1", object)
    for category in signature.categories:
        columns[category.name] = np.full(rows, category.levels[0], object)
    for column in signature.measured:
        columns[column.name] = np.full(rows, _middle(column))
    return pandas.DataFrame(columns)


def _times(signature: Signature, rows: int) -> Array:
    """Times a step apart, written as the model's tables are."""
    times = _dates(signature, np.arange(rows))
    kind = _time_kind(signature)
    if kind in ("datetime", _ANY):
        return times
    time_format = (signature.table_format or USUAL).time_format
    texts = [
        time.strftime(time_format) if time_format else f"{time.isoformat()}+00:00"
        for time in times.tolist()
    ]
    return np.array(texts, np.int64 if kind == "long" else object)


def _dates(signature: Signature, steps: Array) -> Array:
    """Dates so many steps after the start, datetime64[us]."""
    step_us = int(1e6 * (signature.time_step or 1.0))
    times: Array = _START + steps * np.timedelta64(step_us, "us")
    if signature.calendar_step == "business-day":
        times = np.busday_offset(_START.astype("datetime64[D]"), steps)
    elif signature.calendar_step:
        times = _START.astype("datetime64[M]") + steps * MONTHS[signature.calendar_step]
    return times.astype(_START.dtype)


def _middle(column: Column) -> float:
    return ((column.low or 0.0) + (column.high or 0.0)) / 2
