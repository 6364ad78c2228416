"""Runs an `.onnx` file in ONNX Runtime, with the settings that suit small models and machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import BundleError, InputError
from ..files import read_bytes
from ..model import Array, Signature
from .guards import checked_lengths
from .onnx_guard import MAX_BYTES, check_onnx
from .onnx_metadata import LENGTHS, SIGNATURE, stored_signature
from .runtime import Errors, Tune, first_line, new_session, onnxruntime, runtime_errors


class Ends(NamedTuple):
    """A graph's x, its lengths where it takes them, and its first output."""

    x: Any
    lengths: Any | None
    y: Any


class OnnxRunner:
    """A Runner over one ONNX Runtime session that takes x and maybe `lengths (batch,)`.

    Attributes:
        takes_lengths: whether it can be told how many steps of each row count; if not told, all do.
        metadata: what the file says of itself.
        providers: what ONNX Runtime computes on, first choice first.
    """

    def __init__(self, session: Any, errors: Errors) -> None:
        self._session = session
        self._errors = errors
        self._ends = _ends(session)
        self.takes_lengths: bool = self._ends.lengths is not None
        self.metadata: Mapping[str, str] = dict(session.get_modelmeta().custom_metadata_map)
        self.providers: tuple[str, ...] = tuple(session.get_providers())

    def __call__(self, x: Array, lengths: Array | None = None) -> Array:
        check_not_empty(x)
        feeds = {self._ends.x.name: np.ascontiguousarray(x, "<f4")}
        if self._ends.lengths is not None:
            feeds[self._ends.lengths.name] = _lengths_of(x, lengths)
        elif lengths is not None:
            raise InputError(f"this ONNX file takes no {LENGTHS}; export it with --lengths")
        try:
            y: Array = self._session.run([self._ends.y.name], feeds)[0]
        except self._errors as error:
            raise refused(x, error) from error
        return y

    @property
    def signature(self) -> Signature:
        """The interface: from the file's metadata, or its sizes alone from a file of another tool.

        Raises:
            BundleError: the metadata is damaged, or the sizes are not fixed in the file.
        """
        if SIGNATURE in self.metadata:
            return stored_signature(self.metadata)
        input_size = self._ends.x.shape[-1]
        output_size = self._ends.y.shape[-1]
        if not isinstance(input_size, int) or not isinstance(output_size, int):
            raise BundleError(
                "the ONNX file does not say how wide x and y are, it has "
                f"{(input_size, output_size)}; export it with fixed sizes"
            )
        return Signature(input_size, output_size)


def load_onnx(
    source: Path | bytes, providers: Sequence[str] | None = None, *, tune: Tune | None = None
) -> OnnxRunner:
    """Check an ONNX file and load the very bytes that were checked.

    Args:
        source: the file, or its contents.
        providers: execution providers of ONNX Runtime in order of preference, `cuda` for short; CPU
            by default.
        tune: changes the session's options.

    Raises:
        BundleError: the file is damaged, holds what is not allowed, or this ONNX Runtime cannot
            load it.
        InputError: the file cannot be read, or a provider is not available.
        MissingDependency: ONNX Runtime is not installed.
    """
    session = checked_session(source, providers, tune)
    return OnnxRunner(session, runtime_errors(onnxruntime()))


def checked_session(
    source: Path | bytes, providers: Sequence[str] | None = None, tune: Tune | None = None
) -> Any:
    """A file that passed the guard as a session of ONNX Runtime; see `load_onnx`."""
    if isinstance(source, Path):
        source = read_bytes(source, "an exported .onnx file", MAX_BYTES)
    check_onnx(source)
    return new_session(source, providers, tune)


def check_not_empty(x: Array) -> None:
    """A runtime is only asked about arrays that hold something.

    Raises:
        InputError: x has no rows, no steps or no features.
    """
    if not x.size:
        raise InputError(f"x has the shape {x.shape}, expected at least one row and one step")


def refused(x: Array, error: Exception) -> InputError:
    """The error for an x that ONNX Runtime does not take."""
    return InputError(
        f"ONNX Runtime refused x {x.shape}: {first_line(error)}; pass fewer rows or steps at once"
    )


def _lengths_of(x: Array, lengths: Array | None) -> Array:
    """int32 `(batch,)`: those given, or all the steps of every row."""
    batch, seq = x.shape[:2]
    if lengths is None:
        return np.full(batch, seq, np.int32)
    return checked_lengths(lengths, batch, seq).astype(np.int32)


def _ends(session: Any) -> Ends:
    inputs = session.get_inputs()
    outputs = session.get_outputs()
    x = [(end.type, len(end.shape)) for end in inputs[:1]]
    others = [(end.name, end.type, len(end.shape)) for end in inputs[1:]]
    is_x = x == [("tensor(float)", 3)]
    are_lengths = others == [(LENGTHS, "tensor(int32)", 1)]
    if not is_x or (others and not are_lengths):
        given = ", ".join(f"{end.name} {end.type} {end.shape}" for end in inputs) or "nothing"
        raise BundleError(
            f"the ONNX file takes {given}, expected one float input (batch, seq, input_size), "
            f"and beside it at most int32 {LENGTHS} (batch,)"
        )
    if not outputs or outputs[0].type != "tensor(float)":
        raise BundleError("the ONNX file gives no float output, expected y (batch, output_size)")
    return Ends(inputs[0], inputs[1] if others else None, outputs[0])
