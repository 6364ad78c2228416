"""An ONNX graph under construction: nodes in order, the constants that they use, and the value that comes next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...device.onnx_metadata import LENGTHS
from ...model import Array

SWAP_BATCH_AND_TIME = [1, 0, 2]
SPLIT_COUNTS_OPSET = 18  # the first whose Split must be told into how many parts


class Graph:
    """Nodes in order, most of them fed by the one before, and the constants that they use.

    Attributes:
        initializers: the constants.
        current: name of the value that the next node takes.
        source: what a Skip adds features of, `(batch, seq, input_size)`.
        is_sequence: whether the current value still has an axis of time.
        is_time_first: whether it is `(seq, batch, size)`, as the recurrent operators want it.
        is_bidirectional: whether the last recurrent node has two directions.
        is_state: whether it is the final state of a recurrent node, `(directions, batch, size)`.
        width: size of the current value's last axis.
        states: by recurrent stage the graph's inputs that carry its state; empty in a graph that carries none.
        takes_lengths: whether the graph has the input `lengths (batch,)`, the steps of each row that count.
    """

    def __init__(
        self,
        opset: int,
        width: int,
        states: Mapping[str, Mapping[str, str]] | None = None,
        takes_lengths: bool = False,
    ) -> None:
        import onnx

        self._onnx = onnx
        self._nodes: list[Any] = []
        self.opset = opset
        self.initializers: list[Any] = []
        self.current = self.source = "x"
        self.is_sequence, self.is_time_first, self.is_bidirectional, self.is_state = (
            True,
            False,
            False,
            False,
        )
        self.states = states or {}
        self.takes_lengths = takes_lengths
        self.width = width

    def add(
        self, op: str, name: str, *constants: str, outputs: tuple[str, ...] = (), **attributes: Any
    ) -> None:
        """Append a node that maps the current value; its last output becomes the current value."""
        outputs, self.is_state = outputs or (name,), False
        self.node(op, name, self.current, *constants, outputs=outputs, **attributes)
        self.current = outputs[-1]

    def node(
        self, op: str, name: str, *inputs: str, outputs: tuple[str, ...] = (), **attributes: Any
    ) -> str:
        """Append a node beside the main line; the name of its first output, by default its own."""
        outputs = outputs or (name,)
        given = list(inputs)
        while given and not given[-1]:  # optional inputs that are left out
            given.pop()
        self._nodes.append(self._onnx.helper.make_node(op, given, outputs, name=name, **attributes))
        return outputs[0]

    def constant(self, name: str, array: Array) -> str:
        """Store an array once under `name` and return the name."""
        if all(known.name != name for known in self.initializers):
            self.initializers.append(
                self._onnx.numpy_helper.from_array(np.array(array, order="C"), name)
            )
        return name

    def integers(self, name: str, *values: int) -> str:
        """Store whole numbers, such as axes or a shape."""
        return self.constant(name, np.array(values, np.int64))

    def number(self, name: str, value: float) -> str:
        """Store one number."""
        return self.constant(name, np.array(value, np.float32))

    def has(self, name: str) -> bool:
        """Whether a node of this name is there already."""
        return any(node.name == name for node in self._nodes)

    def swap_batch_and_time(self, name: str) -> None:
        """Transpose between `(batch, seq, size)` and `(seq, batch, size)`."""
        self.add("Transpose", name, perm=SWAP_BATCH_AND_TIME)
        self.is_time_first = not self.is_time_first

    def squeeze(self, name: str, axis: int) -> None:
        """Drop an axis of length 1."""
        self.add("Squeeze", name, self.integers(f"axis_{axis}", axis))

    def for_every_row(self, name: str, array: Array) -> str:
        """Repeat `array (directions, size)` for every row of the batch: `(directions, batch, size)`."""
        shape = "x/for_every_row"
        if not self.has(shape):
            self.node("Gather", "x/batch", self._shape_of_x(), self.integers("first", 0), axis=0)
            one = self.integers("one", 1)
            self.node("Concat", shape, one, "x/batch", one, axis=0)
        return self.node("Expand", f"{name}/rows", self.constant(name, array[:, np.newaxis]), shape)

    def _shape_of_x(self) -> str:
        return "x/shape" if self.has("x/shape") else self.node("Shape", "x/shape", "x")

    def pick_last(self, name: str, value: str) -> str:
        """The last step that counts of every row of `value (batch, seq, size)`: `(batch, size)`."""
        last = "lengths/last"  # (batch, 1)
        if not self.has(last):
            index = self.node("Sub", "lengths/index", self._wide_lengths(), self.integers("one", 1))
            self.node("Unsqueeze", last, index, self.integers("axis_1", 1))
        return self.node("GatherND", name, value, last, batch_dims=1)

    def clear_padding(self, name: str) -> None:
        """Zeros behind each row's length in the current value, `(batch, seq, size)`."""
        scalars = (
            self.constant(f"scalar_{number}", np.array(number, np.int64)) for number in (0, 1)
        )
        zero, one = scalars
        seq = self.node("Gather", "x/seq", self._shape_of_x(), one, axis=0)
        steps = self.node("Range", "x/steps", zero, seq, one)  # (seq,)
        column = self.node(
            "Unsqueeze", "lengths/column", self._wide_lengths(), self.integers("axis_1", 1)
        )
        counts = self.node("Less", "lengths/less", steps, column)  # (batch, seq)
        counts = self.node("Unsqueeze", "lengths/counts", counts, self.integers("axis_2", 2))
        self.current = self.node("Where", name, counts, self.current, self.number("zero", 0.0))

    def _wide_lengths(self) -> str:
        """The lengths in the type that indices have."""
        wide = "lengths/wide"
        return (
            wide
            if self.has(wide)
            else self.node("Cast", wide, LENGTHS, to=self._onnx.TensorProto.INT64)
        )

    def split(self, name: str, parts: int) -> list[str]:
        """The layers of a state `(num_layers, batch, size)`, each `(1, batch, size)`."""
        if parts == 1:
            return [name]
        outputs = tuple(f"{name}/l{k}" for k in range(parts))
        attributes = {"num_outputs": parts} if self.opset >= SPLIT_COUNTS_OPSET else {}
        self.node("Split", f"{name}/split", name, outputs=outputs, axis=0, **attributes)
        return list(outputs)

    def nodes_to(self, output: str) -> list[Any]:
        """The nodes, the last one writing to `output`."""
        self._nodes[-1].output[-1] = output
        return self._nodes
