"""A model with what is known of it, written as this package's own model.pt (see `stored_models`) and read from any."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CheckpointError, UnsupportedModel
from ..files import write_bytes
from ..model import Array, Model
from .read import read_contents
from .state_dict import assume_chain
from .stored_models import FORMAT_VERSION
from .tensor_values import LARGEST_WEIGHTS

if TYPE_CHECKING:
    from torch import Tensor

ASSUMED = (
    "the chain is assumed from names and shapes, batch_first=True, no activation between: a state_dict does not hold "
    "the forward; export the live module to prove it"
)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A model and what is known of it besides.

    Attributes:
        model: the chain.
        windows: real inputs `(n, window, input_size)` in raw units, or None.
        facts: how it was trained, JSON-ready; empty where unknown.
        notes: what a user should know, such as weights that were cast.
        source: the file that it was read from.
    """

    model: Model
    windows: Array | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    source: Path | None = None

    @property
    def remarks(self) -> tuple[str, ...]:
        """The notes, and that the chain is assumed where it is."""
        return (*self.notes, ASSUMED) if self.model.origin == "assumed" else self.notes


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write model.pt, whole or not at all."""
    import torch

    model, windows = checkpoint.model, checkpoint.windows
    content = {
        "format_version": FORMAT_VERSION,
        "state_dict": {name: torch.tensor(array) for name, array in model.arrays.items()},
        "chain": model.chain_record(),
        "signature": model.signature.to_record(),
        "facts": dict(checkpoint.facts),
        "windows": None if windows is None else torch.tensor(windows),
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a model file of any known format, running nothing that it holds.

    Raises:
        CheckpointError: the file cannot be read or is not a checkpoint; the message says what it is.
        UnsupportedModel: it was read, and holds another kind of network.
    """
    contents = read_contents(path)
    try:
        model = contents.model or assume_chain(contents.arrays)
    except (CheckpointError, UnsupportedModel) as error:
        raise type(error)(f"{path}: {error}") from error
    return Checkpoint(model, contents.windows, contents.facts, contents.notes, path)


def from_state_dict(state_dict: Mapping[str, Any]) -> Checkpoint:
    """The chain that a state_dict in memory suggests."""
    return _bare(state_dict)


def _bare(content: Mapping[str, Any]) -> Checkpoint:
    arrays, notes = _arrays(content)
    return Checkpoint(assume_chain(arrays), notes=notes)


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
