"""An ONNX graph under construction: nodes in order, their constants, and the current value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...device.onnx_metadata import LENGTHS
from ...device.onnx_schema import DOUBLE
from ...model import Array

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

SWAP_BATCH_AND_TIME = [1, 0, 2]
LAST = "lengths/last"  # (batch, 1), the index of each row's last step
FINAL_STEP = "lengths/final"
TO_THE_END = 2**63 - 1  # further than any sequence is long
AXES_INPUT_OPSET = 18  # the first whose ReduceMean and ReduceMax have their axes as an input
SPLIT_COUNTS_OPSET = 18  # the first whose Split must be told into how many parts


@dataclass(frozen=True)
class Value:
    """A value in the graph.

    Attributes:
        name: of the value.
        width: size of its last axis.
        is_sequence: whether it has an axis of time.
        is_time_first: whether it is `(seq, batch, size)`, as the recurrent operators want it.
        finals: of a recurrent stage the values that hold `h` and `c` of a layer, counted back from
            the last as -1, after the last step, `(directions, batch, size)`, where a stage reads
            them; `name` is empty where no stage reads every step.
        is_bidirectional: whether those are two directions.
        layers: of a recurrent stage the values that hold every step of a lower layer, counted back
            like those, `(seq, batch, size)`, where its h at a row's end is gathered.
    """

    name: str
    width: int
    is_sequence: bool = True
    is_time_first: bool = False
    finals: Mapping[tuple[str, int], str] = field(default_factory=dict)
    is_bidirectional: bool = False
    layers: Mapping[int, str] = field(default_factory=dict)


def as_row(value: Value) -> Value:
    """What holds a row, `(batch, size)`, and no longer a sequence."""
    return Value(value.name, value.width, is_sequence=False)


class Graph:
    """Nodes in order, most of them fed by the one before, and the constants that they use.

    Attributes:
        initializers: the constants.
        value: what the next node takes.
        carried: by recurrent stage the graph's inputs that carry its state; empty in a graph that
            carries none.
        takes_lengths: whether the graph has the input `lengths (batch,)`, the steps of each row
            that count.
    """

    def __init__(
        self,
        opset: int,
        width: int,
        carried: Mapping[str, Mapping[str, str]] | None = None,
        takes_lengths: bool = False,
    ) -> None:
        import onnx

        self._onnx = onnx
        self._nodes: list[NodeProto] = []
        self._other_way: dict[str, Value] = {}
        self.opset = opset
        self.initializers: list[TensorProto] = []
        self.value = Value("x", width)
        self.carried = carried or {}
        self.takes_lengths = takes_lengths

    def add(self, op: str, name: str, *others: str, **attributes: Any) -> None:
        """Append a node that maps the current value; its output becomes the current value."""
        name = self.node(op, name, self.value.name, *others, **attributes)
        self.value = replace(self.value, name=name, finals={}, layers={})

    def node(
        self, op: str, name: str, *inputs: str, outputs: tuple[str, ...] = (), **attributes: Any
    ) -> str:
        """Append a node beside the main line; the name of its first output, by default its own."""
        outputs = outputs or (name,)
        given = list(inputs)
        while given and not given[-1]:  # left out at the end; between others they stay empty text
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

    def turned(self, value: Value, name: str) -> Value:
        """A sequence with batch and time exchanged, `name` being free for the node."""
        if value.name not in self._other_way:
            turned = self.node("Transpose", name, value.name, perm=SWAP_BATCH_AND_TIME)
            other = replace(value, name=turned, is_time_first=not value.is_time_first)
            self._other_way |= {value.name: other, turned: value}
        return self._other_way[value.name]

    def squeeze(self, name: str, axis: int) -> None:
        """Drop an axis of length 1."""
        self.add("Squeeze", name, self.integers(f"axis_{axis}", axis))

    def reduce(self, op: str, name: str, axis: int, keepdims: int = 0) -> None:
        """Leave out an axis by its sum, its mean or its largest value, or keep one of it."""
        if op == "ReduceSum" or self.opset >= AXES_INPUT_OPSET:
            self.add(op, name, self.integers(f"axis_{axis}", axis), keepdims=keepdims)
        else:
            self.add(op, name, axes=[axis], keepdims=keepdims)

    def for_every_row(self, name: str, array: Array) -> str:
        """Repeat `array (directions, size)` for every row: `(directions, batch, size)`."""
        shape = "x/for_every_row"
        if not self.has(shape):
            first = self.integers("first", 0)
            batch = self.node("Gather", "x/batch", self._shape_of_x(), first, axis=0)  # (1,)
            unchanged = self.integers("one", 1)  # Expand leaves an axis alone where 1 is asked
            self.node("Concat", shape, unchanged, batch, unchanged, axis=0)  # [1, batch, 1]
        row = self.constant(name, array[:, np.newaxis])  # (directions, 1, size)
        return self.node("Expand", f"{name}/rows", row, shape)

    def _shape_of_x(self) -> str:
        if not self.has("x/shape"):
            self.node("Shape", "x/shape", "x")
        return "x/shape"

    def _seq(self) -> str:
        if not self.has("x/seq"):
            place = self.integer("scalar_1", 1)
            self.node("Gather", "x/seq", self._shape_of_x(), place, axis=0)
        return "x/seq"

    def pick_last(self, name: str, value: str, last: str) -> str:
        """The last step that counts of every row of `value (batch, seq, size)`: `(batch, size)`.

        `last` is `LAST`, or for a LastHidden `FINAL_STEP`, so that a reader can tell them apart.
        """
        if not self.has("lengths/index"):
            wide = self._wide_lengths()
            self.node("Sub", "lengths/index", wide, self.integers("one", 1))  # (batch,), from 0
        if not self.has(last):
            self.node("Unsqueeze", last, "lengths/index", self.integers("axis_1", 1))
        return self.node("GatherND", name, value, last, batch_dims=1)

    def pick_last_steps(self, name: str, value: str, count: int) -> str:
        """The last steps that count of every row of `value (batch, seq, size)`.

        `(batch, count, size)`; a row that has fewer asks for a step that there is not, an error.
        """
        steps = f"lengths/last_{count}"
        if not self.has(steps):
            back = self.constant(f"back_{count}", np.arange(-count, 0)[np.newaxis])  # (1, count)
            ends = self.node("Add", f"{steps}/ends", self._length_column(), back)  # (batch, count)
            is_none = self.node("Less", f"{steps}/none", ends, self.integer("scalar_0", 0))
            # below 0 GatherND would count from the end, and answer with padding
            beyond = self.integer("beyond", TO_THE_END)
            places = self.node("Where", f"{steps}/places", is_none, beyond, ends)
            self.node("Unsqueeze", steps, places, self.integers("axis_2", 2))  # (batch, count, 1)
        return self.node("GatherND", name, value, steps, batch_dims=1)

    def _length_column(self) -> str:
        """The lengths, `(batch, 1)`."""
        column = "lengths/column"
        if not self.has(column):
            self.node("Unsqueeze", column, self._wide_lengths(), self.integers("axis_1", 1))
        return column

    def counts(self) -> str:
        """Whether each step counts, `(batch, seq, 1)`."""
        counts = "lengths/counts"
        if not self.has(counts):
            first = self.integer("scalar_0", 0)
            step = self.integer("scalar_1", 1)
            seq = self._seq()
            steps = self.node("Range", "x/steps", first, seq, step)  # (seq,)
            column = self._length_column()
            less = self.node("Less", "lengths/less", steps, column)  # (batch, seq)
            self.node("Unsqueeze", counts, less, self.integers("axis_2", 2))
        return counts

    def counts_time_first(self) -> str:
        """Whether each step counts, `(seq, batch, 1)`."""
        turned = "lengths/counts_time_first"
        if not self.has(turned):
            self.node("Transpose", turned, self.counts(), perm=SWAP_BATCH_AND_TIME)
        return turned

    def clear_padding(self, name: str) -> None:
        """Zeros after each row's length in the current value, `(batch, seq, size)`."""
        counts = self.counts()
        zero = self.number("zero", 0.0)
        cleared = self.node("Where", name, counts, self.value.name, zero)
        self.value = replace(self.value, name=cleared)

    def for_every_step(self, row: Value, kept: int) -> str:
        """A row `(batch, size)` repeated for every step, or for so many: `(seq, batch, size)`."""
        shape = "x/for_every_step"
        if kept:
            shape = self.integers(f"for_{kept}_steps", kept, 1, 1)
        elif not self.has(shape):
            place = self.integers("one", 1)
            seq = self.node("Gather", "x/seq_axis", self._shape_of_x(), place, axis=0)  # (1,)
            self.node("Concat", shape, seq, place, place, axis=0)  # [seq, 1, 1]
        return self.node("Expand", f"{row.name}/every_step", row.name, shape)

    def float_steps(self) -> str:
        """How many steps x has, as a number to count with, `()`."""
        steps = "x/float_steps"
        if not self.has(steps):
            self.node("Cast", steps, self._seq(), to=self._onnx.TensorProto.FLOAT)
        return steps

    def double_steps(self) -> str:
        """The same in float64."""
        steps = "x/double_steps"
        if not self.has(steps):
            self.node("Cast", steps, self._seq(), to=DOUBLE)
        return steps

    def float_lengths(self) -> str:
        """The lengths to divide by, `(batch, 1)`."""
        divisor = "lengths/divisor"
        if not self.has(divisor):
            number = self.node("Cast", "lengths/float", LENGTHS, to=self._onnx.TensorProto.FLOAT)
            self.node("Unsqueeze", divisor, number, self.integers("axis_1", 1))
        return divisor

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
