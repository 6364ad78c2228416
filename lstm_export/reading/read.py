"""One reader for every kind of file: its first bytes say which one opens it, or why none does."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from ..errors import CheckpointError, UnsupportedModel
from .contents import Contents, FoundScaler
from .file_kinds import name_kind, name_unknown, name_zip
from .found_objects import sort_objects
from .json_files import looks_like_json, read_json
from .safetensors import looks_like_safetensors, read_safetensors
from .state_dicts import read_chosen
from .stored_models import is_own, looks_like_onnx, read_onnx, read_own
from .torch_files import MAGIC_PICKLE, TorchFile, open_old, open_pickle, open_zip
from .zip_entries import Archive

_TEXT_PICKLES = (b"ccollections\n", b"(dp", b"(lp")  # protocol 0 of a dict or a list
_NAME_A_FILE = "name a checkpoint, such as model.pt"


def read_contents(path: Path, key: str | None = None) -> Contents:
    """Read a model file of any known format, running and importing nothing that it holds.

    Args:
        path: the file.
        key: which state_dict to read where several lie in one file, such as `generator` or
            `models.0`; `.` joins all of them, each under its own path.

    Raises:
        CheckpointError: the file cannot be read, is no model, or holds several and `key` names
            none of them.
        UnsupportedModel: an ONNX file that this package did not write.
        MissingDependency: an ONNX file, and the onnx package is not installed.
    """
    path = Path(path)
    with _opened(path) as file:
        return _read(file, key)


def read_scalers(path: Path) -> tuple[FoundScaler, ...]:
    """The fitted scalers in a file of pickle, joblib or torch, running nothing that it holds; one
    alone is called by its class.

    Raises:
        CheckpointError: the file cannot be read, or is none of these.
    """
    with _opened(path) as file:
        opened = _open(file, file.read(4096))
        found = sort_objects(opened.root)
    return tuple(replace(scaler, name=scaler.name or scaler.kind) for scaler in found.scalers)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """The file, with its name in every error."""
    try:
        if path.is_dir():
            raise CheckpointError(_name_folder(path))
        if path.exists() and not path.is_file():
            raise CheckpointError(f"it is a device or a pipe; {_NAME_A_FILE}")
        with path.open("rb") as file, _collector_paused():
            yield file
    except (CheckpointError, UnsupportedModel) as error:
        raise type(error)(f"{path}: {error}{_beside(path)}") from error
    except OSError as error:
        raise CheckpointError(f"{path}: {error.strerror or error}; {_NAME_A_FILE}") from error


def _beside(path: Path) -> str:
    """Where the weights may be: darts saves MODEL.pt without them, and MODEL.pt.ckpt with them."""
    weights = path.parent / f"{path.name}.ckpt"  # of a folder such as /, which has no name, too
    return f"; beside it lies {weights}" if weights.is_file() else ""


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Else it would walk the records of a large pickle again and again: twice the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _read(file: BinaryIO, key: str | None) -> Contents:
    head = file.read(4096)
    length = file.seek(0, 2)
    if looks_like_safetensors(head, length):
        return read_safetensors(file, key)
    if looks_like_onnx(head):
        return read_onnx(file)
    if looks_like_json(head):
        return read_json(file, key)
    opened = _open(file, head)
    if is_own(opened):
        return read_own(opened)
    return read_chosen(opened, key)


def _open(file: BinaryIO, head: bytes) -> TorchFile:
    """What torch or pickle wrote."""
    if not head:
        raise CheckpointError("the file is empty; save it again")
    if head.startswith(b"PK\x03\x04"):
        return _open_archive(Archive(file))
    if head.startswith(b"\x80") and MAGIC_PICKLE in head[:32]:
        return open_old(file)
    if head.startswith((b"\x80", *_TEXT_PICKLES)):
        return open_pickle(file)
    raise CheckpointError(f"the file {name_kind(head) or name_unknown(head)}")


def _open_archive(archive: Archive) -> TorchFile:
    names = list(archive.entries)
    if not any(name.rpartition("/")[2] == "data.pkl" for name in names):
        raise CheckpointError(f"the file {name_zip(names)}")
    return open_zip(archive)


def _name_folder(path: Path) -> str:
    """What a folder is where a file is expected."""
    if (path / "saved_model.pb").exists():
        return "it is the folder of a TensorFlow SavedModel, expected a PyTorch checkpoint"
    if (path / ".metadata").exists():
        return (
            "it is the folder of a distributed checkpoint; make one file of it with "
            f"python -m torch.distributed.checkpoint.format_utils dcp_to_torch {path} model.pt"
        )
    if (path / "data.pkl").exists() or (path / "archive" / "data.pkl").exists():
        return "it is an unpacked checkpoint; give the file that was unpacked"
    return f"it is a folder; {_NAME_A_FILE}"
