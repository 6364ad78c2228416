"""Makers of checkpoint files, good and bad, for the tests of this folder and for scripts."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
nn = torch.nn


class LSTMModel(nn.Module):  # type: ignore[misc, name-defined]
    """The class of the README, as its user wrote it."""

    def __init__(
        self, input_size: int, hidden_size: int, output_size: int, num_layers: int = 1
    ) -> None:
        super().__init__()
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True)
        self.fc = nn.Linear(hidden_size, output_size)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[name-defined]
        return self.fc(self.lstm(x)[0][:, -1, :])


def model() -> LSTMModel:
    torch.manual_seed(0)
    return LSTMModel(3, 4, 2)


def state(**changes: Any) -> dict[str, Any]:
    return {**model().state_dict(), **changes}


def saved(value: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, **options)
    return buffer.getvalue()


def old(value: Any) -> bytes:
    """In the format before torch 1.6."""
    return saved(value, _use_new_zipfile_serialization=False)


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rezipped(
    data: bytes, change: Callable[[dict[str, bytes]], Any], method: int = zipfile.ZIP_STORED
) -> bytes:
    files = unzipped(data)
    change(files)
    return zipped(files, method)


def checkpoint(pickled: bytes, **storages: bytes) -> bytes:
    """A checkpoint with this `data.pkl`; storages are named by their keys, `s0` and so on."""
    return zipped(
        {
            "archive/data.pkl": pickled,
            **{f"archive/data/{key}": data for key, data in storages.items()},
        }
    )


class Stored:
    """A storage, as a pickle refers to it."""

    def __init__(self, key: str = "s0", kind: Any = torch.FloatStorage, count: int = 8) -> None:
        self.reference = ("storage", kind, key, "cpu", count)


class Rebuilt:
    """What a pickle calls to make an object."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> Any:
        return self.call


def tensor(
    shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0, **storage: Any
) -> Rebuilt:
    """A tensor of any claims, which no torch would make."""
    return Rebuilt(
        torch._utils._rebuild_tensor_v2, Stored(**storage), offset, shape, strides, False, {}
    )


class _Pickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        return value.reference if isinstance(value, Stored) else None


def pickled(value: Any, protocol: int = 2) -> bytes:
    """The pickle of anything made of the records above."""
    buffer = io.BytesIO()
    _Pickler(buffer, protocol).dump(value)
    return buffer.getvalue()


def foreign(name: str, state: Any = None) -> bytes:
    """The opcodes that make an object of a class of another program, with a state."""
    module, _, kind = name.rpartition(".")
    build = b"" if state is None else pickle.dumps(state, 2)[2:-1] + b"b"
    return f"c{module}\n{kind}\n".encode() + b")\x81" + build


def safetensors(header: Any, data: bytes = b"") -> bytes:
    import json

    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def joblib_dump(arrays: Mapping[str, Any]) -> bytes:
    """A dict of arrays as joblib 1.6 writes it: the values stand in the stream, padded to 16."""
    data = b"\x80\x02}("
    for name, array in arrays.items():
        order = "C" if array.flags.c_contiguous else "F"
        wrapped = {"shape": array.shape, "order": order, "dtype": array.dtype}
        wrapped |= {"allow_mmap": True, "numpy_array_alignment_bytes": 16}
        data += pickle.dumps(name, 2)[2:-1]
        data += foreign("joblib.numpy_pickle.NumpyArrayWrapper", wrapped)
        padding = 16 - (len(data) + 1) % 16
        data += bytes([padding]) + b"\xff" * padding + array.tobytes(order)
    return data + b"u."
