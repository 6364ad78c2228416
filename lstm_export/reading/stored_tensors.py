"""Tensors and numpy arrays as a pickle describes them, made into arrays from the bytes that are really there.

What torch calls to rebuild a tensor, and with which arguments: torch/_utils.py. What numpy calls: its
`__reduce__` methods of ndarray, dtype and scalars.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from ..model import Array
from .pickle_machine import Global, Instance, Persistent
from .torch_files import MAGIC_PICKLE, embedded_storage

MOST_AXES = 8
LARGEST_NUMPY = 2**16  # bytes of one numpy array beside the weights: 8,192 features of a scaler

# Storage class -> torch's dtype -> numpy's. bfloat16 has no numpy type: it is the upper half of a float32.
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
NUMPY = {"bfloat16": "u2", "bool": "?", "int64": "i8", "int32": "i4", "int16": "i2", "int8": "i1", "uint8": "u1"}
NUMPY |= {"float32": "f4", "float64": "f8", "float16": "f2"}

_NOT_DENSE = {
    "torch._utils._rebuild_sparse_tensor": "a sparse tensor; save it with .to_dense()",
    "torch._utils._rebuild_sparse_csr_tensor": "a sparse tensor; save it with .to_dense()",
    "torch._utils._rebuild_nested_tensor": "a nested tensor, whose rows differ in length",
    "torch._utils._rebuild_qtensor": "a quantized tensor; save the weights before quantizing",
    "torch._utils._rebuild_meta_tensor_no_storage": "a meta tensor, which has a shape and no values; save it loaded",
    "torch._utils._rebuild_wrapper_subclass": "a tensor of a class of its own; save it as a plain tensor",
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
    for _ in range(4):  # a parameter of a tensor of its own class
        if not isinstance(value, Instance):
            return None
        args = value.args if isinstance(value.args, tuple) else ()
        if value.kind in _WRAPPED and args:
            value = args[0]
        elif value.kind == "torch._tensor._rebuild_from_type_v2" and len(args) > 2:
            value = Instance(args[0].name if isinstance(args[0], Global) else "", args[2])
        elif value.kind in _NOT_DENSE:
            return Tensor(fault=_NOT_DENSE[value.kind])
        elif value.kind in ("torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor"):
            return _tensor(args, None)
        elif value.kind == "torch._utils._rebuild_tensor_v3" and len(args) > 6:
            return _tensor(args, args[6])
        else:
            return None
    return None


def _tensor(args: tuple[Any, ...], dtype: Any) -> Tensor:
    """`(storage, offset, shape, strides, ...)`, where the storage is `("storage", class, key, device, size, view)`."""
    reference, data = _storage(args[0] if args else None)
    if not isinstance(reference, tuple) or len(reference) < 5 or len(args) < 4:
        return Tensor(fault="a tensor without a storage; it was altered")
    kind, key, offset, shape, strides = reference[1], reference[2], args[1], _sizes(args[2]), _sizes(args[3])
    if not isinstance(key, str) or not isinstance(offset, int) or shape is None or strides is None:
        return Tensor(fault="a tensor of no sensible shape; it was altered")
    if len(shape) != len(strides) or len(shape) > MOST_AXES or not 0 <= offset < 2**40:
        return Tensor(fault=f"a tensor of {len(shape)} axes and {len(strides)} strides; it was altered")
    name = (dtype or kind).name.rpartition(".")[2] if isinstance(dtype or kind, Global) else "unknown"
    found = _STORAGES.get(name, name)
    if found not in NUMPY:
        return Tensor(fault=f"a tensor of type {found[:40]}, expected float32, float64, float16 or bfloat16")
    return Tensor(found, key, offset + _view_offset(reference), shape, strides, data=data)


def _storage(value: Any) -> tuple[Any, Array | None]:
    """How a tensor refers to its storage, and the storage itself where `pickle.dump` wrote it into the pickle."""
    if isinstance(value, Persistent):
        return value.reference, None
    if isinstance(value, Instance) and value.kind == "torch.storage._load_from_bytes":
        match value.args:
            case (bytes(data),) if MAGIC_PICKLE in data[:32]:
                return embedded_storage(data)
    return None, None


def _view_offset(reference: tuple[Any, ...]) -> int:
    """Where a storage that is a view starts in its root, as files before torch 0.4 have it."""
    view = reference[5] if len(reference) > 5 else None
    offset = view[1] if isinstance(view, tuple) and len(view) == 3 else 0
    return offset if isinstance(offset, int) and 0 <= offset < 2**40 else 0


def _sizes(value: Any) -> tuple[int, ...] | None:
    """A shape or strides: whole numbers that are not negative, below 2^40."""
    if isinstance(value, Instance) and value.kind == "torch.Size" and isinstance(value.args, tuple) and value.args:
        value = value.args[0]
    if not isinstance(value, tuple | list) or len(value) > 64:
        return None
    whole = all(isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**40 for size in value)
    return tuple(value) if whole else None


def as_numpy(value: Any) -> Array | None:
    """The numpy array or scalar that the pickle would have built, or None; none of object type."""
    if not isinstance(value, Instance):
        return None
    module, _, name = value.kind.rpartition(".")
    args = value.args if isinstance(value.args, tuple) else ()
    if not module.startswith(("numpy.core.", "numpy._core.")):
        return None
    if name == "_reconstruct" and isinstance(value.state, tuple) and len(value.state) == 5:
        _, shape, dtype, fortran, data = value.state
        return _from_bytes(data, dtype, shape, "F" if fortran is True else "C")
    if name == "_frombuffer" and len(args) == 4:
        return _from_bytes(args[0], args[1], args[2], "F" if args[3] == "F" else "C")
    if name == "scalar" and len(args) == 2:
        return _from_bytes(args[1], args[0], (), "C")
    return None


def _from_bytes(data: Any, dtype: Any, shape: Any, order: Any) -> Array | None:
    sizes, kind = _sizes(shape), _dtype(dtype)
    if sizes is None or kind is None or len(sizes) > MOST_AXES or prod(sizes) * kind.itemsize > LARGEST_NUMPY:
        return None
    raw = _bytes(data)
    if raw is None or len(raw) != prod(sizes) * kind.itemsize:
        return None
    return np.frombuffer(raw, kind).reshape(sizes, order=order)


def _dtype(value: Any) -> np.dtype[Any] | None:
    """`numpy.dtype("f8", ...)` with state `(3, "<", ...)`; numbers and booleans alone."""
    if not isinstance(value, Instance) or value.kind != "numpy.dtype" or not isinstance(value.args, tuple):
        return None
    code = value.args[0] if value.args else None
    order = value.state[1] if isinstance(value.state, tuple) and len(value.state) > 1 else "<"
    if code not in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"):
        return None
    return np.dtype((">" if order == ">" else "<") + str(code))


def _bytes(value: Any = None) -> bytes | None:
    """Bytes, also as protocol 2 writes them: the text of their latin-1 values."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):  # Python 2's
        text: Any = value
    elif isinstance(value, Instance) and value.kind == "_codecs.encode" and isinstance(value.args, tuple):
        text = value.args[0] if value.args else None
    else:
        return None
    try:
        return text.encode("latin-1") if isinstance(text, str) and len(text) <= LARGEST_NUMPY else None
    except UnicodeEncodeError:
        return None
