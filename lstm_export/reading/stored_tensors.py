"""Tensors and numpy arrays as a pickle describes them, not yet read.

What torch calls to rebuild a tensor, and with which arguments: torch/_utils.py. What numpy calls:
its `__reduce__` methods of ndarray, dtype and scalars.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..model import Array
from .joblib_arrays import JOBLIB_ARRAY, numpy_dtype
from .pickle_records import Global, Instance, Persistent
from .torch_files import MAGIC_PICKLE, embedded_storage

MOST_AXES = 8
LARGEST_NUMPY = 2**16  # bytes of one numpy array beside the weights: 8,192 features of a scaler
_FARTHEST = 2**40  # no size, stride or offset is beyond it
_MOST_WRAPPERS = 4  # a parameter of a tensor of its own class

# Storage class -> torch's dtype.
_STORAGES = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
}
# torch's dtype -> numpy's. bfloat16 has no numpy type: it is the upper half of a float32.
NUMPY = {
    "float32": "f4",
    "float64": "f8",
    "float16": "f2",
    "bfloat16": "u2",
    "int64": "i8",
    "int32": "i4",
    "int16": "i2",
    "int8": "i1",
    "uint8": "u1",
    "bool": "?",
}

_NOT_DENSE = {
    "torch._utils._rebuild_sparse_tensor": "a sparse tensor; save it with .to_dense()",
    "torch._utils._rebuild_sparse_csr_tensor": "a sparse tensor; save it with .to_dense()",
    "torch._utils._rebuild_nested_tensor": "a nested tensor, whose rows differ in length",
    "torch._utils._rebuild_qtensor": "a quantized tensor; save the weights before quantizing",
    "torch._utils._rebuild_meta_tensor_no_storage": (
        "a meta tensor, which has a shape and no values; save it loaded"
    ),
    "torch._utils._rebuild_wrapper_subclass": (
        "a tensor of a class of its own; save it as a plain tensor"
    ),
    "torch.ScriptObject": "a script object",
}
_WRAPPED = (
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch._utils._rebuild_device_tensor_from_cpu_tensor",
    "torch.nn.parameter.Parameter",
)


@dataclass(frozen=True, eq=False)
class Tensor:
    """A tensor as the pickle describes it, not yet read.

    Attributes:
        dtype: torch's name of it.
        storage: the key of its storage.
        offset: index of its first value in the storage.
        shape, strides: in values.
        fault: why it is not a plain dense tensor; empty for one that is.
        data: the bytes of its storage as uint8, where the pickle itself holds them.
    """

    dtype: str = ""
    storage: str = ""
    offset: int = 0
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    fault: str = ""
    data: Array | None = None


def as_tensor(value: Any) -> Tensor | None:
    """The tensor that the pickle would have rebuilt, or None if `value` is something else."""
    for _ in range(_MOST_WRAPPERS):
        if not isinstance(value, Instance):
            return None
        args = _args(value)
        if value.kind in _WRAPPED and args:
            value = args[0]
        elif value.kind == "torch._tensor._rebuild_from_type_v2" and len(args) > 2:
            rebuild = args[0].name if isinstance(args[0], Global) else ""
            value = Instance(rebuild, args[2])
        else:
            return _plain_tensor(value.kind, args)
    return None


def _args(value: Instance) -> tuple[Any, ...]:
    return value.args if isinstance(value.args, tuple) else ()


def _plain_tensor(kind: str, args: tuple[Any, ...]) -> Tensor | None:
    if kind in _NOT_DENSE:
        return Tensor(fault=_NOT_DENSE[kind])
    if kind in ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor"):
        return _tensor(args, None)
    if kind == "torch._utils._rebuild_tensor_v3" and len(args) > 6:
        return _tensor(args, args[6])
    return None


def _tensor(args: tuple[Any, ...], dtype: Any) -> Tensor:
    """From `(storage, offset, shape, strides, ...)`.

    The storage is `("storage", class, key, device, size, view)`.
    """
    reference, data = _storage(args[0] if args else None)
    if not isinstance(reference, tuple) or len(reference) < 5 or len(args) < 4:
        return Tensor(fault="a tensor without a storage; it was altered")
    kind = reference[1]
    key = reference[2]
    offset = args[1]
    shape = _sizes(args[2])
    strides = _sizes(args[3])
    is_named = isinstance(key, str) and isinstance(offset, int)
    if not is_named or shape is None or strides is None:
        return Tensor(fault="a tensor of no sensible shape; it was altered")
    if len(shape) != len(strides) or len(shape) > MOST_AXES or not 0 <= offset < _FARTHEST:
        fault = f"a tensor of {len(shape)} axes and {len(strides)} strides; it was altered"
        return Tensor(fault=fault)
    found = _dtype_name(dtype or kind)
    if found not in NUMPY:
        expected = "expected float32, float64, float16 or bfloat16"
        return Tensor(fault=f"a tensor of type {found[:40]}, {expected}")
    return Tensor(found, key, offset + _view_offset(reference), shape, strides, data=data)


def _dtype_name(kind: Any) -> str:
    """torch's dtype of a dtype or a storage class."""
    name = kind.name.rpartition(".")[2] if isinstance(kind, Global) else "unknown"
    return _STORAGES.get(name, name)


def _storage(value: Any) -> tuple[Any, Array | None]:
    """How a tensor refers to its storage.

    And the storage itself, where `pickle.dump` wrote it into the pickle.
    """
    if isinstance(value, Persistent):
        return value.reference, None
    if isinstance(value, Instance) and value.kind == "torch.storage._load_from_bytes":
        match value.args:
            case (bytes(data),) if MAGIC_PICKLE in data[:32]:
                return embedded_storage(data)
    return None, None


def _view_offset(reference: tuple[Any, ...]) -> int:
    """Where a storage that is a view starts in its root, as files before torch 0.4 have it."""
    match reference:
        case (_, _, _, _, _, (_, int(offset), _), *_) if 0 <= offset < _FARTHEST:
            return offset
    return 0


def _sizes(value: Any) -> tuple[int, ...] | None:
    """A shape or strides: whole numbers that are not negative, below 2^40."""
    if isinstance(value, Instance) and value.kind == "torch.Size" and _args(value):
        value = _args(value)[0]
    if not isinstance(value, tuple | list) or len(value) > 64:
        return None
    whole = all(type(size) is int and 0 <= size < _FARTHEST for size in value)
    return tuple(value) if whole else None


def as_numpy(value: Any, largest: int = LARGEST_NUMPY) -> Array | None:
    """The numpy array or scalar that the pickle would have built, or None; no array of objects.

    Args:
        value: what the pickle describes.
        largest: bytes that the array may have.
    """
    if not isinstance(value, Instance):
        return None
    if value.kind == JOBLIB_ARRAY:
        return _from_joblib(value, largest)
    return _from_numpy(value, largest)


def _from_numpy(value: Instance, largest: int) -> Array | None:
    """An array or scalar by what its `__reduce__` names."""
    module, _, name = value.kind.rpartition(".")
    if not module.startswith(("numpy.core.", "numpy._core.")):
        return None
    match name, value.state, value.args:
        case "_reconstruct", (_, shape, dtype, fortran, data), _:
            return _from_bytes(data, dtype, shape, "F" if fortran is True else "C", largest)
        case "_frombuffer", _, (data, dtype, shape, order):
            return _from_bytes(data, dtype, shape, "F" if order == "F" else "C", largest)
        case "scalar", _, (dtype, data):
            return _from_bytes(data, dtype, (), "C", largest)
    return None


def _from_joblib(value: Instance, largest: int) -> Array | None:
    """An array of joblib, whose bytes follow its wrapper in the stream."""
    match value.state, value.args:
        case {"shape": shape, "order": order, "dtype": dtype}, (bytes(data),):
            return _from_bytes(data, dtype, shape, "F" if order == "F" else "C", largest)
    return None


def _from_bytes(data: Any, dtype: Any, shape: Any, order: Any, largest: int) -> Array | None:
    sizes = _sizes(shape)
    kind = numpy_dtype(dtype)
    if sizes is None or kind is None or len(sizes) > MOST_AXES:
        return None
    size_bytes = prod(sizes) * kind.itemsize
    if size_bytes > largest:
        return None
    raw = _bytes(data, largest)
    if raw is None or len(raw) != size_bytes:
        return None
    return np.frombuffer(raw, kind).reshape(sizes, order=order)


def _bytes(value: Any, largest: int) -> bytes | None:
    """Bytes, also as protocol 2 writes them: the text of their latin-1 values."""
    if isinstance(value, bytes):
        return value
    text: Any = value  # a plain text is Python 2's
    if isinstance(value, Instance) and value.kind == "_codecs.encode" and _args(value):
        text = _args(value)[0]
    if not isinstance(text, str) or len(text) > largest:
        return None
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return None
