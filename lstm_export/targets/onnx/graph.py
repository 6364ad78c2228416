"""An ONNX graph under construction: nodes in order, the constants that they use, and the value that comes next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

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
    """

    def __init__(self, opset: int, width: int, states: Mapping[str, Mapping[str, str]] | None = None) -> None:
        import onnx

        self._onnx = onnx
        self._nodes: list[Any] = []
        self.opset = opset
        self.initializers: list[Any] = []
        self.current = self.source = "x"
        self.is_sequence, self.is_time_first, self.is_bidirectional, self.is_state = True, False, False, False
        self.states = states or {}
        self.width = width

    def add(self, op: str, name: str, *constants: str, outputs: tuple[str, ...] = (), **attributes: Any) -> None:
        """Append a node that maps the current value; its last output becomes the current value."""
        outputs, self.is_state = outputs or (name,), False
        self.node(op, name, self.current, *constants, outputs=outputs, **attributes)
        self.current = outputs[-1]

    def node(self, op: str, name: str, *inputs: str, outputs: tuple[str, ...] = (), **attributes: Any) -> str:
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
            self.initializers.append(self._onnx.numpy_helper.from_array(np.array(array, order="C"), name))
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
            self.node("Shape", "x/shape", "x")
            self.node("Gather", "x/batch", "x/shape", self.integers("first", 0), axis=0)
            one = self.integers("one", 1)
            self.node("Concat", shape, one, "x/batch", one, axis=0)
        return self.node("Expand", f"{name}/rows", self.constant(name, array[:, np.newaxis]), shape)

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
