"""An ONNX graph under construction: nodes in order, their constants, and the current value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ...device.onnx_metadata import LENGTHS
from ...model import Array

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

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
        states: by recurrent stage the graph's inputs that carry its state; empty in a graph that
            carries none.
        takes_lengths: whether the graph has the input `lengths (batch,)`, the steps of each row
            that count.
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
        self._nodes: list[NodeProto] = []
        self.opset = opset
        self.initializers: list[TensorProto] = []
        self.current = "x"
        self.source = "x"
        self.is_sequence = True
        self.is_time_first = False
        self.is_bidirectional = False
        self.is_state = False
        self.states = states or {}
        self.takes_lengths = takes_lengths
        self.width = width

    def add(self, op: str, name: str, *constants: str, **attributes: Any) -> None:
        """Append a node that maps the current value; its output becomes the current value."""
        self.current = self.node(op, name, self.current, *constants, **attributes)
        self.is_state = False

    def node(
        self, op: str, name: str, *inputs: str, outputs: tuple[str, ...] = (), **attributes: Any
    ) -> str:
        """Append a node beside the main line; the name of its first output, by default its own."""
        outputs = outputs or (name,)
        given = list(inputs)
        while given and not given[-1]:  # optional inputs that are left out
            given.pop()
        node = self._onnx.helper.make_node(op, given, outputs, name=name, **attributes)
        self._nodes.append(node)
        return outputs[0]

    def constant(self, name: str, array: Array) -> str:
        """Store an array once under `name` and return the name."""
        if all(known.name != name for known in self.initializers):
            contiguous = np.array(array, order="C")
            self.initializers.append(self._onnx.numpy_helper.from_array(contiguous, name))
        return name

    def integers(self, name: str, *values: int) -> str:
        """Store whole numbers, such as axes or a shape, `(n,)`."""
        return self.constant(name, np.array(values, np.int64))

    def integer(self, name: str, value: int) -> str:
        """Store one whole number, such as an index, `()`."""
        return self.constant(name, np.array(value, np.int64))

    def number(self, name: str, value: float) -> str:
        """Store one number, `()`."""
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
        """Repeat `array (directions, size)` for every row: `(directions, batch, size)`."""
        shape = "x/for_every_row"
        if not self.has(shape):
            first = self.integers("first", 0)
            batch = self.node("Gather", "x/batch", self._shape_of_x(), first, axis=0)
            unchanged = self.integers("one", 1)
            self.node("Concat", shape, unchanged, batch, unchanged, axis=0)
        row = self.constant(name, array[:, np.newaxis])
        return self.node("Expand", f"{name}/rows", row, shape)

    def _shape_of_x(self) -> str:
        if not self.has("x/shape"):
            self.node("Shape", "x/shape", "x")
        return "x/shape"

    def pick_last(self, name: str, value: str) -> str:
        """The last step that counts of every row of `value (batch, seq, size)`: `(batch, size)`."""
        last = "lengths/last"  # (batch, 1)
        if not self.has(last):
            wide = self._wide_lengths()
            index = self.node("Sub", "lengths/index", wide, self.integers("one", 1))
            self.node("Unsqueeze", last, index, self.integers("axis_1", 1))
        return self.node("GatherND", name, value, last, batch_dims=1)

    def clear_padding(self, name: str) -> None:
        """Zeros after each row's length in the current value, `(batch, seq, size)`."""
        first = self.integer("scalar_0", 0)
        step = self.integer("scalar_1", 1)
        seq = self.node("Gather", "x/seq", self._shape_of_x(), step, axis=0)
        steps = self.node("Range", "x/steps", first, seq, step)  # (seq,)
        wide = self._wide_lengths()
        column = self.node("Unsqueeze", "lengths/column", wide, self.integers("axis_1", 1))
        less = self.node("Less", "lengths/less", steps, column)  # (batch, seq)
        counts = self.node("Unsqueeze", "lengths/counts", less, self.integers("axis_2", 2))
        zero = self.number("zero", 0.0)
        self.current = self.node("Where", name, counts, self.current, zero)

    def _wide_lengths(self) -> str:
        """The lengths in the type that indices have."""
        wide = "lengths/wide"
        if not self.has(wide):
            self.node("Cast", wide, LENGTHS, to=self._onnx.TensorProto.INT64)
        return wide

    def split(self, name: str, parts: int) -> list[str]:
        """The layers of a state `(num_layers, batch, size)`, each `(1, batch, size)`."""
        if parts == 1:
            return [name]
        outputs = tuple(f"{name}/l{k}" for k in range(parts))
        counts = {"num_outputs": parts} if self.opset >= SPLIT_COUNTS_OPSET else {}
        self.node("Split", f"{name}/split", name, outputs=outputs, axis=0, **counts)
        return list(outputs)

    def nodes_to(self, output: str) -> list[NodeProto]:
        """The nodes, the last of which writes to `output`."""
        self._nodes[-1].output[-1] = output
        return self._nodes
