"""Generated integer C as a Runner: values become counts here, answers values."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ....errors import InputError
from ....model import Array, Signature, State, StateTensor
from ...target import check_input
from ..emit.interface import Interface
from ..integer.facts import IntegerFacts
from ..integer.whole_model import counts_of

_SHORTS = ctypes.POINTER(ctypes.c_int16)
_WORDS = ctypes.POINTER(ctypes.c_int32)


class IntegerRunner:
    """A Runner over a compiled library. Its calls share nothing: threads may use it at once.

    Attributes:
        signature: the interface of the model.
        size_bytes: of the compiled library.
    """

    def __init__(
        self, library: Path, interface: Interface, facts: IntegerFacts, signature: Signature
    ) -> None:
        self.signature = signature
        self.size_bytes = library.stat().st_size
        self._interface = interface
        self._facts = facts
        name = interface.name
        try:
            functions = ctypes.CDLL(str(library))
            self._run = functions[f"{name}_run_q"]
            self._scratch_words = None if interface.streams else functions[f"{name}_scratch_words"]
        except (OSError, AttributeError) as error:
            raise InputError(f"the compiled C of {name} cannot be loaded: {error}") from error
        self._run.restype = None
        self._run_batch = _batch_function(functions, name)
        if self._scratch_words:
            self._scratch_words.restype = ctypes.c_size_t
            self._scratch_words.argtypes = [ctypes.c_size_t]

    def __call__(self, x: Array) -> Array:
        """Map `x (batch, seq, input_size)` in the model's units to float64 y."""
        check_input(x, self.signature.input_size, self._interface.least_steps)
        answers = self.answers(counts_of(self._facts.formats.inputs, x))
        return answers * 2.0**-self._facts.answer_bits

    def answers(self, counts: Array) -> Array:
        """int16 `(batch, seq, input_size)` -> int32 `(batch, output_size)`, or of every step."""
        x = np.ascontiguousarray(counts, np.int16)
        batch, seq, _ = x.shape
        steps = (seq,) if self._interface.every_step else ()
        y = np.empty((batch, *steps, self.signature.output_size), np.int32)
        if self._run_batch:
            sizes = (ctypes.c_size_t(batch), ctypes.c_size_t(seq))
            self._run_batch(_shorts(x), *sizes, _words(y))
            return y
        memory = np.empty(self._memory_words(seq), np.int32)
        for row, answer in zip(x, y, strict=True):
            self._answer(row, answer, memory)
        return y

    def _memory_words(self, seq: int) -> int:
        """Words of a state, or of scratch memory."""
        if self._scratch_words:
            return int(self._scratch_words(seq))
        return self._facts.wide_size + (self._facts.narrow_size + 1) // 2

    def _answer(self, x: Array, y: Array, memory: Array) -> None:
        """One sequence: `x (seq, input_size)` int16 -> y int32."""
        sequence = (_shorts(x), ctypes.c_size_t(len(x)), _words(y))
        if self._scratch_words:
            self._run(*sequence, _words(memory))
        else:
            self._run(_words(memory), *sequence)


def _batch_function(functions: ctypes.CDLL, name: str) -> Any:
    """NAME_run_batch_q; None where there are whole sequences alone, or the C is older than it."""
    try:
        run_batch = functions[f"{name}_run_batch_q"]
    except AttributeError:
        return None
    run_batch.restype = None
    return run_batch


class IntegerStream(IntegerRunner):
    """The same where the model also runs step by step: a StatefulRunner.

    The state is held as float32, which has room for 24 bits: int32 in two halves.

    Attributes:
        layout: as `IntegerFacts.layout`.
    """

    def __init__(
        self, library: Path, interface: Interface, facts: IntegerFacts, signature: Signature
    ) -> None:
        super().__init__(library, interface, facts, signature)
        functions = ctypes.CDLL(str(library))
        self._reset = functions[f"{interface.name}_reset"]
        self._step = functions[f"{interface.name}_step_q"]
        self._reset.restype = None
        self._step.restype = None
        self.layout: tuple[StateTensor, ...] = facts.layout

    def initial_state(self, batch: int) -> State:
        memory = np.zeros((batch, self._memory_words(1)), np.int32)
        for row in memory:
            self._reset(_words(row))
        return self._tensors(memory)

    def advance(self, x: Array, state: State) -> tuple[Array, State]:
        counts = counts_of(self._facts.formats.inputs, x).astype(np.int16)
        batch, seq, _ = counts.shape
        memory = self._structs(state, batch)
        y = np.empty((batch, seq, self.signature.output_size), np.int32)
        for row in range(batch):
            struct = _words(memory[row])
            for t in range(seq):
                self._step(struct, _shorts(counts[row, t]), _words(y[row, t]))
        values = y * 2.0**-self._facts.answer_bits
        if not self._interface.every_step:
            values = values[:, -1]
        return values, self._tensors(memory)

    def bind(self, batch: int) -> IntegerBound:
        """Steps in place for a fixed batch, from the initial state: the fastest way from Python."""
        memory = self._structs(self.initial_state(batch), batch)
        return IntegerBound(self._step, memory, self._facts, self.signature)

    def _structs(self, state: State, batch: int) -> Array:
        """One `NAME_state` a row, int32 `(batch, words)`."""
        narrow, high, low = (tensor[0].astype(np.int32) for tensor in state)
        memory = np.zeros((batch, self._memory_words(1)), np.int32)
        memory[:, : self._facts.wide_size] = high * 65536 + low
        halves = memory[:, self._facts.wide_size :].view(np.int16)
        halves[:, : self._facts.narrow_size] = narrow
        return memory

    def _tensors(self, memory: Array) -> State:
        """The inverse: float32 `(1, batch, size)` a tensor."""
        wide = memory[:, : self._facts.wide_size]
        halves = np.ascontiguousarray(memory[:, self._facts.wide_size :]).view(np.int16)
        narrow = halves[:, : self._facts.narrow_size]
        parts = (narrow, wide >> 16, wide & 0xFFFF)
        return tuple(part[np.newaxis].astype(np.float32) for part in parts)


class IntegerBound:
    """Steps of one sample for a fixed batch, in memory that is made once.

    Attributes:
        x: float32 `(batch, 1, input_size)`, read by the next step.
        state: the present state where it lies, whole numbers; to write into it sets it.
        run: takes the step: the answer to `x`, float32 `(batch, output_size)`, a fresh array.
    """

    def __init__(self, step: Any, memory: Array, facts: IntegerFacts, signature: Signature) -> None:
        batch = len(memory)
        self.x: Array = np.zeros((batch, 1, signature.input_size), np.float32)
        self.state: State = _views(memory, facts)
        counts: Array = np.zeros((batch, signature.input_size), np.int16)
        y: Array = np.zeros((batch, signature.output_size), np.int32)
        rows = []
        for struct, sample, answer in zip(memory, counts, y, strict=True):
            rows.append((_words(struct), _shorts(sample), _words(answer)))
        inputs = facts.formats.inputs
        unit = 2.0**-facts.answer_bits

        def run() -> Array:
            counts[...] = counts_of(inputs, self.x[:, 0])
            for row in rows:
                step(*row)
            fresh: Array = (y * unit).astype(np.float32)
            return fresh

        self.run: Callable[[], Array] = run


def _views(memory: Array, facts: IntegerFacts) -> State:
    """The tensors of `IntegerStream.layout` where they lie in structs `(batch, words)`."""
    wide = 2 * facts.wide_size
    halves = memory.view(np.int16)
    low = 0 if sys.byteorder == "little" else 1
    narrow = halves[:, wide : wide + facts.narrow_size]
    high_halves = halves[:, 1 - low : wide : 2]
    low_halves = memory.view(np.uint16)[:, low:wide:2]
    return tuple(part[np.newaxis] for part in (narrow, high_halves, low_halves))


def _shorts(array: Array) -> ctypes._Pointer[ctypes.c_int16]:
    return array.ctypes.data_as(_SHORTS)


def _words(array: Array) -> ctypes._Pointer[ctypes.c_int32]:
    return array.ctypes.data_as(_WORDS)
