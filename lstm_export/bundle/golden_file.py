"""One golden set as a file of its own, an `.npz` that numpy.load reads: an input to replay."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import BundleError, InputError
from ..files import read_bytes, write_bytes
from ..model import Array
from ..parity import GoldenSet
from .archive import MAX_BYTES
from .arrays import pack_arrays, unpack_arrays
from .golden_arrays import arrays_of

# Bumped when an array changes its meaning or goes; a reader refuses what is newer than itself.
GOLDEN_FILE_VERSION = 1


def write_golden(path: Path, golden: GoldenSet) -> None:
    """Write x, y, S as `scale`, F as `noise_floor`, and the lengths where there are any.

    Raises:
        InputError: the file cannot be written.
    """
    arrays = arrays_of(golden)
    arrays["format_version"] = np.array(GOLDEN_FILE_VERSION)
    write_bytes(path, pack_arrays(arrays))


def read_golden(path: Path) -> tuple[Array, Array | None]:
    """The inputs of the set, and the lengths of its rows; what is right is computed anew.

    Raises:
        InputError: the file cannot be read, is no such file, or is of a newer format.
    """
    data = read_bytes(path, "a golden set, as verify --failing writes it", MAX_BYTES)
    try:
        arrays = unpack_arrays(data)
    except BundleError as error:
        raise InputError(
            f"{path} is no golden set in an .npz; name one that verify --failing wrote"
        ) from error
    version = arrays.get("format_version")
    if version is None or version.shape != () or int(version) != GOLDEN_FILE_VERSION:
        got = "none" if version is None else version.tolist()
        raise InputError(
            f"{path} has the format version {got}, this lstm-export reads {GOLDEN_FILE_VERSION}; "
            "use the version that wrote it"
        )
    x = arrays.get("x")
    if x is None or not _is_input(x):
        raise InputError(
            f"{path} holds no finite float32 x (batch, seq, input_size); "
            "name a file that verify --failing wrote"
        )
    return x, arrays.get("lengths")


def _is_input(x: Array) -> bool:
    has_values = x.ndim == 3 and x.size > 0
    return bool(has_values and x.dtype == np.float32 and np.isfinite(x).all())
