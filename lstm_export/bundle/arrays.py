"""Arrays as an `.npz` that is the same bytes every time, read without trusting what its headers claim."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from math import prod

import numpy as np

from ..errors import BundleError
from ..model import Array
from .archive import pack, unpack

MAX_ARRAYS = 4096  # four a layer


def pack_arrays(arrays: Mapping[str, Array]) -> bytes:
    """An `.npz` of float or integer arrays that `numpy.load` reads; equal arrays give equal bytes."""
    files = {f"{name}.npy": _to_npy(array) for name, array in arrays.items()}
    return pack(files, max_entries=MAX_ARRAYS, fold_case=False)


def unpack_arrays(data: bytes) -> dict[str, Array]:
    """The inverse of `pack_arrays`: read-only arrays that share the archive's memory. Never unpickles.

    Raises:
        BundleError: as `unpack`, or an array's header does not agree with the bytes that are there.
    """
    files = unpack(data, max_entries=MAX_ARRAYS, fold_case=False)
    return {name.removesuffix(".npy"): _from_npy(name, content) for name, content in files.items()}


# The .npy format, version 1.0, as numpy.lib.format documents it. Written here because numpy's padding varies with
# its version, read here because a header is only trusted once its size agrees with the bytes that follow.
_NPY = re.compile(
    rb"\x93NUMPY\x01\x00(?P<length>..)"
    rb"\{'descr': '(?P<dtype><[fi][48])', 'fortran_order': False, 'shape': \((?P<shape>[0-9, ]{0,200})\), \} {0,200}\n",
    re.DOTALL,
)


def _to_npy(array: Array) -> bytes:
    array = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
    header = f"{{'descr': '{array.dtype.str}', 'fortran_order': False, 'shape': {array.shape}, }}"
    # Ten bytes stand before the header; data begins at a multiple of 64.
    header += " " * (-(10 + len(header) + 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode("ascii") + array.tobytes()


def _from_npy(name: str, content: bytes) -> Array:
    found = _NPY.match(content)
    if not found or found.end() % 64 or struct.unpack("<H", found["length"])[0] != found.end() - 10:
        raise BundleError(f"{name} is no array as this tool writes them (.npy 1.0, float or integer, C order)")
    dtype = np.dtype(found["dtype"].decode())
    shape = tuple(int(size) for size in found["shape"].decode().replace(" ", "").split(",") if size)
    claimed, there = prod(shape) * dtype.itemsize, len(content) - found.end()
    if claimed != there:
        raise BundleError(f"{name} claims the shape {shape}, {claimed} bytes, but holds {there}")
    try:
        return np.frombuffer(content, dtype, offset=found.end()).reshape(shape)
    except ValueError as error:  # more dimensions than numpy has, or an empty array with an absurd one
        raise BundleError(f"{name} claims a shape that no array has: {error}") from error
