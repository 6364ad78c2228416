"""A state_dict or a scaler in memory, as a file's are."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import CheckpointError, InputError
from ..model import Array
from .contents import Contents, FoundScaler
from .fitted_scalers import fitted_scaler
from .pickle_machine import interpret
from .pickle_records import Instance
from .tensor_values import LARGEST_WEIGHTS

if TYPE_CHECKING:
    from torch import Tensor


def contents_of(state_dict: Mapping[str, Any], how: str = "state_dict in memory") -> Contents:
    """The tensors of a state_dict: floats as float32 arrays, whole numbers as buffers.

    Raises:
        CheckpointError: it holds something else, or a tensor claims more values than it stores.
    """
    floats = {name: value for name, value in state_dict.items() if not _is_whole(value)}
    whole = {name: value for name, value in state_dict.items() if _is_whole(value)}
    arrays, notes = _arrays(floats)
    buffers = {name: tensor.detach().cpu().numpy() for name, tensor in whole.items()}
    return Contents(arrays, buffers, how, notes)


def scaler_in_memory(value: object) -> FoundScaler:
    """A fitted scaler of scikit-learn, or a pair `(offset, scale)` of arrays `(features,)`.

    Raises:
        InputError: it is neither.
    """
    if isinstance(value, tuple | list) and len(value) == 2:
        return _pair(*value)
    kind = type(value).__name__
    is_theirs = type(value).__module__.startswith("sklearn.")
    described = interpret(pickle.dumps(value)).value if is_theirs else None
    found = fitted_scaler(kind, described) if isinstance(described, Instance) else None
    if found is None:
        raise InputError(
            f"a {kind} is no scaler that is known here; give one of scikit-learn's, or its "
            "numbers as a pair (offset, scale): (x - offset) / scale"
        )
    return found


def _pair(first: object, second: object) -> FoundScaler:
    try:
        offset, scale = np.broadcast_arrays(
            np.atleast_1d(np.asarray(first, np.float64)),
            np.atleast_1d(np.asarray(second, np.float64)),
        )
    except (TypeError, ValueError) as error:
        raise InputError(
            "the pair (offset, scale) is no two arrays of numbers, one or as many; "
            "give such as (x.mean(0), x.std(0))"
        ) from error
    if offset.ndim != 1 or not np.isfinite(offset).all() or not np.isfinite(scale).all():
        raise InputError("the pair (offset, scale) has to hold a finite number a feature each")
    if not scale.all():
        raise InputError("the pair (offset, scale) has a scale of 0; give 1 for what never varies")
    return FoundScaler("scaler", "pair (offset, scale)", offset, scale)


def _is_whole(value: Any) -> bool:
    """Whether it is a dense tensor of integers or booleans."""
    import torch

    if not isinstance(value, torch.Tensor) or value.layout != torch.strided:
        return False
    return not value.is_floating_point()


def _arrays(tensors: Mapping[str, Any]) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Dense float32 arrays, and a note where another float type was cast."""
    import torch

    arrays: dict[str, Array] = {}
    cast_from: set[str] = set()
    size = 0  # bytes of all as float32
    for name, value in tensors.items():
        tensor = _as_dense(name, value)
        size += 4 * tensor.numel()
        if size > LARGEST_WEIGHTS:  # many names for one storage
            raise CheckpointError(
                f"its tensors hold more than {LARGEST_WEIGHTS:,} bytes; it was altered"
            )
        if tensor.dtype != torch.float32:
            cast_from.add(str(tensor.dtype).removeprefix("torch."))
        arrays[name] = tensor.detach().cpu().to(torch.float32).numpy()
    notes = tuple(f"{dtype} weights were cast to float32" for dtype in sorted(cast_from))
    return arrays, notes


def _as_dense(name: str, value: Any) -> Tensor:
    """The value, if it is a float tensor that stores every value that it claims.

    Sparse, meta, quantized and expanded tensors do not.
    """
    import torch

    if isinstance(value, Mapping):
        raise CheckpointError(
            f"the weights lie one level down, under {name!r}; save that part alone: "
            f'torch.save(checkpoint[{name!r}], "model.pt")'
        )
    if not isinstance(value, torch.Tensor):
        kind = type(value).__name__
        raise CheckpointError(f"{name!r} is a {kind}, expected a state_dict of tensors alone")
    is_plain = value.layout == torch.strided and value.device.type != "meta"
    if not is_plain or value.is_quantized or not value.is_floating_point():
        raise CheckpointError(
            f"{name!r} is {value.dtype} {value.layout}, expected a dense float tensor"
        )
    if value.numel() * value.element_size() > value.untyped_storage().nbytes():
        raise CheckpointError(
            f"{name!r} claims {value.numel()} values and stores fewer; it was altered"
        )
    return value
