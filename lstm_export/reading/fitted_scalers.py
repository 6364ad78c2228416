"""scikit-learn's scalers, read from the attributes that fitting them left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..model import Array
from .contents import FoundScaler
from .joblib_arrays import JOBLIB_ARRAY
from .pickle_records import Instance
from .stored_tensors import as_numpy

MOST_STEPS = 16  # of a Pipeline
MOST_COLUMNS = 8192
LONGEST_COLUMN = 500  # characters of a name
NOT_FITTED = "was not fitted"

_PIPELINE = "sklearn.pipeline.Pipeline"
_NOTHING = (None, "passthrough")  # steps of a Pipeline that change nothing
_State = Mapping[Any, Any]
_NO_NUMBERS = np.zeros(0)

# Classes of sklearn.preprocessing and sklearn.compose that people scale with, and no stage does.
_FAULTS = {
    "PowerTransformer": "takes powers of its columns",
    "QuantileTransformer": "takes ranks of its columns",
    "FunctionTransformer": "calls a function of its user's",
    "Normalizer": "divides every row by its own length",
    "PolynomialFeatures": "makes products of its columns",
    "SplineTransformer": "makes splines of its columns",
    "KBinsDiscretizer": "sorts its columns into bins",
    "ColumnTransformer": "does to every column something of its own",
}


class _Shift(NamedTuple):
    """`(x - offset) / scale`, both float64 `(features,)`."""

    offset: Array
    scale: Array


def fitted_scaler(name: str, value: Instance) -> FoundScaler | None:
    """The scaler that a pickle describes, with a fault where no stage does the same; None for
    other objects.

    Args:
        name: the key that it lies under.
        value: the object.
    """
    if not isinstance(value.state, dict):
        return None
    kind = value.kind.rpartition(".")[2]
    if value.kind == _PIPELINE:
        found = _pipeline(value.state)
    else:
        found = _single(value)
    if found is None:
        return None
    if isinstance(found, str):
        return FoundScaler(name, kind, _NO_NUMBERS, _NO_NUMBERS, fault=found)
    return FoundScaler(name, kind, found.offset, found.scale, _columns(value))


def _single(value: Instance) -> _Shift | str | None:
    """What one scaler does, why no stage does it, or None for what is no scaler."""
    package, _, kind = value.kind.rpartition(".")
    is_theirs = package.startswith(("sklearn.preprocessing", "sklearn.compose"))
    if not is_theirs or kind not in _READERS:
        return _FAULTS.get(kind) if is_theirs else None
    if value.state.get("clip"):
        return "clips what lies outside of its range (clip=True)"
    found = _READERS[kind](value.state)
    if found is None or found.offset.shape != found.scale.shape:
        return NOT_FITTED
    are_finite = np.isfinite([found.offset, found.scale]).all()  # (2, features)
    if not are_finite or not found.scale.all():
        return "has an offset or a scale that is not finite, or a scale of 0"
    return found


def _pipeline(state: _State) -> _Shift | str | None:
    """Its scalers one after another; None for a Pipeline of other things."""
    steps = state.get("steps")
    if not isinstance(steps, list | tuple) or len(steps) > MOST_STEPS:
        return None
    found: _Shift | None = None
    for scaler in [step[1] for step in steps if _is_step(step)]:
        shift = _single(scaler) if isinstance(scaler, Instance) else None
        if shift is None:
            return None
        if isinstance(shift, str):
            return f"holds a {scaler.kind.rpartition('.')[2]}, which {shift}"
        found = _after(found, shift) if found else shift
        if found is None:
            return "joins scalers of unequal width"
    return found


def _is_step(step: Any) -> bool:
    return isinstance(step, tuple | list) and len(step) == 2 and step[1] not in _NOTHING


def _after(first: _Shift, second: _Shift) -> _Shift | None:
    """`((x - o1) / s1 - o2) / s2` is `(x - (o1 + s1 * o2)) / (s1 * s2)`."""
    if first.offset.shape != second.offset.shape:
        return None
    offset = first.offset + first.scale * second.offset
    return _Shift(offset, first.scale * second.scale)


def _standard(state: _State) -> _Shift | None:
    """`(x - mean_) / scale_`; a fitted mean is kept in the object even where it is not used."""
    offset = _fitted(state, "mean_") if state.get("with_mean") else None
    scale = _fitted(state, "scale_") if state.get("with_std") else None
    return _completed(offset, scale)


def _robust(state: _State) -> _Shift | None:
    """`(x - center_) / scale_`: the median, and the range between two quantiles."""
    offset = _fitted(state, "center_") if state.get("with_centering") else None
    scale = _fitted(state, "scale_") if state.get("with_scaling") else None
    return _completed(offset, scale)


def _max_abs(state: _State) -> _Shift | None:
    """`x / scale_`."""
    return _completed(None, _fitted(state, "scale_"))


def _completed(offset: Array | None, scale: Array | None) -> _Shift | None:
    """With 0 and 1 for what a scaler was told to leave out."""
    if offset is None and scale is None:
        return None
    if offset is None:
        offset = np.zeros_like(scale)
    if scale is None:
        scale = np.ones_like(offset)
    return _Shift(offset, scale)


def _min_max(state: _State) -> _Shift | None:
    """`x * scale_ + min_`, turned into `(x - offset) / scale`."""
    factor = _fitted(state, "scale_")
    shift = _fitted(state, "min_")
    if factor is None or shift is None or factor.shape != shift.shape or not np.all(factor):
        return None
    return _Shift(-shift / factor, 1 / factor)


_READERS: Mapping[str, Callable[[_State], _Shift | None]] = {
    "StandardScaler": _standard,
    "MinMaxScaler": _min_max,
    "RobustScaler": _robust,
    "MaxAbsScaler": _max_abs,
}


def _fitted(state: _State, name: str) -> Array | None:
    """A vector of numbers as float64 `(features,)`."""
    array = as_numpy(state.get(name))
    if array is None or array.ndim != 1 or array.dtype.kind not in "fiu":
        return None
    return array.astype(np.float64)


def _columns(value: Instance) -> tuple[str, ...]:
    """`feature_names_in_` of what was fitted on a DataFrame; of a Pipeline its first step's."""
    fitted = value
    if value.kind == _PIPELINE:
        fitted = next(step[1] for step in value.state["steps"] if _is_step(step))
    return _names(fitted.state.get("feature_names_in_"))


def _names(value: Any) -> tuple[str, ...]:
    """The texts of an array of objects; none where it is anything else."""
    if isinstance(value, Instance) and value.kind == JOBLIB_ARRAY and value.args:
        value = value.args[0]
    state = value.state if isinstance(value, Instance) else None
    match state:
        case (_, _, _, _, list(names)) if _are_texts(names):
            return tuple(names)
    return ()


def _are_texts(names: Sequence[Any]) -> bool:
    return len(names) <= MOST_COLUMNS and all(
        isinstance(name, str) and len(name) <= LONGEST_COLUMN and name.isprintable()
        for name in names
    )
