"""Every kind of file that is refused: what it is, how to make one, and what its sentence must say.

`docs/refused_checkpoints.md` is made of this table by `scripts/docs/make_refused.py`.
"""

from __future__ import annotations

import gzip
import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from lstm_export.device.onnx_runner import SIGNATURE
from tests.kit.checkpoint_files import (
    Rebuilt,
    checkpoint,
    foreign,
    model,
    old,
    pickled,
    rezipped,
    safetensors,
    saved,
    state,
    tensor,
    zipped,
)

Case = tuple[str, Callable[[], bytes], str]

ZEROS = bytes(32)  # eight float32


def _flipped(data: bytes) -> bytes:
    """One bit of a weight, as a bad disk or cable flips it."""
    place = data.index(state()["fc.weight"].numpy().tobytes())
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def _directory_bytes(data: bytes, offset: int, value: bytes) -> bytes:
    """The first entry of the zip directory changed."""
    place = data.index(b"PK\x01\x02") + offset
    return data[:place] + value + data[place + len(value) :]


def _one_more_name(data: bytes) -> bytes:
    """Two entries of one name: the directory of a second archive names the first entry of the other."""
    return data.replace(b"archive/data/s1", b"archive/data/s0")


def _overlapping() -> bytes:
    """Every entry of the directory points at the same bytes, as in the zip bomb of D. Fifield (2019)."""
    data = checkpoint(pickled({}), s0=ZEROS)
    places = [at for at in range(len(data)) if data.startswith(b"PK\x01\x02", at)]
    first = data[places[0] + 42 : places[0] + 46]
    return data[: places[1] + 42] + first + data[places[1] + 46 :]


def _many_entries() -> bytes:
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 46 * 0xFFFF, 4, 0)
    return b"PK\x03\x04" + bytes(46 * 0xFFFF) + end


def _many_objects() -> bytes:
    return checkpoint(b"\x80\x02](cos\nsystem\nq\x000" + b"h\x00)R" * 130_000 + b"e.")


def _nested_tuples() -> bytes:
    """A tuple of twice the tuple before, 40 times, as the key of a dict: hashing it takes 2**40 steps."""
    steps = b"".join(b"h%ch%c\x86q%c" % (index, index, index + 1) for index in range(40))
    return b"\x80\x02}(K\x01\x85q\x00" + steps + b"K\x01u."


def _long_class() -> bytes:
    """Joined again and again, a name that costs a few bytes each time would fill the memory."""
    return b"\x80\x02X" + struct.pack("<I", 2**20) + bytes(2**20) + b"q\x00h\x00\x93."


def _nested_modules() -> bytes:
    """TorchScript modules, each in the one before: their paths grow with the square of their number."""
    module = b"c__torch__\nM\n)\x81}U\x01a"
    files = {
        "m/data.pkl": b"\x80\x02" + module * 900 + b"N" + b"sb" * 900 + b".",
        "m/constants.pkl": b"",
    }
    return zipped(files)


def _doubling_lists() -> bytes:
    """A list of twice the list before, 40 times: walking it takes 2**40 steps."""
    steps = b"".join(b"](h%ch%ceq%c" % (index, index, index + 1) for index in range(40))
    return b"\x80\x02]q\x00" + steps + b"."


def _module() -> bytes:
    """The pickle of a module, as torch writes the parts of one."""
    return (
        b"\x80\x02"
        + foreign("models.LSTMModel", {"training": True, "_parameters": {}, "_modules": {}})
        + b"."
    )


def _own(**changes: Any) -> bytes:
    content = {
        "format_version": 1,
        "state_dict": {},
        "chain": [],
        "signature": {},
        "facts": {},
        "windows": None,
    }
    return saved({**content, **changes})


def _onnx(says: str = "") -> bytes:
    """An ONNX file of one node, with this key in its metadata."""
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", ends[:1], ends[1:])
    made = helper.make_model(graph)
    helper.set_model_props(made, {says: "{}"})
    return bytes(made.SerializeToString())


def _onnx_outside() -> bytes:
    """An ONNX file that calls itself ours, with weights in a file beside it, which it names by its path."""
    from onnx import TensorProto, helper

    weights = TensorProto(name="w", data_type=1, dims=[1], data_location=TensorProto.EXTERNAL)
    weights.external_data.add(key="location", value="/etc/passwd")
    forged = helper.make_model(helper.make_graph([], "g", [], [], [weights]))
    helper.set_model_props(forged, {SIGNATURE: "{}"})
    return bytes(forged.SerializeToString())


def _script_without_weights() -> bytes:
    files = {
        "m/data.pkl": b"\x80\x02c__torch__\nM\n)\x81}b.",
        "m/constants.pkl": b"\x80\x02).",
        "m/code/a.py": b"",
    }
    return zipped(files)


def _npy() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.zeros(3))
    return buffer.getvalue()


def _text(*lines: str) -> Callable[[], bytes]:
    return lambda: "\n".join(lines).encode()


def _start(data: bytes, size: int = 600) -> Callable[[], bytes]:
    return lambda: data + bytes(range(1, 256)) * (size // 255)


NAN = torch.tensor([1.0, float("nan")])
TOO_LARGE = torch.tensor([1.0, 1e300], dtype=torch.float64)
ENTRY = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}

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
        "Keras' own format",
    ),
    (
        "a pickled Keras model",
        lambda: b"\x80\x02" + foreign("keras.models.Sequential", {}) + b".",
        "Keras model",
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


DAMAGED: list[Case] = [
    ("cut at its end", lambda: saved(state())[:-200], "cut short or damaged"),
    ("cut in half", lambda: saved(state())[:900], "cut short or damaged"),
    ("something added at its end", lambda: saved(state()) + b"x", "bytes follow its end"),
    ("a flipped bit in a weight", lambda: _flipped(saved(state())), "checksum of .* does not fit"),
    (
        "a storage missing",
        lambda: checkpoint(pickled({"w": tensor((8,), (1,))})),
        "lacks its storage 's0'",
    ),
    (
        "a storage too short",
        lambda: checkpoint(pickled({"w": tensor((8,), (1,))}), s0=bytes(28)),
        "claims 8 values and stores fewer",
    ),
    (
        "compressed again",
        lambda: rezipped(saved(state()), lambda f: None, zipfile.ZIP_DEFLATED),
        "compressed zip",
    ),
    (
        "an encrypted zip",
        lambda: _directory_bytes(checkpoint(pickled({})), 8, b"\x01\0"),
        "encrypted",
    ),
    (
        "two entries of one name",
        lambda: _one_more_name(checkpoint(pickled({}), s0=ZEROS, s1=ZEROS)),
        "two entries named 'archive/data/s0'",
    ),
    ("entries that share bytes, a zip bomb", _overlapping, "share their bytes"),
    ("a zip of 65,535 empty entries", _many_entries, "zip archive of 65,535 entries"),
    (
        "two objects in one archive",
        lambda: zipped({"a/data.pkl": b"", "b/data.pkl": b""}),
        "2 entries named data.pkl",
    ),
    (
        "a pickle of 33 MB",
        lambda: checkpoint(b"\x80\x02X" + struct.pack("<I", 33 * 2**20) + bytes(33 * 2**20) + b"."),
        "expected at most",
    ),
    (
        "half a million opcodes",
        lambda: checkpoint(b"\x80\x02" + b"N" * 500_000 + b"."),
        "more than 400,000 opcodes",
    ),
    ("130,000 objects of other programs", _many_objects, "list without tensors.*130,000 values"),
    ("nested tuples, a hash bomb", lambda: checkpoint(_nested_tuples()), "nest without end"),
    ("nested lists, a walk without end", lambda: checkpoint(_doubling_lists()), "nest without end"),
    (
        "an integer of a million digits",
        lambda: checkpoint(b"\x80\x02\x8b" + struct.pack("<i", 10**6) + bytes(10**6)),
        "an integer of 1000000 bytes",
    ),
    (
        "a pickle that takes from an empty stack",
        lambda: checkpoint(b"\x80\x02\x85."),
        "its stack runs empty",
    ),
    (
        "a pickle that recalls nothing",
        lambda: checkpoint(b"\x80\x02h\x07."),
        "recalls what it never stored",
    ),
    (
        "a pickle of unknown opcodes",
        lambda: checkpoint(b"\x80\x02\xff."),
        "where an opcode is expected",
    ),
    (
        "a pickle that claims 4 GB of text",
        lambda: checkpoint(b"\x80\x02X\xff\xff\xff\xff."),
        "ends too soon",
    ),
    ("a class with a name of a megabyte", lambda: checkpoint(_long_class()), "by what is no name"),
    (
        "a memory of colliding numbers",
        lambda: checkpoint(b"Np%d\n." % (2**61 - 1)),
        "a number that is no index",
    ),
    ("modules nested without end", _nested_modules, "nest without end"),
    (
        "a name that would write to the terminal",
        lambda: saved({"a\x1b[2J": torch.zeros(1)}),
        "which no program does",
    ),
    ("an empty pickle", lambda: checkpoint(b""), "ends too soon"),
    (
        "an unknown byte order",
        lambda: rezipped(saved(state()), _middle_endian),
        "byte order is b'pdp'",
    ),
    ("cut, in the old format", lambda: old(state())[:-8], "a storage reaches beyond its end"),
    (
        "of torch before 0.1.2",
        lambda: old(state()).replace(b"M\xe9\x03", b"M\xe8\x03", 1),
        "before version 0.1.2",
    ),
    (
        "a pickle that refers outside of itself",
        lambda: pickled({"w": tensor((8,), (1,))}),
        "outside of it",
    ),
]


def _middle_endian(files: dict[str, bytes]) -> None:
    (name,) = (name for name in files if name.endswith("byteorder"))
    files[name] = b"pdp"


OBJECTS: list[Case] = [
    (
        "a whole pickled module",
        lambda: checkpoint(_module()),
        "whole pickled module .models.LSTMModel.; opening it would",
    ),
    (
        "a module within a dict",
        lambda: checkpoint(b"\x80\x02}U\x03net" + _module()[2:-1] + b"s."),
        "under 'net'",
    ),
    (
        "a payload that would run",
        lambda: checkpoint(b"\x80\x02cos\nsystem\nX\x04\0\0\0echo\x85R."),
        "os.system.*not run",
    ),
    (
        "a payload beside nothing",
        lambda: saved({"a": Rebuilt(print, "ran")}),
        "without tensors.*print under 'a'",
    ),
    ("a tensor alone", lambda: saved(torch.zeros(3)), "single tensor"),
    ("a list of numbers", lambda: saved([1, 2]), "list without tensors"),
    ("an optimizer alone", lambda: saved({"state": {}, "param_groups": []}), "optimizer"),
    ("an empty dict", lambda: saved({}), "dict without tensors"),
    (
        "several state_dicts",
        lambda: saved({"g": state(), "d": state()}),
        "'g' .6 tensors., 'd' .6 tensors.; choose",
    ),
    (
        "an LSTM apart from its head",
        lambda: saved({"lstm": model().lstm.state_dict(), "fc": model().fc.state_dict()}),
        "apart from its head.*join them",
    ),
    ("a TorchScript archive without weights", _script_without_weights, "holds no weights"),
    ("our own format, newer", lambda: _own(format_version=99), "format version is 99"),
    (
        "our own format, incomplete",
        lambda: saved({"format_version": 1, "state_dict": {}}),
        "lacks chain",
    ),
    (
        "our own format, with other fields",
        lambda: _own(signature={"input_size": 3}),
        "stored signature cannot be read",
    ),
]

VALUES: list[Case] = [
    (
        "NaN weights",
        lambda: saved(state(**{"fc.bias": NAN})),
        r"fc.bias\[1\] is nan: the training diverged",
    ),
    (
        "infinite weights",
        lambda: saved(state(**{"fc.bias": NAN.nan_to_num(float("inf"))})),
        "is inf",
    ),
    (
        "weights beyond float32",
        lambda: saved(state(**{"fc.bias": torch.tensor([1.0, 1e300], dtype=torch.float64)})),
        "cannot hold",
    ),
    (
        "integer weights",
        lambda: saved(state(**{"fc.bias": torch.zeros(2, dtype=torch.int64)})),
        "'fc.bias' is int64",
    ),
    (
        "complex weights",
        lambda: saved(state(**{"fc.bias": torch.zeros(2, dtype=torch.complex64)})),
        "ComplexFloat",
    ),
    (
        "float8 weights",
        lambda: saved(state(**{"fc.bias": torch.zeros(2).to(torch.float8_e4m3fn)})),
        "float8_e4m3fn",
    ),
    (
        "quantized weights",
        lambda: checkpoint(pickled({"w": Rebuilt(torch._utils._rebuild_qtensor)})),
        "quantized",
    ),
    (
        "sparse weights",
        lambda: saved(state(**{"fc.weight": torch.eye(2, 4).to_sparse()})),
        "sparse",
    ),
    (
        "meta tensors",
        lambda: saved(state(**{"fc.weight": torch.zeros(2, 4, device="meta")})),
        "meta tensor",
    ),
    (
        "expanded tensors",
        lambda: saved(state(**{"fc.weight": torch.zeros(1).expand(2, 4)})),
        "claims 8 values",
    ),
    (
        "tensors that overlap themselves",
        lambda: saved(state(**{"fc.weight": torch.zeros(5).as_strided((2, 4), (1, 1))})),
        "claims 8 values and stores fewer",
    ),
    (
        "2^31 values claimed",
        lambda: checkpoint(pickled({"w": tensor((2**31, 1), (0, 1))}), s0=ZEROS),
        "hold 8,589,934,592 bytes",
    ),
    (
        "one storage under 9,000 names",
        lambda: checkpoint(
            pickled({f"w{index}": tensor((8,), (1,)) for index in range(9000)}), s0=ZEROS
        ),
        "of 32; it was altered",
    ),
    (
        "11,000 tensors",
        lambda: checkpoint(
            pickled(
                {f"w{index}": tensor((), ()) for index in range(11_000)} | {"w": tensor((8,), (1,))}
            )
        ),
        "11,001 tensors, expected at most",
    ),
    (
        "a negative size",
        lambda: checkpoint(pickled({"w": tensor((-8,), (1,))}), s0=ZEROS),
        "no sensible shape",
    ),
    (
        "an offset too far",
        lambda: checkpoint(pickled({"w": tensor((8,), (1,), 1)}), s0=ZEROS),
        "stores fewer",
    ),
    (
        "nine axes",
        lambda: checkpoint(pickled({"w": tensor((1,) * 9, (1,) * 9)}), s0=ZEROS),
        "9 axes",
    ),
    (
        "a tensor without a storage",
        lambda: checkpoint(
            pickled({"w": Rebuilt(torch._utils._rebuild_tensor_v2, 1, 0, (8,), (1,), False, {})})
        ),
        "without a storage",
    ),
]

SAFETENSORS: list[Case] = [
    (
        "safetensors with a header that is no JSON",
        lambda: safetensors(b"{]"),
        "header is damaged .no JSON",
    ),
    (
        "safetensors with nested brackets",
        lambda: safetensors(b"{" + b'"a":[' * 20_000),
        "header is damaged .no JSON",
    ),
    (
        "safetensors with a header of 3 MB",
        lambda: safetensors(b"{" + b" " * (3 * 2**20)),
        "expected at most",
    ),
    (
        "safetensors with one name twice",
        lambda: safetensors(_twice(), bytes(8)),
        "a name stands there twice",
    ),
    (
        "safetensors that overlap",
        lambda: safetensors({"a": ENTRY, "b": ENTRY}, bytes(8)),
        "overlap, or leave a hole",
    ),
    ("safetensors, cut", lambda: safetensors({"a": ENTRY}, bytes(4)), "cut or altered"),
    (
        "safetensors of other sizes",
        lambda: safetensors({"a": {**ENTRY, "shape": [3]}}, bytes(8)),
        "claims 3 values",
    ),
    (
        "safetensors without types",
        lambda: safetensors({"a": {"shape": [2]}}, bytes(8)),
        "lacks dtype",
    ),
    (
        "safetensors of float8",
        lambda: safetensors({"a": {**ENTRY, "dtype": "F8_E4M3"}}, bytes(8)),
        "type 'F8_E4M3'",
    ),
    ("safetensors without tensors", lambda: safetensors({}, b""), "no tensors"),
    (
        "safetensors with NaN",
        lambda: safetensors({"a": ENTRY}, NAN.numpy().tobytes()),
        r"a\[1\] is nan",
    ),
]


def _twice() -> bytes:
    entry = json.dumps(ENTRY)
    return f'{{"a": {entry}, "a": {entry}}}'.encode()


GROUPS: dict[str, list[Case]] = {
    "Files of another kind": OTHER_FILES,
    "Damaged and altered files": DAMAGED,
    "Other objects than a state_dict": OBJECTS,
    "Weights that cannot be used": VALUES,
    "safetensors": SAFETENSORS,
}
CASES = {what: (make, message) for group in GROUPS.values() for what, make, message in group}
