"""model.pt: this package's own checkpoint, and bare state_dicts of the same layout.

The file is a plain `torch.save` dict that `torch.load(weights_only=True)` opens::

    format_version   1; raised when an older reader would misread the file
    state_dict       the arrays under their names, lstm.weight_ih_l0, ..., fc.weight, fc.bias
    chain            the stages without their arrays
    signature        names, units, ranges, window, horizon
    facts            metrics, seed, sha256 of the data, versions
    windows          a few real input windows (n, window, input_size) for verification, or None
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import CheckpointError, UnsupportedModel, require
from ..files import write_bytes
from ..model import Array, Model, Signature
from . import archive_guard
from .state_dict import assume_chain

if TYPE_CHECKING:
    from torch import Tensor

FORMAT_VERSION = 1
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
    """Read model.pt or a bare state_dict, running nothing that it holds.

    Raises:
        CheckpointError: the file cannot be read or is not a checkpoint; the message says what it is.
        UnsupportedModel: it was read, and holds another kind of network.
    """
    try:
        if path.stat().st_size > archive_guard.LARGEST_FILE:
            raise CheckpointError(f"{path} is larger than {archive_guard.LARGEST_FILE:,} bytes, the most that is read")
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror}; name a checkpoint, such as model.pt") from error
    try:
        archive_guard.check(data)
        content = _load(data)
        checkpoint = _own(content) if "format_version" in content else _bare(content)
    except (CheckpointError, UnsupportedModel) as error:
        raise type(error)(f"{path}: {error}") from error
    return replace(checkpoint, source=path)


def from_state_dict(state_dict: Mapping[str, Any]) -> Checkpoint:
    """The chain that a state_dict in memory suggests."""
    return _bare(state_dict)


def _load(data: bytes) -> dict[str, Any]:
    torch = require("torch", "export", "reading a checkpoint")
    try:
        content = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    except Exception as error:
        # Whatever a damaged pickle makes torch's reader raise, from IndexError to AssertionError; it runs nothing.
        # Not torch's own words: they urge to open the file without protection.
        raise CheckpointError(f"torch cannot read it ({type(error).__name__}): it is damaged or altered") from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise CheckpointError(f"it holds a {type(content).__name__}, expected a state_dict; {archive_guard.SNIPPET}")
    return content


def _own(content: dict[str, Any]) -> Checkpoint:
    version = content["format_version"]
    if not isinstance(version, int) or version != FORMAT_VERSION:
        raise CheckpointError(f"its format version is {version}, this lstm-export reads {FORMAT_VERSION}; upgrade it")
    missing = {"state_dict", "chain", "signature", "facts", "windows"} - set(content)
    if missing:
        raise CheckpointError(f"it lacks {', '.join(sorted(missing))}; train or save it again")
    try:
        arrays, notes = _arrays(content["state_dict"])
        model = Model.from_record(content["chain"], arrays, Signature.from_record(content["signature"]))
        windows = None if content["windows"] is None else _arrays({"windows": content["windows"]})[0]["windows"]
        facts = json.loads(json.dumps(dict(content["facts"])))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise CheckpointError(f"its fields are not what train writes ({error}); train or save it again") from error
    width = model.signature.input_size
    if windows is not None and (
        windows.ndim != 3 or not windows.size or windows.shape[-1] != width or not np.isfinite(windows).all()
    ):
        raise CheckpointError(f"its windows are {windows.shape}, expected finite (n, window, {width})")
    return Checkpoint(model, windows, facts, notes)


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
        if size > archive_guard.LARGEST_FILE:  # many names for one storage
            raise CheckpointError(f"its tensors hold more than {archive_guard.LARGEST_FILE:,} bytes; it was altered")
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
