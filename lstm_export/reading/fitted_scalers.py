"""scikit-learn's scalers, read from the attributes that fitting them left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..model import Array
from .contents import FoundScaler
from .pickle_records import Instance
from .stored_tensors import as_numpy

_Shift = tuple[Array, Array]  # offset (features,), scale (features,)


def fitted_scaler(name: str, value: Instance) -> FoundScaler | None:
    """The scaler that a pickle describes; None for other objects and where it does more.

    Args:
        name: the key that it lies under.
        value: the object.
    """
    if not value.kind.startswith("sklearn.preprocessing.") or not isinstance(value.state, dict):
        return None
    kind = value.kind.rpartition(".")[2]
    found: _Shift | None = None
    if kind == "StandardScaler":
        found = _standard(value.state)
    elif kind == "MinMaxScaler" and not value.state.get("clip"):
        found = _min_max(value.state)
    if found is None or not _is_usable(*found):
        return None
    return FoundScaler(name, kind, *found)


def _standard(state: Mapping[Any, Any]) -> _Shift | None:
    """`(x - mean_) / scale_`; a fitted mean is kept in the object even where it is not used."""
    offset = _fitted(state, "mean_") if state.get("with_mean") else None
    scale = _fitted(state, "scale_") if state.get("with_std") else None
    if offset is None and scale is None:
        return None
    if offset is None:
        offset = np.zeros_like(scale)
    if scale is None:
        scale = np.ones_like(offset)
    return offset, scale


def _min_max(state: Mapping[Any, Any]) -> _Shift | None:
    """`x * scale_ + min_`, turned into `(x - offset) / scale`."""
    factor = _fitted(state, "scale_")
    shift = _fitted(state, "min_")
    if factor is None or shift is None or factor.shape != shift.shape or not np.all(factor):
        return None
    return -shift / factor, 1 / factor


def _is_usable(offset: Array, scale: Array) -> bool:
    are_finite = bool(np.isfinite(offset).all() and np.isfinite(scale).all())
    return offset.shape == scale.shape and are_finite and bool(np.all(scale))


def _fitted(state: Mapping[Any, Any], name: str) -> Array | None:
    """A vector of numbers as float64 `(features,)`."""
    array = as_numpy(state.get(name))
    if array is None or array.ndim != 1 or array.dtype.kind not in "fiu":
        return None
    return array.astype(np.float64)
