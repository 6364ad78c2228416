"""Export to TorchScript, for existing libtorch programs.

Scripted, with dynamic batch and sequence.
The archive loads with plain `torch.jit.load`; nothing of this package is needed there.
Opening an archive runs what is in it: open your own only.
"""

from __future__ import annotations

import io
import json
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
note = "PyTorch has deprecated TorchScript and leaves it out of Python 3.14; prefer onnx for new devices"

# Beside the code in the archive: the chain and the signature.
RECORD = "lstm_export.json"


def export(model: Model, path: Path) -> None:
    """Write `model` as a scripted module.

    Raises:
        UnsupportedModel: this Python is one on which torch has no TorchScript.
    """
    if sys.version_info >= (3, 14):
        raise UnsupportedModel(
            f"TorchScript needs Python 3.13 or older, this is {sys.version.split()[0]}; use onnx"
        )
    torch = require("torch", "export", "writing TorchScript")
    from ..model.torch_module import to_module

    record = {"chain": model.chain_record(), "signature": model.signature.to_record()}
    archive = io.BytesIO()
    with _deprecation_said_elsewhere():
        torch.jit.save(
            torch.jit.script(to_module(model)), archive, _extra_files={RECORD: json.dumps(record)}
        )
    write_bytes(path, archive.getvalue())


def load(data: bytes, providers: tuple[str, ...] = ()) -> TorchScriptRunner:
    """Open the artifact in torch on the CPU."""
    if providers:
        raise InputError(
            f"providers are for ONNX Runtime; TorchScript runs on the CPU, not on {', '.join(providers)}"
        )
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
    """The model in the archive: the weights as torch loads them, the chain as it was recorded beside the code.

    Raises:
        UnsupportedModel: the archive has no such record, or record and weights do not fit.
    """
    from ..model import Model, Signature
    from ..model.torch_module import child_name

    module, record = _open(data)
    names = {
        child_name(index, stage["name"]): stage["name"]
        for index, stage in enumerate(record["chain"])
    }
    arrays: dict[str, Array] = {}
    for key, tensor in module.state_dict().items():
        *path_to, array = key.split(".")  # such as 3_skip, body, 0_lstm, rnn, weight_ih_l0
        owner = next((names[part] for part in reversed(path_to) if part in names), "")
        arrays[f"{owner}.{array}"] = tensor.numpy()
    return Model.from_record(record["chain"], arrays, Signature.from_record(record["signature"]))


def recognises(data: bytes) -> bool:
    """A zip archive with TorchScript's constants and code."""
    if not data.startswith(b"PK"):
        return False
    try:
        entries = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except zipfile.BadZipFile:
        return False
    return any("/code/" in name for name in entries) and any(
        name.endswith("/constants.pkl") for name in entries
    )


def _open(data: bytes) -> tuple[Any, dict[str, Any]]:
    """The scripted module and the record beside it."""
    torch = require("torch", "export", "running TorchScript")
    extra_files = {RECORD: ""}
    try:
        with _deprecation_said_elsewhere():
            module = torch.jit.load(io.BytesIO(data), map_location="cpu", _extra_files=extra_files)
    except (RuntimeError, ValueError) as error:
        said = str(error).splitlines()[0]
        raise BundleError(
            f"torch cannot open this TorchScript archive: {said}; copy it again, or export it again"
        ) from error
    try:
        record = json.loads(extra_files[RECORD])
        return module, {"chain": record["chain"], "signature": record["signature"]}
    except (ValueError, KeyError, TypeError) as error:
        raise UnsupportedModel(
            f"this TorchScript archive was not written by lstm-export: no {RECORD} in it"
        ) from error


@contextmanager
def _deprecation_said_elsewhere() -> Iterator[None]:
    """Silence torch's deprecation warnings: `note` says it, once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", FutureWarning)
        yield
