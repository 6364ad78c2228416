"""Generated integer C as a Runner: values become counts here, answers values."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np

from ....errors import InputError
from ....model import Array, Signature
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
        if self._scratch_words:
            self._scratch_words.restype = ctypes.c_size_t
            self._scratch_words.argtypes = [ctypes.c_size_t]

    def __call__(self, x: Array) -> Array:
        """Map `x (batch, seq, input_size)` in the model's units to float64 y."""
        if x.ndim != 3 or x.shape[2] != self.signature.input_size or not x.shape[1]:
            raise InputError(
                f"x is {x.shape}, expected (batch, seq, {self.signature.input_size}) "
                "with a step at least"
            )
        answers = self.answers(counts_of(self._facts.formats.inputs, x))
        return answers * 2.0**-self._facts.answer_bits

    def answers(self, counts: Array) -> Array:
        """int16 `(batch, seq, input_size)` -> int32 `(batch, output_size)`, or of every step."""
        x = np.ascontiguousarray(counts, np.int16)
        batch, seq, _ = x.shape
        steps = (seq,) if self._interface.every_step else ()
        y = np.empty((batch, *steps, self.signature.output_size), np.int32)
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
        pointers = [x.ctypes.data_as(_SHORTS), ctypes.c_size_t(len(x)), y.ctypes.data_as(_WORDS)]
        place = 3 if self._scratch_words else 0
        pointers.insert(place, memory.ctypes.data_as(_WORDS))
        self._run(*pointers)
