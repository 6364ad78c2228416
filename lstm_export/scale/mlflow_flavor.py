"""MLflow: a bundle as a pyfunc model, with signature, input example and pinned requirements."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from .. import pipeline
from ..errors import InputError, require
from ..model import Array, Column, Signature
from ..series import group_columns
from ..version import __version__
from .predictor import Predictor

_PINNED = ("numpy", "onnxruntime", "pandas")
_START = np.datetime64("2024-01-01T00:00:00")


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
    time = [("datetime", signature.time)] if signature.time else []
    texts = [*group_columns(signature.group, ()), *(each.name for each in signature.categories)]
    asked = time + [("string", name) for name in texts]
    asked += [("double", column.name) for column in signature.measured]
    told = time + [("string", name) for name in group_columns(signature.group, ())]
    told += [("float", column.name) for column in signature.outputs]
    return models.ModelSignature(_schema(types, asked), _schema(types, told or [("long", "row")]))


def _schema(types: Any, columns: list[tuple[str, str]]) -> Any:
    return types.Schema([types.ColSpec(kind, name) for kind, name in columns])


def _example(signature: Signature, window: int | None) -> Any:
    """One series, a row longer than the window, in the middle of what training saw."""
    pandas = require("pandas", "mlflow", "making a model of MLflow")
    rows = (window or signature.window or 1) + 1
    columns: dict[str, Array] = {}
    if signature.time:
        step = np.timedelta64(int(1e6 * (signature.time_step or 1.0)), "us")
        columns[signature.time] = _START.astype("datetime64[us]") + np.arange(rows) * step
    for name in group_columns(signature.group, ()):
        columns[name] = np.full(rows, "1", object)
    for category in signature.categories:
        columns[category.name] = np.full(rows, category.levels[0], object)
    for column in signature.measured:
        columns[column.name] = np.full(rows, _middle(column))
    return pandas.DataFrame(columns)


def _middle(column: Column) -> float:
    return ((column.low or 0.0) + (column.high or 0.0)) / 2
