"""Export to TorchScript, for existing libtorch programs.

Scripted, with dynamic batch and sequence.
The archive loads with plain `torch.jit.load`; nothing of this package is needed there.
Opening an archive runs what is in it: open your own only.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BundleError, InputError, UnsupportedModel, require
from ..files import write_bytes

if TYPE_CHECKING:
    from ..model import Array, Model, Runner, Signature

suffix = ".torchscript"
extra = "export"
needs = "torch"
runs_code = "opening it runs the code in it"
note = (
    "PyTorch has deprecated TorchScript and leaves it out of Python 3.14; "
    "prefer onnx for new devices"
)

# Beside the code in the archive: the chain and the signature.
RECORD = "lstm_export.json"

# oneDNN, in which torch runs an LSTM, keeps a program for each shape that it met, half a megabyte
# each, 1,024 of them unless it is told otherwise before its first use.
ONEDNN_CAPACITY = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
FEW_PROGRAMS = "16"

_CONSTANTS = re.compile(rb"(?: +\w+ : Final\[.*\n)+")  # lines of a class, one after the other
# Records that torch's writer adds by itself: the version under one of two names, and others.
_VERSIONS = ("version", ".data/version")
_WRITTEN_LAST = ("byteorder", ".data/serialization_id")


def export(model: Model, path: Path) -> None:
    """Write `model` as a scripted module.

    Raises:
        UnsupportedModel: this Python is one on which torch has no TorchScript.
    """
    if sys.version_info >= (3, 14):
        this = sys.version.split()[0]
        raise UnsupportedModel(f"TorchScript needs Python 3.13 or older, this is {this}; use onnx")
    torch = require("torch", "export", "writing TorchScript")
    from ..model.torch_module import to_module

    record = {"chain": model.chain_record(), "signature": model.signature.to_record()}
    archive = io.BytesIO()
    beside = {RECORD: json.dumps(record)}
    with _deprecation_said_elsewhere():
        torch.jit.save(torch.jit.script(to_module(model)), archive, _extra_files=beside)
    write_bytes(path, _in_fixed_order(archive.getvalue()))


def _in_fixed_order(data: bytes) -> bytes:
    """The archive with the constants of each class in the order of their names.

    torch writes them in the order of a set, which follows PYTHONHASHSEED; everything else is the
    same every time.
    """
    import torch

    reader = torch._C.PyTorchFileReader(io.BytesIO(data))
    sorted_archive = io.BytesIO()
    writer = torch._C.PyTorchFileWriter(sorted_archive)
    for name in reader.get_all_records():
        record = reader.get_record(name)
        if name in _VERSIONS:
            writer.set_min_version(int(record))
        if name in (*_VERSIONS, *_WRITTEN_LAST):
            continue
        if name.endswith(".py"):
            record = _CONSTANTS.sub(_sorted_lines, record)
        writer.write_record(name, record, len(record))
    writer.write_end_of_file()
    return sorted_archive.getvalue()


def _sorted_lines(block: re.Match[bytes]) -> bytes:
    return b"".join(sorted(block[0].splitlines(keepends=True)))


def load(data: bytes, providers: tuple[str, ...] = ()) -> TorchScriptRunner:
    """Open the artifact in torch on the CPU; memory does not follow the number of lengths."""
    if providers:
        asked = ", ".join(providers)
        reason = "providers are for ONNX Runtime"
        raise InputError(f"{reason}; TorchScript runs on the CPU, not on {asked}")
    os.environ.setdefault(ONEDNN_CAPACITY, FEW_PROGRAMS)
    return TorchScriptRunner(*_open(data))


class TorchScriptRunner:
    """A Runner over a TorchScript archive.

    Attributes:
        signature: the interface recorded in the archive.
    """

    def __init__(self, module: Any, record: dict[str, Any]) -> None:
        from ..model import Signature
        from ..model.torch_module import eager

        self.signature: Signature = Signature.from_record(record["signature"])
        self._run: Runner = eager(module)

    def __call__(self, x: Array) -> Array:
        return self._run(x)


def read(data: bytes) -> Model:
    """The model in the archive: the weights as torch loads them, the chain as it was recorded.

    Raises:
        UnsupportedModel: the archive has no such record, or record and weights do not fit.
    """
    from ..model import Model, Signature
    from ..model.torch_module import child_name

    module, record = _open(data)
    chain = record["chain"]
    names = {}  # of the stages, by what torch calls their modules
    for index, stage in enumerate(chain):
        names[child_name(index, stage["name"])] = stage["name"]
    arrays: dict[str, Array] = {}
    for key, tensor in module.state_dict().items():
        if not tensor.numel():
            continue
        *modules, array = key.split(".")  # such as 0_lstm, module, rnn, weight_ih_l0
        owners = [names[part] for part in modules if part in names]
        owner = owners[-1] if owners else ""
        arrays[f"{owner}.{array}"] = tensor.numpy()
    return Model.from_record(chain, arrays, Signature.from_record(record["signature"]))


def recognises(data: bytes) -> bool:
    """A zip archive with TorchScript's constants and code."""
    if not data.startswith(b"PK"):
        return False
    try:
        entries = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except zipfile.BadZipFile:
        return False
    has_code = any("/code/" in name for name in entries)
    has_constants = any(name.endswith("/constants.pkl") for name in entries)
    return has_code and has_constants


def _open(data: bytes) -> tuple[Any, dict[str, Any]]:
    """The scripted module and the record beside it."""
    torch = require("torch", "export", "running TorchScript")
    extra_files = {RECORD: ""}
    try:
        with _deprecation_said_elsewhere():
            module = torch.jit.load(io.BytesIO(data), map_location="cpu", _extra_files=extra_files)
    except (RuntimeError, ValueError) as error:
        said = str(error).splitlines()[0]
        fault = f"torch cannot open this TorchScript archive: {said}"
        raise BundleError(f"{fault}; copy it again, or export it again") from error
    try:
        record = json.loads(extra_files[RECORD])
        return module, {"chain": record["chain"], "signature": record["signature"]}
    except (ValueError, KeyError, TypeError) as error:
        fault = "this TorchScript archive was not written by lstm-export"
        raise UnsupportedModel(f"{fault}: no {RECORD} in it") from error


@contextmanager
def _deprecation_said_elsewhere() -> Iterator[None]:
    """Silence torch's deprecation warnings: `note` says it, once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        yield
