"""A state_dict in memory as contents, as a file's are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import CheckpointError
from ..model import Array
from .contents import Contents
from .tensor_values import LARGEST_WEIGHTS

if TYPE_CHECKING:
    from torch import Tensor


def contents_of(state_dict: Mapping[str, Any], how: str = "state_dict in memory") -> Contents:
    """The tensors of a state_dict: floats as float32 arrays, whole numbers as buffers.

    Raises:
        CheckpointError: it holds something else, or a tensor claims more values than it stores.
    """
    import torch

    whole = {
        name: tensor
        for name, tensor in state_dict.items()
        if isinstance(tensor, torch.Tensor) and not tensor.is_floating_point() and tensor.layout == torch.strided
    }
    arrays, notes = _arrays({name: tensor for name, tensor in state_dict.items() if name not in whole})
    buffers = {name: tensor.detach().cpu().numpy() for name, tensor in whole.items()}
    return Contents(arrays, buffers, how, notes)


def _arrays(tensors: Mapping[str, Any]) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Dense float32 arrays, and a note where another float type was cast."""
    import torch

    arrays, cast, size = {}, set(), 0
    for name, tensor in tensors.items():
        if isinstance(tensor, Mapping):
            raise CheckpointError(
                f"the weights lie one level down, under {name!r}; save that part alone: "
                f'torch.save(checkpoint[{name!r}], "model.pt")'
            )
        if not isinstance(tensor, torch.Tensor):
            raise CheckpointError(f"{name!r} is a {type(tensor).__name__}, expected a state_dict of tensors alone")
        _check_dense(name, tensor)
        size += 4 * tensor.numel()
        if size > LARGEST_WEIGHTS:  # many names for one storage
            raise CheckpointError(f"its tensors hold more than {LARGEST_WEIGHTS:,} bytes; it was altered")
        if tensor.dtype != torch.float32:
            cast.add(str(tensor.dtype).removeprefix("torch."))
        arrays[name] = tensor.detach().cpu().to(torch.float32).numpy()
    return arrays, tuple(f"{dtype} weights were cast to float32" for dtype in sorted(cast))


def _check_dense(name: str, tensor: Tensor) -> None:
    """Refuse what claims more values than it stores: sparse, meta, quantized or expanded tensors, and non-floats."""
    import torch

    plain = tensor.layout == torch.strided and tensor.device.type != "meta" and not tensor.is_quantized
    if not plain or not tensor.is_floating_point():
        raise CheckpointError(f"{name!r} is {tensor.dtype} {tensor.layout}, expected a dense float tensor")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise CheckpointError(f"{name!r} claims {tensor.numel()} values and stores fewer; it was altered")
