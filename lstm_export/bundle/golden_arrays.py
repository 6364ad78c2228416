"""Golden sets as named arrays and back, checked against the model that they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import BundleError, printable
from ..model import Array, Model
from ..parity import GoldenSet
from .archive import AGAIN

GOLDEN = "golden.npz"
KEYS = ("x", "y", "scale", "noise_floor")
LENGTHS = "lengths"  # an array more where the rows of a set have unequal lengths


def arrays_of(golden: GoldenSet) -> dict[str, Array]:
    """x, y, S as `scale`, F as `noise_floor`, and the lengths where there are any."""
    arrays = {
        "x": golden.x,
        "y": golden.y,
        "scale": golden.scale,
        "noise_floor": np.asarray(golden.noise_floor),
    }
    if golden.lengths is not None:
        arrays[LENGTHS] = golden.lengths
    return arrays


def golden_arrays(sets: Iterable[GoldenSet]) -> dict[str, Array]:
    """The arrays of all sets, under `NAME.x` and so on."""
    arrays: dict[str, Array] = {}
    for golden in sets:
        for key, array in arrays_of(golden).items():
            arrays[f"{golden.name}.{key}"] = array
    return arrays


def golden_of_arrays(
    names: Sequence[Any], arrays: Mapping[str, Array], model: Model
) -> tuple[GoldenSet, ...]:
    """The inverse of `golden_arrays`, for the names that a manifest lists.

    Raises:
        BundleError: an array is missing or left over, or a set does not fit the model.
    """
    required = {f"{name}.{key}" for name in names for key in KEYS}
    optional = {f"{name}.{LENGTHS}" for name in names}
    is_complete = required <= set(arrays) <= required | optional
    is_unique = len(required) == len(names) * len(KEYS)  # no name stands twice
    if not is_complete or not is_unique:
        raise BundleError(
            f"{GOLDEN} does not hold the golden sets that the manifest names; {AGAIN}"
        )
    return tuple(_golden_set(str(name), arrays, model) for name in names)


def _golden_set(name: str, arrays: Mapping[str, Array], model: Model) -> GoldenSet:
    x, y, scale, noise_floor = (arrays[f"{name}.{key}"] for key in KEYS)
    shown = printable(name)
    if x.ndim != 3 or not x.size or x.dtype != np.float32:
        raise _unfit_input(shown, x)
    if x.shape[2] != model.signature.input_size:
        raise _unfit_input(shown, x)
    batch, seq, _ = x.shape
    outputs = (model.signature.output_size,)
    expected = (batch, seq, *outputs) if model.returns_every_step else (batch, *outputs)
    if y.shape != expected or scale.shape != outputs or noise_floor.shape != ():
        raise BundleError(
            f"the answers of the golden set {shown} are {y.shape}, expected {expected}; {AGAIN}"
        )
    is_finite = all(np.isfinite(array).all() for array in (x, y, scale, noise_floor))
    if not is_finite or (scale < 0).any():
        raise BundleError(
            f"the golden set {shown} holds values that are not finite, or a negative scale; {AGAIN}"
        )
    lengths = arrays.get(f"{name}.{LENGTHS}")
    if lengths is not None and not _are_lengths(lengths, x):
        raise BundleError(
            f"the lengths of the golden set {shown} are not one a row, from 1 to {seq}; {AGAIN}"
        )
    return GoldenSet(name, x, y, scale, float(noise_floor), lengths)


def _unfit_input(name: str, x: Array) -> BundleError:
    return BundleError(
        f"the inputs of the golden set {name} are {x.dtype} {x.shape}, "
        f"which the model does not take; {AGAIN}"
    )


def _are_lengths(lengths: Array, x: Array) -> bool:
    batch, seq, _ = x.shape
    if lengths.dtype != np.int64 or lengths.shape != (batch,):
        return False
    return bool((lengths >= 1).all() and (lengths <= seq).all())
