"""Export to a NumPy archive, for devices without onnxruntime.

An `.npz` that `numpy.load` reads: the arrays under their PyTorch names, and the chain and signature
as JSON in bytes beside them. It runs in numpy alone, as does every bundle with the engine `numpy`.
Law: `read(export(model)) == model`, bit for bit.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import BundleError, InputError, LstmExportError, with_step
from ..files import write_bytes
from .target import differences_between

if TYPE_CHECKING:
    from ..device import NumpyRunner
    from ..model import Model

suffix = ".npz"
extra = "export"
needs = ""

RECORD = "lstm_export"  # stages' arrays have a dot in their names

_HOLDS_RECORD = re.compile(rb"PK\x03\x04.{26}lstm_export\.npy", re.DOTALL)


def export(model: Model, path: Path) -> None:
    """Write the arrays with the chain and the signature beside them.

    Raises:
        UnsupportedModel: the engine cannot express a stage.
    """
    import numpy as np

    from ..bundle.arrays import pack_arrays
    from ..device import numpy_runner

    numpy_runner(model)  # raises where the engine cannot express a stage
    record = {"chain": model.chain_record(), "signature": model.signature.to_record()}
    text = json.dumps(record, sort_keys=True).encode("ascii")
    text += b" " * (-len(text) % 4)  # the archive holds numbers, here four characters each
    packed_record = np.frombuffer(text, "<i4")  # (characters / 4,)
    write_bytes(path, pack_arrays({**model.arrays, RECORD: packed_record}))


def load(data: bytes, providers: tuple[str, ...] = ()) -> NumpyRunner:
    """Open the artifact; nothing but numpy is imported."""
    if providers:
        raise InputError(
            f"providers are for ONNX Runtime; numpy runs on the CPU, not on {', '.join(providers)}"
        )
    return from_model(read(data))


def from_model(model: Model, artifact: bytes | None = None) -> NumpyRunner:
    """The engine of a bundle, from its weights."""
    from ..device import numpy_runner

    return numpy_runner(model)


def read(data: bytes) -> Model:
    """The model in the file.

    Raises:
        BundleError: it is damaged, or holds no model that this version knows.
    """
    from ..bundle.arrays import unpack_arrays
    from ..model import Model, Signature

    arrays = unpack_arrays(data)
    try:
        record: dict[str, Any] = json.loads(arrays.pop(RECORD).tobytes())
        signature = Signature.from_record(record["signature"])
        return Model.from_record(record["chain"], arrays, signature)
    except (
        LstmExportError,
        ArithmeticError,
        AttributeError,
        KeyError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        reason = f"the archive describes no valid model: {error}"
        raise BundleError(with_step(reason, "export it again")) from error


def differs_from(model: Model, data: bytes) -> str:
    """How the model in the file differs from its bundle's, of which the engine is made."""
    return differences_between(model, read(data))


def recognises(data: bytes) -> bool:
    """A zip that holds this target's record."""
    return data.startswith(b"PK\x03\x04") and _HOLDS_RECORD.search(data) is not None
