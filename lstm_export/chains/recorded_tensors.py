"""What is asked of torch's calls and tensors while they are recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..model import Array

if TYPE_CHECKING:
    import torch


def function_name(func: Any) -> str:
    """`lstm`, `__add__`, `relu_`; of a property its own name; of an operator the name without its
    overload."""
    name = str(func.__name__)
    if name == "__get__":
        name = str(func.__self__.__name__)
    return name.partition(".")[0]


def plain_name(name: str) -> str:
    """`__add__` is `add`, and so are `__iadd__` and `add_`."""
    if name.startswith("__i") and name not in ("__invert__", "__index__", "__int__"):
        name = name.replace("__i", "", 1)
    return name.strip("_")


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """Every tensor in nested tuples, lists and mappings."""
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from tensors_in(part)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from tensors_in(part)


def version(tensor: torch.Tensor) -> int:
    """How often it was changed in place; inference tensors do not count that."""
    return 0 if tensor.is_inference() else int(tensor._version)


def storage(tensor: torch.Tensor) -> int:
    """Which memory it lies in; views share it."""
    import torch

    if tensor.layout is not torch.strided:
        return id(tensor)
    return tensor.untyped_storage().data_ptr() or id(tensor)


def values_of(tensor: torch.Tensor) -> Array:
    """Its values as they are now."""
    import torch

    with torch._C.DisableTorchFunction():
        copy = tensor.detach().cpu()
        if copy.layout is not torch.strided or copy.is_quantized:
            copy = copy.dequantize() if copy.is_quantized else copy.to_dense()
        if copy.dtype == torch.bfloat16:
            copy = copy.float()
        return np.array(copy.resolve_conj().resolve_neg().numpy())
