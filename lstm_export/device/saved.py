"""What a stream keeps, as a small file that survives a restart and is believed only after it was checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from ..bundle.arrays import pack_arrays, unpack_arrays
from ..errors import BundleError, InputError
from ..files import read_bytes
from ..model import Array, Signature

MAX_BYTES = 64 * 2**20

Identity: TypeAlias = Array  # a sha256 as int64 (4,)


def identity_of(signature: Signature, metadata: Mapping[str, str], *what: object) -> Identity:
    """Tells one model, and what is kept of it, from others: by its weights where the artifact names them."""
    said = [metadata.get(f"lstm_export.{key}", "") for key in ("chain", "weights_sha256")]
    text = json.dumps([signature.to_record(), said, *map(str, what)], sort_keys=True)
    return np.frombuffer(hashlib.sha256(text.encode()).digest(), "<i8")


def packed(identity: Identity, kept: Sequence[Array], counts: Sequence[int]) -> bytes:
    """An `.npz` of `model`, `counts` and `kept0`, ...; the same bytes for the same state."""
    arrays = {f"kept{index}": array for index, array in enumerate(kept)}
    return pack_arrays({"model": identity, "counts": np.array(counts, np.int64), **arrays})


def unpacked(
    state: bytes | Path, identity: Identity, like: Sequence[Array]
) -> tuple[tuple[Array, ...], list[int]]:
    """What `packed` put there: what was kept, and the counts.

    Args:
        state: the bytes, or a file that holds them.
        identity: whose state it must be.
        like: arrays of the shapes and types that it must have; the last but one may hold NaN, the others may not.

    Raises:
        InputError: the file cannot be read, is damaged, or holds the state of another model, mode or batch.
    """
    data = state if isinstance(state, bytes) else read_bytes(state, "a saved state", MAX_BYTES)
    try:
        arrays = unpack_arrays(data)
    except BundleError as error:
        raise InputError(
            f"this is no saved state of a stream, or a damaged one: {error}"
        ) from error
    kept = [arrays.get(f"kept{index}", np.empty(0)) for index in range(len(like))]
    model, counts = arrays.get("model", np.empty(0)), arrays.get("counts", np.empty(0))
    if not np.array_equal(model, identity):
        raise InputError(
            "this state belongs to another model, or to the other mode of it; start anew, without it"
        )
    for array, expected in zip(kept, like, strict=True):
        if array.shape != expected.shape or array.dtype != expected.dtype:
            got, wanted = array.shape[:1] or (0,), expected.shape[:1]
            raise InputError(
                f"this state is of a batch of {got[0]}, expected {wanted[0]}; it holds {array.shape}"
            )
    bad = [
        array
        for index, array in enumerate(kept)
        if index != len(kept) - 2 and not np.isfinite(array).all()
    ]
    if bad or counts.shape != (2,) or counts.dtype.kind != "i" or (counts < 0).any():
        raise InputError("this state is damaged: it holds values that are not finite, or no counts")
    return tuple(kept), [int(count) for count in counts]
