"""Generated C as a Runner: compiled here, called through ctypes."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ....errors import InputError
from ....model import Array, Signature, State, StateTensor
from ...target import check_input
from ..emit.carried import state_views
from ..emit.interface import Interface

_POINTER = ctypes.POINTER(ctypes.c_float)


class CRunner:
    """A Runner over a compiled library. Its calls share nothing: threads may use it at once.

    Attributes:
        signature: the interface of the model.
        size_bytes: of the compiled library.
    """

    def __init__(self, library: Path, interface: Interface, signature: Signature) -> None:
        self.signature = signature
        self._interface = interface
        self.size_bytes = library.stat().st_size
        name = interface.name
        try:
            functions = ctypes.CDLL(str(library))
            self._scratch_floats = functions[f"{name}_scratch_floats"]
            self._run_batch = functions[f"{name}_run_batch"]
            if interface.streams:
                self._reset = functions[f"{name}_reset"]
                self._step = functions[f"{name}_step"]
        except (OSError, AttributeError) as error:
            raise InputError(f"the compiled C of {name} cannot be loaded: {error}") from error
        self._scratch_floats.restype = ctypes.c_size_t
        self._scratch_floats.argtypes = [ctypes.c_size_t, ctypes.c_size_t]
        self._run_batch.restype = None
        self._run_batch.argtypes = [_POINTER, ctypes.c_size_t, ctypes.c_size_t, _POINTER, _POINTER]

    def __call__(self, x: Array) -> Array:
        x = np.ascontiguousarray(x, np.float32)
        check_input(x, self.signature.input_size, self._interface.least_steps)
        batch, seq, _ = x.shape
        steps = (seq,) if self._interface.every_step else ()
        y = np.empty((batch, *steps, self.signature.output_size), np.float32)
        scratch = np.empty(self._scratch_floats(batch, seq), np.float32)
        self._run_batch(_floats(x), batch, seq, _floats(y), _floats(scratch))
        return y


class CStream(CRunner):
    """The same where the model also runs step by step: a StatefulRunner."""

    def __init__(self, library: Path, interface: Interface, signature: Signature) -> None:
        super().__init__(library, interface, signature)
        self.layout: tuple[StateTensor, ...] = interface.layout

    def initial_state(self, batch: int) -> State:
        values = np.empty((batch, self._interface.state_size + 1), np.float32)
        for row in values:
            self._reset(_floats(row))
        return self._tensors(values)

    def advance(self, x: Array, state: State) -> tuple[Array, State]:
        x = np.ascontiguousarray(x, np.float32)
        batch, seq, _ = x.shape
        values = self._structs(state, batch)
        # the C writes an answer at every step, whether or not the chain picks the last
        y = np.empty((batch, seq, self.signature.output_size), np.float32)
        for row in range(batch):
            struct = _floats(values[row])
            for t in range(seq):
                self._step(struct, _floats(x[row, t]), _floats(y[row, t]))
        if not self._interface.every_step:
            y = y[:, -1]
        return y, self._tensors(values)

    def bind(self, batch: int) -> CBound:
        """Steps in place for a fixed batch, from the initial state: the fastest way from Python."""
        values = self._structs(self.initial_state(batch), batch)
        views = state_views(values, self.layout)
        return CBound(self._step, values, views, self.signature)

    def _structs(self, state: State, batch: int) -> Array:
        """One `NAME_state` a row, `(batch, state_size + 1)`: values, then an unsigned, 0."""
        rows = [tensor.swapaxes(0, 1).reshape(batch, -1) for tensor in state]  # (batch, floats)
        turns = np.zeros((batch, 1), np.float32)
        structs = np.concatenate([*rows, turns], axis=1, dtype=np.float32)
        return np.ascontiguousarray(structs)  # of views that lie by column it is made by column

    def _tensors(self, values: Array) -> State:
        """The inverse: float32 `(num_layers, batch, size)` a tensor."""
        return tuple(map(np.ascontiguousarray, state_views(values, self.layout)))


class CBound:
    """Steps of one sample for a fixed batch, in memory that is made once.

    Attributes:
        x: float32 `(batch, 1, input_size)`, read by the next step.
        state: the present state, `(num_layers, batch, size)` a tensor; to write into it sets it.
        run: takes the step: the answer to `x` `(batch, output_size)`, a fresh array.
    """

    def __init__(self, step: Any, values: Array, state: State, signature: Signature) -> None:
        batch = len(values)
        self.x: Array = np.zeros((batch, 1, signature.input_size), np.float32)
        self.state = state
        y: Array = np.zeros((batch, signature.output_size), np.float32)
        rows = []  # pointers, made once and not at every step
        for struct, sample, answer in zip(values, self.x, y, strict=True):
            rows.append((_floats(struct), _floats(sample), _floats(answer)))

        def run() -> Array:
            for row in rows:
                step(*row)
            fresh: Array = y.copy()  # the next step writes over y
            return fresh

        self.run: Callable[[], Array] = run


def _floats(array: Array) -> ctypes._Pointer[ctypes.c_float]:
    return array.ctypes.data_as(_POINTER)
