"""Runs an `.onnx` file that takes a state beside its input and gives it back behind its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import BundleError, InputError, LstmExportError, UnsupportedModel
from ..model import Array, Signature, State, StateTensor
from ..model.arrays import frozen
from .bound import Bound
from .onnx_guard import metadata_of
from .onnx_runner import FINAL, STATE, first_line, opened, stored_signature

MAX_TENSORS = 64


@dataclass(frozen=True, eq=False)
class CarriedTensor:
    """A tensor of the state as a file's metadata tells it.

    Attributes:
        tensor: name, layers and size.
        initial: the learned values before the first step, `(num_layers, size)`; None for zeros.
    """

    tensor: StateTensor
    initial: Array | None

    def layer(self, k: int) -> str:
        """What the graph calls the part of layer k."""
        return f"{self.tensor.name}/l{k}" if self.tensor.num_layers > 1 else self.tensor.name

    def final(self, joined: str) -> str:
        """What a layer calls its final state: `joined` later, or the graph's own output where there is but one."""
        return joined if self.tensor.num_layers > 1 else self.tensor.name + FINAL

    def declared(self, suffix: str) -> tuple[str, int, list[str | int]]:
        """Name, ONNX's type (float32 = 1) and axes as an input, or with a suffix as an output."""
        return self.tensor.name + suffix, 1, [self.tensor.num_layers, "batch", self.tensor.size]

    def rows(self, batch: int) -> Array:
        """The state before the first step, `(num_layers, batch, size)`."""
        num_layers, size = self.tensor[1:]
        initial = np.zeros((num_layers, size), np.float32) if self.initial is None else self.initial
        return np.repeat(initial[:, np.newaxis], batch, axis=1)


def carries_state(data: bytes) -> bool:
    """Whether the bytes are an ONNX file of this package that carries a state, by what it says of itself."""
    return len(data) > 2 and data[0] == 0x08 and STATE in metadata_of(data)


def state_tensors(text: str) -> tuple[CarriedTensor, ...]:
    """Read the metadata of the state.

    Raises:
        UnsupportedModel: it is damaged.
    """
    try:
        entries = json.loads(text)
        if not isinstance(entries, list) or not 0 < len(entries) <= MAX_TENSORS:
            raise ValueError(f"expected a list of 1 to {MAX_TENSORS} tensors")
        return tuple(_carried(**entry) for entry in entries)
    except (ValueError, TypeError, RecursionError) as error:
        raise UnsupportedModel(
            f"what the ONNX file says of its state is damaged: {error}"
        ) from error


def _carried(name: str, num_layers: int, size: int, initial: Any) -> CarriedTensor:
    if not isinstance(name, str) or not all(
        type(one) is int and 0 < one < 2**24 for one in (num_layers, size)
    ):
        raise ValueError(f"no tensor is {name!r} of {num_layers!r} layers and size {size!r}")
    values = None if initial is None else frozen(np.array(initial, np.float64))
    if values is not None and (values.shape != (num_layers, size) or not np.isfinite(values).all()):
        raise ValueError(f"the initial {name} is no finite ({num_layers}, {size})")
    return CarriedTensor(StateTensor(name, num_layers, size), values)


class OnnxStreamRunner:
    """A StatefulRunner, and a Runner over whole sequences from the initial state.

    Attributes:
        metadata: what the file says of itself.
        providers: what ONNX Runtime computes on, first choice first.
        signature: the interface.
        layout: the tensors of the state in order.
    """

    def __init__(self, session: Any, errors: tuple[type[Exception], ...]) -> None:
        self._session, self._errors = session, errors
        self.metadata: Mapping[str, str] = dict(session.get_modelmeta().custom_metadata_map)
        self.providers: tuple[str, ...] = tuple(session.get_providers())
        self.signature: Signature = stored_signature(self.metadata)
        try:
            self._tensors = state_tensors(self.metadata.get(STATE, "[]"))
        except LstmExportError as error:
            raise BundleError(str(error)) from error
        self.layout: tuple[StateTensor, ...] = tuple(one.tensor for one in self._tensors)
        _check_ends(session, self.signature, self._tensors)
        self._names = [output.name for output in session.get_outputs()]

    def __call__(self, x: Array) -> Array:
        return self.advance(x, self.initial_state(len(x)))[0]

    def initial_state(self, batch: int) -> State:
        return tuple(one.rows(batch) for one in self._tensors)

    def bind(self, batch: int) -> Bound:
        """Buffers for steps of one sample each, of a batch of this size; they start from zeros."""
        return Bound(self._session, self._errors, self.layout, batch)

    def advance(self, x: Array, state: State) -> tuple[Array, State]:
        if not x.size:
            # A runtime is only asked about arrays that hold something.
            raise InputError(f"x has the shape {x.shape}, expected at least one row and one step")
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
            raise InputError(f"ONNX Runtime refused x {x.shape}: {first_line(error)}") from error
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
    return opened(OnnxStreamRunner, source, providers)


def _check_ends(session: Any, signature: Signature, tensors: tuple[CarriedTensor, ...]) -> None:
    """Inputs and outputs must be those that the metadata names: what is fed back must be what was given."""
    got = [
        (one.name, one.type, one.shape) for one in (*session.get_inputs(), *session.get_outputs())
    ]
    states, finals = (
        [
            (name, "tensor(float)", shape)
            for name, _, shape in (one.declared(suffix) for one in tensors)
        ]
        for suffix in ("", FINAL)
    )
    inputs = [("x", "tensor(float)", ["batch", "seq", signature.input_size]), *states]
    axes = [["batch", "seq", signature.output_size], ["batch", signature.output_size]]
    if got not in [[*inputs, ("y", "tensor(float)", y), *finals] for y in axes]:
        names = ", ".join(str(one[0]) for one in got)
        raise BundleError(
            f"the ONNX file takes and gives {names}, which is not the state that its metadata describes"
        )
