"""Weights that a state_dict holds in pieces: pruned by a mask, or as a length and a direction.

torch computes such a weight anew in every forward; the chain takes the one that it computes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

import numpy as np

from ..errors import UnsupportedModel
from ..model import Array
from .listing import listed

_PARAMETRIZED = re.compile(r"((?:.*\.)?)parametrizations\.(\w+)\..+")
_HOOKED = re.compile(r"((?:.*\.)?)((?:weight|bias)\w*)_orig")


def _masked(weight: Array, mask: Array) -> Array | None:
    """`weight * mask`, as torch.nn.utils.prune computes it."""
    if weight.shape != mask.shape:
        return None
    with np.errstate(over="ignore"):  # a model refuses infinities
        return weight * mask


def _normed(g: Array, v: Array) -> Array | None:
    """`g * v / ||v||`, as torch.nn.utils.weight_norm computes it.

    The norm is taken over the axes along which g has size 1, or over all where g is one number:
    g is (rows, 1) for dim=0, the default.
    """
    is_whole = g.ndim == 0
    shape = (1,) * v.ndim if is_whole else g.shape
    fits = len(shape) == v.ndim and all(
        size in (1, full) for size, full in zip(shape, v.shape, strict=True)
    )
    if not fits or not v.size:
        return None
    axes = tuple(axis for axis, size in enumerate(shape) if size == 1)
    direction = v.astype(np.float64)
    norm = np.sqrt((direction**2).sum(axes, keepdims=True))
    if not norm.all():
        return None
    weight: Array = (g.reshape(shape) * direction / norm).astype(np.float32)
    return weight


@dataclass(frozen=True)
class _Form:
    """How torch keeps a weight in two tensors.

    Attributes:
        first: a pattern of the first tensor's name: what stands before the weight, the weight.
        second: the second tensor's name, made of the same.
        what: what the weight is, for people.
        compute: the weight from both; None where their shapes do not fit.
    """

    first: re.Pattern[str]
    second: str
    what: str
    compute: Callable[[Array, Array], Array | None]


_NORM = "computed from length and direction, as weight_norm does"
_FORMS = (
    _Form(re.compile(r"((?:.*\.)?)(\w+)_orig"), r"\1\2_mask", "pruned by its mask", _masked),
    _Form(re.compile(r"((?:.*\.)?)((?:weight|bias)\w*)_g"), r"\1\2_v", _NORM, _normed),
    _Form(
        re.compile(r"((?:.*\.)?)parametrizations\.(\w+)\.original0"),
        r"\1parametrizations.\2.original1",
        _NORM,
        _normed,
    ),
)


def with_computed(arrays: Mapping[str, Array]) -> tuple[dict[str, Array], tuple[str, ...]]:
    """The arrays with each weight as torch computes it, and a note on those of each kind.

    Raises:
        UnsupportedModel: a weight is computed in a way that is not known here.
    """
    computed = dict(arrays)
    notes: list[str] = []
    for form in _FORMS:
        computed, found = _joined(computed, form)
        if found:
            notes.append(f"{listed(found)}: {form.what}")
    _check_known(computed)
    return computed, tuple(notes)


def _joined(arrays: Mapping[str, Array], form: _Form) -> tuple[dict[str, Array], list[str]]:
    """The arrays with a weight in place of each pair of this form, and the names of those."""
    joined: dict[str, Array] = {}
    found: list[str] = []
    used: set[str] = set()
    for first, array in arrays.items():
        match = form.first.fullmatch(first)
        second = match.expand(form.second) if match else ""
        weight = form.compute(array, arrays[second]) if second in arrays else None
        if match is None or weight is None:
            joined[first] = array
            continue
        name = match[1] + match[2]
        joined[name] = weight
        found.append(name)
        used.add(second)
    return {name: array for name, array in joined.items() if name not in used}, found


def _check_known(arrays: Mapping[str, Array]) -> None:
    """Refuse a weight that is still in pieces."""
    for name in arrays:
        parametrized = _PARAMETRIZED.fullmatch(name)
        hooked = _HOOKED.fullmatch(name)
        if parametrized is not None:
            prefix, key = parametrized.groups()
            _refuse(prefix, key, "a parametrization", "parametrize.remove_parametrizations")
        if hooked is None:
            continue
        prefix, key = hooked.groups()
        if f"{prefix}{key}_u" in arrays:
            _refuse(prefix, key, "spectral_norm", "remove_spectral_norm")
        _refuse(prefix, key, "a hook that is not in the file", "prune.remove")


def _refuse(prefix: str, key: str, how: str, remove: str) -> NoReturn:
    module = prefix.rstrip(".") or "module"
    fault = f"{prefix}{key} is computed by {how}, which is not read here"
    step = f'torch.nn.utils.{remove}({module}, "{key}")'
    raise UnsupportedModel(f"{fault}; call {step} before saving, or export the live module")
