"""Arrays with an entry a row or a window, which may outgrow memory, and walks over them.

Above a size they are mapped from files without a name in the folder of temporary files (TMPDIR):
the system writes their pages to disk when it needs the memory, and the files go with the arrays.
What is computed from such arrays is computed block by block; a small table is a single block.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..errors import InputError
from ..model import Array

IN_MEMORY_BYTES = 2**22  # many such arrays are alive at a time
VALUES_AT_ONCE = 2**20  # 8 MB of float64
# Blocks are whole multiples of the batches in which windows are answered, so that where a block
# ends changes no batch.
BLOCK_MULTIPLE = 4096


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """An array to be filled.

    Raises:
        InputError: the folder of temporary files has no room for it.
    """
    size_bytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size_bytes < IN_MEMORY_BYTES:
        return np.empty(shape, dtype)
    with _taking_room(), tempfile.TemporaryFile() as file:
        _take_room(file, size_bytes)
        return _mapped(file, shape, dtype)


def zeros(count: int, dtype: DTypeLike) -> Array:
    """An array `(count,)` of zeros."""
    array = empty((count,), dtype)
    array[:] = 0
    return array


def concatenated(blocks: Iterable[Array], dtype: DTypeLike) -> Array:
    """Arrays `(length,)` one after the other, each asked for when those before it are written.

    Raises:
        InputError: the folder of temporary files has no room for them.
    """
    itemsize = np.dtype(dtype).itemsize
    with _taking_room(), tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as file:
        for block in blocks:
            file.write(np.ascontiguousarray(block, dtype).data)
        size_bytes = file.tell()
        if size_bytes < IN_MEMORY_BYTES:
            file.seek(0)
            return np.frombuffer(bytearray(file.read()), dtype)
        file.rollover()
        file.flush()
        return _mapped(file, (size_bytes // itemsize,), dtype)


def true_rows(are_true: Array, width: int = 1) -> Iterator[Array]:
    """Where `are_true (rows,)` holds, int64, in blocks of which none is empty."""
    for block in blocks(len(are_true), width):
        rows = block.start + np.flatnonzero(are_true[block])
        if len(rows):
            yield rows


def taken(array: Array, rows: Array) -> Array:
    """The rows of an array that are named, int64 `(count,)`."""
    found = empty((len(rows), *array.shape[1:]), array.dtype)
    values_a_row = int(np.prod(array.shape[1:]))
    for block in blocks(len(rows), values_a_row):
        found[block] = array[rows[block]]
    return found


def blocks(count: int, width: int = 1) -> Iterator[slice]:
    """Slices of `count` entries, each of so many that their `width` values may be computed with."""
    most = max(VALUES_AT_ONCE // max(width, 1) // BLOCK_MULTIPLE, 1) * BLOCK_MULTIPLE
    for first in range(0, count, most):
        yield slice(first, min(first + most, count))


def _take_room(file: Any, size_bytes: int) -> None:
    """Make a file so long; where the system can, a full disk shows here, and not at a later write
    to its pages, which would end the process."""
    if sys.platform == "linux":
        os.posix_fallocate(file.fileno(), 0, size_bytes)
    else:
        file.truncate(size_bytes)


def _mapped(file: Any, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    return np.asarray(np.memmap(file, dtype, "r+", shape=shape))


@contextmanager
def _taking_room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"the table does not fit into the folder of temporary files {tempfile.gettempdir()}: "
            f"{error.strerror}; free some space, or name another folder with TMPDIR"
        ) from error
