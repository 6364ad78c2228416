"""A state in two sets of buffers of ONNX Runtime, bound from each to the other.

It is the fastest way to carry a state in Python. A call of `session.run` makes and fills new arrays
for the answer and for the state every time. Here every array is made once, ONNX Runtime reads and
writes it in place, and a step is one call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..model import Array, State, StateTensor
from .onnx_metadata import FINAL
from .onnx_runner import refused
from .runtime import Errors, onnxruntime


class BoundState:
    """Steps of one sample, for a fixed batch.

    Attributes:
        x: float32 `(batch, 1, input_size)`, read by the next step.
        run: takes the step: the answer to `x` `(batch, output_size)`, a fresh array. After an error
            the state is as it was.
    """

    def __init__(
        self, session: Any, errors: Errors, layout: Sequence[StateTensor], batch: int
    ) -> None:
        x_shape = _shape(session.get_inputs()[0], batch)
        self.x: Array = np.zeros(x_shape, np.float32)
        answer_shape = _shape(session.get_outputs()[0], batch)
        answer: Array = np.zeros(answer_shape, np.float32)
        even = _buffers(layout, batch)
        odd = _buffers(layout, batch)
        ort_value = onnxruntime().OrtValue.ortvalue_from_numpy
        even_values = [ort_value(array) for array in even]
        odd_values = [ort_value(array) for array in odd]
        ends = (ort_value(self.x), ort_value(answer))
        self._kept = (even_values, odd_values, ends)  # a binding does not keep them alive
        from_even = _binding(session, layout, ends, even_values, odd_values)
        from_odd = _binding(session, layout, ends, odd_values, even_values)
        y = answer[:, -1] if answer.ndim == 3 else answer
        x = self.x
        call = session.run_with_iobinding
        present = from_even
        following = from_odd

        # Closures: looking their variables up takes a third of the time of attributes, and a step
        # is short.
        def run() -> Array:
            nonlocal present, following
            try:
                call(present)
            except errors as error:
                raise refused(x, error) from error
            present, following = following, present
            fresh: Array = y.copy()
            return fresh

        def state() -> State:
            return even if present is from_even else odd

        self.run: Callable[[], Array] = run
        self._state: Callable[[], State] = state

    @property
    def state(self) -> State:
        """The present state, `(num_layers, batch, size)` a tensor; to write into it sets it."""
        return self._state()


def _shape(end: Any, batch: int) -> list[int]:
    """The shape of an input or output for one step."""
    sizes = {"batch": batch, "seq": 1}
    return [sizes.get(size, size) for size in end.shape]


def _buffers(layout: Sequence[StateTensor], batch: int) -> State:
    shapes = [(tensor.num_layers, batch, tensor.size) for tensor in layout]
    return tuple(np.zeros(shape, np.float32) for shape in shapes)


def _binding(
    session: Any,
    layout: Sequence[StateTensor],
    ends: tuple[Any, Any],
    sources: Sequence[Any],
    sinks: Sequence[Any],
) -> Any:
    """Reads x and one set of buffers, writes the answer and the other set."""
    x, answer = ends
    binding = session.io_binding()
    binding.bind_ortvalue_input("x", x)
    binding.bind_ortvalue_output(session.get_outputs()[0].name, answer)
    for tensor, source, sink in zip(layout, sources, sinks, strict=True):
        binding.bind_ortvalue_input(tensor.name, source)
        binding.bind_ortvalue_output(tensor.name + FINAL, sink)
    return binding
