"""Files that store the chain beside the weights: our own checkpoints and our own ONNX files.

A checkpoint is a plain `torch.save` dict, which `torch.load(weights_only=True)` opens too::

    format_version   1; raised when an older reader would misread the file
    state_dict       the arrays under their names, lstm.weight_ih_l0, ..., fc.weight, fc.bias
    chain            the stages without their arrays
    signature        names, units, ranges, window, horizon
    facts            metrics, seed, sha256 of the data, versions
    windows          a few real input windows (n, window, input_size) for verification, or None
"""

from __future__ import annotations

from typing import Any, BinaryIO

import numpy as np

from ..device.onnx_guard import MAX_BYTES, check_onnx
from ..device.onnx_metadata import SIGNATURE, carries_state
from ..errors import BundleError, CheckpointError, UnsupportedModel
from ..model import Array, Model, Signature
from .contents import Contents
from .stored_tensors import Tensor, as_tensor
from .tensor_values import read_arrays
from .torch_files import TorchFile

CHECKPOINT_FORMAT_VERSION = 1
_FIELDS = {"state_dict", "chain", "signature", "facts", "windows"}
_MOST_VALUES = 1_000_000
_DEEPEST = 32
_HEAD = 512  # bytes of an ONNX file that hold its producer
_PRODUCER_TAG = 0x12  # field 2, a text
_PRODUCERS = {
    "tf2onnx": (
        "give the PyTorch model, or copy the Keras weights into torch.nn.LSTM, whose gates have "
        "the same order: weight_ih_l0 = kernel.T, weight_hh_l0 = recurrent_kernel.T"
    ),
    "pytorch": "give the PyTorch checkpoint that it was made from, or export the live module",
}
_AGAIN = "train or save it again"


def is_own(file: TorchFile) -> bool:
    """Whether the root is a dict as `write_checkpoint` writes it, of whatever version."""
    root = file.root
    if not isinstance(root, dict) or "format_version" not in root:
        return False
    return "chain" in root or len(root) <= len(_FIELDS)


def read_own(file: TorchFile) -> Contents:
    """Our own checkpoint.

    Raises:
        CheckpointError: it is of another version, or its fields are not what `train` writes.
    """
    root = file.root
    _check_version(root["format_version"])
    missing = _FIELDS - set(root)
    if missing:
        raise CheckpointError(f"it lacks {', '.join(sorted(missing))}; {_AGAIN}")
    try:
        arrays, notes = _arrays(file, root["state_dict"])
        chain = _Plain().of(root["chain"])
        signature = _Plain().of(root["signature"])
        facts = dict(_Plain().of(root["facts"]))
        model = Model.from_record(chain, arrays, Signature.from_record(signature))
        windows = _windows(file, root["windows"])
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise CheckpointError(
            f"its fields are not what train writes ({error}); {_AGAIN}"
        ) from error
    if windows is not None:
        _check_windows(windows, model.signature.input_size)
    return Contents(
        arrays, how="own checkpoint", notes=notes, facts=facts, model=model, windows=windows
    )


def _check_version(version: Any) -> None:
    if type(version) is int and version == CHECKPOINT_FORMAT_VERSION:
        return
    said = version if isinstance(version, int | str) else "no number"
    raise CheckpointError(
        f"its format version is {said!a}, this lstm-export reads {CHECKPOINT_FORMAT_VERSION}; "
        "upgrade it"
    )


def _windows(file: TorchFile, stored: Any) -> Array | None:
    if stored is None:
        return None
    arrays, _ = _arrays(file, {"windows": stored})
    return arrays["windows"]


def _check_windows(windows: Array, width: int) -> None:
    if windows.ndim != 3 or not windows.size or windows.shape[-1] != width:
        raise CheckpointError(f"its windows are {windows.shape}, expected (n, window, {width})")


def _arrays(file: TorchFile, stored: Any) -> tuple[dict[str, Array], tuple[str, ...]]:
    tensors: dict[str, Tensor] = {}
    for name, value in stored.items():
        tensor = as_tensor(value)
        if not isinstance(name, str) or tensor is None:
            raise CheckpointError(f"its state_dict holds more than tensors; {_AGAIN}")
        tensors[name] = tensor
    arrays, buffers, notes = read_arrays(tensors, *file.bytes)
    if buffers:
        raise CheckpointError(f"{next(iter(buffers))!a} is no float tensor; {_AGAIN}")
    return arrays, notes


class _Plain:
    """A walk over plain values, which must be plain all through."""

    def __init__(self) -> None:
        self._count = 0

    def of(self, value: Any, depth: int = 0) -> Any:
        """Dicts, lists, texts and numbers as JSON has them."""
        self._count += 1
        if self._count > _MOST_VALUES or depth > _DEEPEST:
            raise ValueError("values nest without end")
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, list | tuple):
            return [self.of(each, depth + 1) for each in value]
        if isinstance(value, dict) and all(isinstance(key, str) for key in value):
            return {key: self.of(each, depth + 1) for key, each in value.items()}
        raise TypeError("a value is neither text nor number")


def looks_like_onnx(head: bytes) -> bool:
    """An ONNX file starts with field 1, the IR version, as a varint below 128."""
    return len(head) > 2 and head[0] == 0x08 and head[1] < 0x80


def read_onnx(file: BinaryIO) -> Contents:
    """The model in an ONNX file of ours.

    Raises:
        CheckpointError: it could reach beyond itself, or is damaged.
        UnsupportedModel: another program wrote it.
        MissingDependency: the onnx package is not installed.
    """
    if not _holds(file, SIGNATURE.encode()):
        file.seek(0)
        producer = _producer(file.read(_HEAD))
        raise UnsupportedModel(
            f"it looks like ONNX of {producer}, and lstm-export reads back its own alone; "
            f"{_PRODUCERS.get(producer, 'give the PyTorch checkpoint that it was made from')}"
        )
    file.seek(0)
    data = file.read(MAX_BYTES + 1)
    try:
        check_onnx(data)
    except BundleError as error:
        raise CheckpointError(f"it looks like ONNX, and is not read: {error}") from error
    from ..targets.onnx.reader import from_bytes

    model = from_bytes(data, stateful=carries_state(data))
    if not all(np.isfinite(array).all() for array in model.arrays.values()):
        raise CheckpointError(
            "its weights are not finite: the training diverged, or the file was damaged; "
            "export the model again"
        )
    return Contents(model.arrays, how="ONNX", model=model)


def _producer(head: bytes) -> str:
    """The name of the program that wrote an ONNX file: field 2, a text right after the version."""
    size = head[3] if len(head) > 3 and head[2] == _PRODUCER_TAG else 0
    name = head[4 : 4 + size]
    is_name = name.isascii() and name.decode("ascii").isprintable() if name else False
    return name.decode("ascii") if is_name else "another program"


def _holds(file: BinaryIO, text: bytes) -> bool:
    """Whether the bytes stand anywhere in the file, which is read in parts and never whole."""
    file.seek(0)
    tail = b""
    part = file.read(2**20)
    while part:
        if text in tail + part:
            return True
        tail = part[-len(text) :]
        part = file.read(2**20)
    return False
