"""Runs an `.onnx` file that takes a state beside its input and gives it back beside its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BundleError, InputError, LstmExportError
from ..model import Array, Signature, State, StateTensor
from .bound_state import BoundState
from .onnx_metadata import FINAL, STATE, stored_signature
from .onnx_runner import check_not_empty, checked_session, refused
from .onnx_state import CarriedTensor, carried_tensors
from .runtime import Errors, onnxruntime, runtime_errors

FLOAT_TENSOR = "tensor(float)"  # what ONNX Runtime calls float32


class OnnxStreamRunner:
    """A StatefulRunner, and a Runner over whole sequences from the initial state.

    Attributes:
        metadata: what the file says of itself.
        providers: what ONNX Runtime computes on, first choice first.
        signature: the interface.
        layout: the tensors of the state in order.
    """

    def __init__(self, session: Any, errors: Errors) -> None:
        self._session = session
        self._errors = errors
        self.metadata: Mapping[str, str] = dict(session.get_modelmeta().custom_metadata_map)
        self.providers: tuple[str, ...] = tuple(session.get_providers())
        self.signature: Signature = stored_signature(self.metadata)
        try:
            self._tensors = carried_tensors(self.metadata.get(STATE, "[]"))
        except LstmExportError as error:
            raise BundleError(str(error)) from error
        self.layout: tuple[StateTensor, ...] = tuple(carried.tensor for carried in self._tensors)
        _check_ends(session, self.signature, self._tensors)
        self._names = [output.name for output in session.get_outputs()]

    def __call__(self, x: Array) -> Array:
        y, _ = self.advance(x, self.initial_state(len(x)))
        return y

    def initial_state(self, batch: int) -> State:
        return tuple(carried.rows(batch) for carried in self._tensors)

    def bind(self, batch: int) -> BoundState:
        """Buffers for steps of one sample each, of such a batch; the state starts from zeros."""
        return BoundState(self._session, self._errors, self.layout, batch)

    def advance(self, x: Array, state: State) -> tuple[Array, State]:
        check_not_empty(x)
        feeds = {"x": np.ascontiguousarray(x, "<f4")}
        for tensor, value in zip(self.layout, state, strict=True):
            expected = (tensor.num_layers, len(x), tensor.size)
            if value.shape != expected:
                raise InputError(
                    f"the state {tensor.name} has the shape {value.shape}, expected {expected}"
                )
            feeds[tensor.name] = np.ascontiguousarray(value, "<f4")
        try:
            y, *final = self._session.run(self._names, feeds)
        except self._errors as error:
            raise refused(x, error) from error
        return y, tuple(final)


def load_onnx_stream(
    source: Path | bytes, providers: Sequence[str] | None = None
) -> OnnxStreamRunner:
    """Check an ONNX file that carries its state, and load it.

    Raises:
        BundleError: the file is damaged, holds what is not allowed, or carries no state.
        InputError: the file cannot be read, or a provider is not available.
        MissingDependency: ONNX Runtime is not installed.
    """
    session = checked_session(source, providers)
    return OnnxStreamRunner(session, runtime_errors(onnxruntime()))


def _check_ends(session: Any, signature: Signature, tensors: tuple[CarriedTensor, ...]) -> None:
    """Inputs and outputs must be those that the metadata names: what is fed back was given."""
    ends = [*session.get_inputs(), *session.get_outputs()]
    got = [(end.name, end.type, end.shape) for end in ends]
    x = ("x", FLOAT_TENSOR, ["batch", "seq", signature.input_size])
    states = _declared(tensors, "")
    finals = _declared(tensors, FINAL)
    every_step = ("y", FLOAT_TENSOR, ["batch", "seq", signature.output_size])
    last_step = ("y", FLOAT_TENSOR, ["batch", signature.output_size])
    allowed = ([x, *states, every_step, *finals], [x, *states, last_step, *finals])
    if got not in allowed:
        names = ", ".join(str(end.name) for end in ends)
        raise BundleError(
            f"the ONNX file takes and gives {names}, "
            "which is not the state that its metadata describes; export it again"
        )


def _declared(
    tensors: tuple[CarriedTensor, ...], suffix: str
) -> list[tuple[str, str, list[str | int]]]:
    """The state as ONNX Runtime describes it."""
    declared = [carried.declared(suffix) for carried in tensors]
    return [(name, FLOAT_TENSOR, axes) for name, _, axes in declared]
