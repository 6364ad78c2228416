"""The state of a stream as a small file that survives a restart and is believed once checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np

from ..bundle.arrays import pack_arrays, unpack_arrays
from ..errors import BundleError, InputError, cause_of
from ..files import read_bytes
from ..model import Array, Signature
from .onnx_metadata import CHAIN, WEIGHTS_SHA256

MAX_BYTES = 64 * 2**20
_AGAIN = "copy it again, or start without it"

Identity: TypeAlias = Array  # a sha256 as int64 (4,)


class Counts(NamedTuple):
    """How many samples came that were not good.

    Attributes:
        nonfinite: with NaN or an infinity.
        out_of_range: with a value outside the range that training saw.
    """

    nonfinite: int = 0
    out_of_range: int = 0


def identity_of(signature: Signature, metadata: Mapping[str, str], *what: object) -> Identity:
    """Tells one model, and what is kept of it, from others.

    By its chain and weights, where the artifact names them.
    """
    model = [metadata.get(CHAIN, ""), metadata.get(WEIGHTS_SHA256, "")]
    parts = [signature.to_record(), model, *(str(part) for part in what)]
    text = json.dumps(parts, sort_keys=True)
    digest = hashlib.sha256(text.encode()).digest()
    return np.frombuffer(digest, "<i8")


def pack_state(identity: Identity, kept: Sequence[Array], counts: Counts) -> bytes:
    """An `.npz` of `model`, `counts` and `kept0`, ...; the same bytes for the same state."""
    arrays = {f"kept{index}": array for index, array in enumerate(kept)}
    return pack_arrays({"model": identity, "counts": np.array(counts, np.int64), **arrays})


def unpack_state(
    state: bytes | Path, identity: Identity, like: Sequence[Array]
) -> tuple[tuple[Array, ...], Counts]:
    """Read the arrays and the counts that `pack_state` wrote.

    Args:
        state: the bytes, or a file that holds them.
        identity: whose state it must be.
        like: arrays of the shapes and types that it must have; the last but one, the last good
            samples, may hold NaN, the others may not.

    Raises:
        InputError: the file cannot be read, is damaged, or holds the state of another model, mode
            or batch.
    """
    if isinstance(state, Path):
        state = read_bytes(state, "a saved state", MAX_BYTES)
    try:
        arrays = unpack_arrays(state)
    except BundleError as error:
        reason = f"this is no saved state of a stream, or a damaged one: {cause_of(error)}"
        raise InputError(f"{reason}; {_AGAIN}") from error
    nothing = np.empty(0)
    if not np.array_equal(arrays.get("model", nothing), identity):
        raise InputError(
            "this state belongs to another model, or to the other mode of it; "
            "start anew, without it"
        )
    kept = [arrays.get(f"kept{index}", nothing) for index in range(len(like))]
    _check_shapes(kept, like)
    *must_be_finite, _, outside = kept
    is_finite = all(np.isfinite(array).all() for array in (*must_be_finite, outside))
    counts = arrays.get("counts", nothing)
    if not is_finite or not _are_counts(counts):
        raise InputError(
            f"this state is damaged: it holds values that are not finite, or no counts; {_AGAIN}"
        )
    return tuple(kept), Counts(*counts.tolist())


def _check_shapes(kept: Sequence[Array], like: Sequence[Array]) -> None:
    for array, expected in zip(kept, like, strict=True):
        if array.shape != expected.shape or array.dtype != expected.dtype:
            got = array.shape[0] if array.ndim else 0
            raise InputError(
                f"this state is of a batch of {got}, expected {expected.shape[0]}; "
                f"it holds {array.shape}"
            )


def _are_counts(counts: Array) -> bool:
    if counts.shape != (len(Counts._fields),) or counts.dtype.kind != "i":
        return False
    return bool((counts >= 0).all())
