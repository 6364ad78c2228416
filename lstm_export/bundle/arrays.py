"""Arrays as an `.npz` that is the same bytes every time, read without trusting its headers.

The .npy format, version 1.0, is documented in numpy.lib.format. It is written here because numpy's
padding varies with its version, and read here because a header is only trusted once its size agrees
with the bytes that follow.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from math import prod

import numpy as np

from ..errors import BundleError
from ..model import Array
from .archive import AGAIN, pack, unpack

MAX_ARRAYS = 4096  # four a layer

_MAGIC = b"\x93NUMPY\x01\x00"
_LENGTH = struct.Struct("<H")  # of the header that follows
_START = len(_MAGIC) + _LENGTH.size
_ALIGNMENT = 64  # data begins at a multiple of it
_NPY = re.compile(
    re.escape(_MAGIC)
    + rb"(?P<length>..)"
    + rb"\{'descr': '(?P<dtype><[fi][48])', 'fortran_order': False, "
    + rb"'shape': \((?P<shape>[0-9, ]{0,200})\), \} {0,200}\n",
    re.DOTALL,
)


def pack_arrays(arrays: Mapping[str, Array]) -> bytes:
    """An `.npz` of float or integer arrays that `numpy.load` reads; equal ones give equal bytes."""
    files = {f"{name}.npy": _to_npy(array) for name, array in arrays.items()}
    return pack(files, max_entries=MAX_ARRAYS, fold_case=False)


def unpack_arrays(data: bytes) -> dict[str, Array]:
    """The inverse of `pack_arrays`: read-only arrays that share memory. Never unpickles.

    Raises:
        BundleError: as `unpack`, or an array's header does not agree with the bytes that are there.
    """
    files = unpack(data, max_entries=MAX_ARRAYS, fold_case=False)
    arrays = {}
    for name, content in files.items():
        arrays[name.removesuffix(".npy")] = _from_npy(name, content)
    return arrays


def _to_npy(array: Array) -> bytes:
    array = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
    header = _header(array.dtype, array.shape)
    return _MAGIC + _LENGTH.pack(len(header)) + header + array.tobytes()


def _header(dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> bytes:
    text = f"{{'descr': '{dtype.str}', 'fortran_order': False, 'shape': {shape}, }}"
    padding = " " * (-(_START + len(text) + 1) % _ALIGNMENT)
    return f"{text}{padding}\n".encode("ascii")


def _from_npy(name: str, content: bytes) -> Array:
    match = _NPY.match(content)
    if not match:
        raise _no_array(name)
    dtype = np.dtype(match["dtype"].decode())
    sizes = match["shape"].decode().replace(" ", "").split(",")
    shape = tuple(int(size) for size in sizes if size)
    start = match.end()  # of the numbers, right after the header
    header = content[_START:start]
    (length,) = _LENGTH.unpack(match["length"])
    if header != _header(dtype, shape) or length != len(header):
        raise _no_array(name)
    claimed = prod(shape) * dtype.itemsize
    held = len(content) - start
    if claimed != held:
        raise BundleError(
            f"{name} claims the shape {shape}, {claimed} bytes, but holds {held}; {AGAIN}"
        )
    try:
        return np.frombuffer(content, dtype, offset=start).reshape(shape)
    except ValueError as error:  # more axes than numpy has, or an empty array with an absurd one
        raise BundleError(f"{name} claims a shape that no array has: {error}; {AGAIN}") from error


def _no_array(name: str) -> BundleError:
    return BundleError(
        f"{name} is no array as this tool writes them (.npy 1.0, float or integer, C order); "
        f"{AGAIN}"
    )
