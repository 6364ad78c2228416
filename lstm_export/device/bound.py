"""A state in two buffers of ONNX Runtime, and a binding from each to the other: the fastest way to carry it in Python.

A call of `session.run` makes and fills new arrays for the answer and for the state every time. Here every array is made
once, ONNX Runtime reads and writes it in place, and a step is one call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..model import Array, State, StateTensor
from .onnx_runner import FINAL, first_line, onnxruntime


class Bound:
    """Steps of one sample, for a fixed batch.

    Attributes:
        x: float32 `(batch, 1, input_size)`, read by the next step.
        run: takes the step: the answer to `x` `(batch, output_size)`, a fresh array. After an error the state is as
            it was.
    """

    def __init__(
        self,
        session: Any,
        errors: tuple[type[Exception], ...],
        layout: Sequence[StateTensor],
        batch: int,
    ) -> None:
        sizes = {"batch": batch, "seq": 1}
        shapes = [
            [sizes.get(size, size) for size in one.shape]
            for one in (session.get_inputs()[0], *_first(session))
        ]
        self.x: Array = np.zeros(shapes[0], np.float32)
        answer: Array = np.zeros(shapes[1], np.float32)
        sides = [
            tuple(np.zeros((one.num_layers, batch, one.size), np.float32) for one in layout)
            for _ in ("even", "odd")
        ]
        ort = onnxruntime()
        values = [[ort.OrtValue.ortvalue_from_numpy(array) for array in side] for side in sides]
        ends = tuple(ort.OrtValue.ortvalue_from_numpy(array) for array in (self.x, answer))
        self._kept = values, ends  # a binding does not keep alive what it is bound to
        bindings = [_binding(session, layout, ends, order) for order in (values, values[::-1])]
        x, call, y = (
            self.x,
            session.run_with_iobinding,
            answer[:, -1] if answer.ndim == 3 else answer,
        )
        present, following = bindings

        # Closures: looking their variables up takes a third of the time of attributes, and a step is short.
        def run() -> Array:
            nonlocal present, following
            try:
                call(present)
            except errors as error:
                raise InputError(
                    f"ONNX Runtime refused x {x.shape}: {first_line(error)}"
                ) from error
            present, following = following, present
            fresh: Array = y.copy()
            return fresh

        def state() -> State:
            return sides[present is bindings[1]]

        self.run: Callable[[], Array] = run
        self._state: Callable[[], State] = state

    @property
    def state(self) -> State:
        """The present state, `(num_layers, batch, size)` a tensor; to write into it sets it."""
        return self._state()


def _first(session: Any) -> list[Any]:
    return list(session.get_outputs())[:1]


def _binding(
    session: Any, layout: Sequence[StateTensor], ends: Sequence[Any], sides: Sequence[Sequence[Any]]
) -> Any:
    """From one side to the other."""
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", ends[0])
    binding.bind_ortvalue_output(session.get_outputs()[0].name, ends[1])
    for tensor, source, sink in zip(layout, *sides, strict=True):
        binding.bind_ortvalue_input(tensor.name, source)
        binding.bind_ortvalue_output(tensor.name + FINAL, sink)
    return binding
