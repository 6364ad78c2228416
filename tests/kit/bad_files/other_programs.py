"""Files that another program wrote, or no program at all."""

from __future__ import annotations

import gzip
import io
import pickle
from collections.abc import Callable

import numpy as np

from lstm_export.device.onnx_metadata import SIGNATURE
from tests.kit.checkpoint_files import (
    foreign,
    zipped,
)

from .case import Case


def _onnx(says: str = "") -> bytes:
    """An ONNX file of one node, with this key in its metadata."""
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
    made = helper.make_model(graph)
    helper.set_model_props(made, {says: "{}"})
    return bytes(made.SerializeToString())


def _onnx_outside() -> bytes:
    """An ONNX file that calls itself ours, with weights in a file beside it, which it names by its
    path.
    """
    from onnx import TensorProto, helper

    weights = TensorProto(name="w", data_type=1, dims=[1], data_location=TensorProto.EXTERNAL)
    weights.external_data.add(key="location", value="/etc/passwd")
    forged = helper.make_model(helper.make_graph([], "g", [], [], [weights]))
    helper.set_model_props(forged, {SIGNATURE: "{}"})
    return bytes(forged.SerializeToString())


def _npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def _text(*lines: str) -> Callable[[], bytes]:
    return lambda: "\n".join(lines).encode()


def _start(data: bytes, size: int = 600) -> Callable[[], bytes]:
    return lambda: data + bytes(range(1, 256)) * (size // 255)


OTHER_FILES: list[Case] = [
    ("empty", lambda: b"", "the file is empty"),
    ("zeros alone, of a failed download", lambda: bytes(4096), "zeros alone"),
    (
        "a Git LFS pointer",
        _text("version https://git-lfs.github.com/spec/v1", "size 1"),
        "git lfs pull",
    ),
    ("a web page", _text("<!DOCTYPE html>", "<html><body>404</body></html>"), "web page"),
    (
        "an error of a file store",
        _text('<?xml version="1.0"?>', "<Error>AccessDenied</Error>"),
        "XML",
    ),
    ("a table as text", _text("epoch,loss", "1,0.5"), "is text"),
    ("a configuration", _text('{"hidden_size": 50}'), "JSON"),
    ("source code", _text("import torch", "class Model: ..."), "source code"),
    ("text in UTF-16", lambda: "epoch".encode("utf-16"), "UTF-16"),
    ("unknown bytes", lambda: bytes(range(1, 256)) * 4, "unknown kind"),
    ("HDF5 (Keras, MATLAB)", _start(b"\x89HDF\r\n\x1a\n"), "HDF5"),
    (
        "Keras' .keras",
        lambda: zipped({"config.json": b"{}", "model.weights.h5": b""}),
        "comes from Keras.*kernel.T",
    ),
    (
        "a pickled Keras model",
        lambda: b"\x80\x02" + foreign("keras.models.Sequential", {}) + b".",
        "comes from Keras.*kernel.T",
    ),
    ("a TensorFlow Lite model", _start(b"\x1c\0\0\0TFL3"), "TensorFlow Lite"),
    ("a zipped TensorFlow SavedModel", lambda: zipped({"m/saved_model.pb": b""}), "SavedModel"),
    (
        "a pickled scikit-learn model",
        lambda: b"\x80\x02" + foreign("sklearn.svm.SVR", {}) + b".",
        "scikit-learn",
    ),
    (
        "a pickled model of trees",
        lambda: b"\x80\x02" + foreign("xgboost.sklearn.XGBRegressor") + b".",
        "trees",
    ),
    ("a pickled pandas table", lambda: b"\x80\x02" + foreign("pandas.DataFrame") + b".", "pandas"),
    ("another program's pickle", lambda: pickle.dumps([1, 2, 3]), "holds a list without tensors"),
    ("a numpy array", _npy, "numpy array"),
    ("numpy arrays, .npz", lambda: zipped({"x.npy": b"", "y.npy": b""}), "npz"),
    ("GGUF", _start(b"GGUF\x03"), "GGUF"),
    ("an ONNX file of another program", _onnx, "ONNX of another program"),
    ("an ONNX file with weights elsewhere", _onnx_outside, "external data"),
    ("an ONNX file of ours, cut", lambda: _onnx(SIGNATURE)[:-1], "looks like ONNX.*cut short"),
    ("an ExecuTorch program", _start(b"\x1c\0\0\0ET12"), "ExecuTorch"),
    (
        "a torch.export program",
        lambda: zipped({"m/archive_format": b"pt2", "m/models/m.json": b""}),
        "torch.export",
    ),
    ("a torch.package archive", lambda: zipped({"p/.data/extern_modules": b""}), "torch.package"),
    ("a TensorRT engine", _start(b"ftrt"), "TensorRT"),
    ("a zip around a checkpoint", lambda: zipped({"run/best.pth": b""}), "best.pth.*unpack"),
    ("another zip", lambda: zipped({"a.txt": b""}), "without a data.pkl"),
    ("an office document", lambda: zipped({"[Content_Types].xml": b""}), "office"),
    ("gzip", lambda: gzip.compress(b"weights", mtime=0), "gunzip"),
    ("bzip2", _start(b"BZh9"), "bunzip2"),
    ("xz", _start(b"\xfd7zXZ\0"), "unxz"),
    ("Zstandard", _start(b"\x28\xb5\x2f\xfd"), "unzstd"),
    ("7-Zip", _start(b"7z\xbc\xaf\x27\x1c"), "7-Zip"),
    ("RAR", _start(b"Rar!\x1a\x07"), "RAR"),
    ("tar", lambda: b"model.pt".ljust(257, b"\0") + b"ustar" + bytes(300), "tar -xf"),
    ("a Parquet table", _start(b"PAR1"), "Parquet"),
    ("an Arrow table", _start(b"ARROW1"), "Arrow"),
    ("an SQLite database", _start(b"SQLite format 3\0"), "SQLite"),
    ("a MATLAB file", _start(b"MATLAB 5.0 MAT-file"), "MATLAB"),
    ("a picture", _start(b"\x89PNG\r\n"), "picture"),
    ("a PDF document", _start(b"%PDF-1.7"), "PDF"),
    ("a program", _start(b"\x7fELF"), "program"),
]
