"""A walk along the nodes of an ONNX graph, each of which must be exactly what is expected."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ...device.onnx_file import Node, OnnxFile
from ...errors import UnsupportedModel
from ...model import Array

# What may stand for an input beside the name of a value.
CONSTANT = "<constant>"
OPTIONAL = "<optional constant>"  # a constant that can be left out


class Taken(NamedTuple):
    """A node that was stepped over.

    Attributes:
        constants: those among its inputs, in order; None where left out.
        outputs: their names.
    """

    constants: tuple[Array | None, ...]
    outputs: tuple[str, ...]

    def arrays(self) -> list[Array]:
        """The constants that are there."""
        return [array for array in self.constants if array is not None]


class Walk:
    """Steps over node after node.

    Attributes:
        current: the value that the main line has arrived at.
        opset: version of the operators.
    """

    def __init__(self, file: OnnxFile) -> None:
        self.current = "x"
        self.opset = file.opset
        self._constants = file.constants
        self._unused = set(self._constants)
        self._nodes = file.nodes
        self._next = 0

    @property
    def left(self) -> int:
        """Nodes that are still to come."""
        return len(self._nodes) - self._next

    def _node(self, ahead: int = 0) -> Node | None:
        """The next node, or one further ahead; None after the end."""
        return self._nodes[self._next + ahead] if ahead < self.left else None

    def op(self, ahead: int = 0) -> str:
        """The operator of the next node, or of one further ahead; empty after the end."""
        node = self._node(ahead)
        return "" if node is None else node.op_type

    def name(self) -> str:
        """The name of the next node; empty after the end."""
        node = self._node()
        return "" if node is None else node.name

    def constant(self, index: int) -> Array | None:
        """An input of the next node, where it is a constant that its attributes must agree with."""
        return self._constants.get(self.input_name(index))

    def taken_by(self, *ops: str) -> str:
        """The first input of the next node of these operators; empty where none is left."""
        for node in self._nodes[self._next :]:
            if node.op_type in ops:
                return node.inputs[0]
        return ""

    def values(self) -> list[str]:
        """The inputs of the next node that are no constants."""
        node = self._node()
        return [] if node is None else [name for name in node.inputs if name not in self._constants]

    def is_input_named(self, index: int, name: str) -> bool:
        """Whether an input of the next node has this name."""
        return self.input_name(index) == name

    def input_name(self, index: int) -> str:
        """The name of an input of the next node; empty where it has none."""
        node = self._node()
        if node is None or index >= len(node.inputs):
            return ""
        return node.inputs[index]

    def has_attribute(self, name: str) -> bool:
        """Whether the next node has an attribute of this name."""
        node = self._node()
        return node is not None and name in node.attributes

    def attribute(self, name: str) -> float:
        """A number among the attributes of the next node.

        Raises:
            UnsupportedModel: it has none of this name.
        """
        node = self._node()
        value = node.attributes.get(name) if node else None
        if isinstance(value, float):
            return value
        raise UnsupportedModel(f"{self.name()!r} has no attribute {name}")

    def advance(self, op: str, *others: str, **attributes: Any) -> Taken:
        """Step over a node of the main line, which takes the current value first."""
        taken = self.take(op, self.current, *others, **attributes)
        self.current = taken.outputs[-1]
        return taken

    def take(self, op: str, *inputs: str, **attributes: Any) -> Taken:
        """Step over the next node.

        Args:
            op: its operator.
            inputs: names of values, CONSTANT or OPTIONAL for each input; trailing optional ones may
                be missing.
            attributes: all of its attributes.

        Raises:
            UnsupportedModel: it is another node; the message says what was expected.
        """
        node = self._node()
        if node is None or node.op_type != op:
            got = node.op_type if node else "the end"
            raise UnsupportedModel(f"expected {op} after {self.current!r}, got {got}")
        if node.attributes != attributes:
            got = f"{op} {node.name!r} has attributes {dict(node.attributes)}"
            raise UnsupportedModel(f"{got}, expected {attributes}")
        missing = len(inputs) - len(node.inputs)  # ONNX leaves trailing optional inputs out
        given = [*node.inputs, *[""] * missing]
        fits = len(given) == len(inputs) and all(map(self._fits, given, inputs))
        if not fits:
            got = f"{op} {node.name!r} takes {list(node.inputs)}"
            raise UnsupportedModel(f"{got}, expected {', '.join(inputs)}")
        self._next += 1
        self._unused -= set(given)  # what is never read has no place in the graph: `check_end`
        pairs = zip(given, inputs, strict=True)
        constants = [self._constants.get(name) for name, kind in pairs if _is_constant(kind)]
        return Taken(tuple(constants), node.outputs)

    def follow(self, op: str, *inputs: str, **attributes: Any) -> Taken:
        """Step over the next node; the main line goes on with its only output."""
        taken = self.take(op, *inputs, **attributes)
        (self.current,) = taken.outputs
        return taken

    def integers(self, op: str, *values: int, **attributes: Any) -> None:
        """Step over a node of the main line whose only constant holds just these whole numbers."""
        (array,) = self.advance(op, CONSTANT, **attributes).arrays()
        if array.dtype != np.int64 or array.reshape(-1).tolist() != list(values):
            got = f"{op} before {self.current!r} has {array.tolist()}"
            raise UnsupportedModel(f"{got}, expected {list(values)}")

    def number(self, op: str, value: float) -> None:
        """Step over a node of the main line whose only constant is just this number."""
        (array,) = self.advance(op, CONSTANT).arrays()
        check_number(array, value, self.current)

    def check_end(self, output: str) -> None:
        """Everything was used and the main line ends in `output`."""
        if self._unused or self.left or self.current != output:
            unused = sorted(self._unused)
            raise UnsupportedModel(f"the graph ends in {self.current!r} with {unused} unused")

    def _fits(self, name: str, expected: str) -> bool:
        if expected == OPTIONAL:
            return not name or name in self._constants
        if expected == CONSTANT:
            return name in self._constants
        return name == expected and name not in self._constants


def check_number(array: Array, value: float, where: str) -> None:
    """One float32 number, exactly.

    Raises:
        UnsupportedModel: it is another.
    """
    if array.shape or array.dtype != np.float32 or array != np.float32(value):
        raise UnsupportedModel(f"before {where!r} stands {array.tolist()}, expected {value}")


def check_whole(taken: Taken, *values: int | list[Any] | range) -> None:
    """The node's constants are just these whole numbers; a range is a row `(1, n)` of them.

    Raises:
        UnsupportedModel: they are others.
    """
    found = taken.arrays()
    are_alike = len(found) == len(values) and all(map(_holds, found, values))
    if not are_alike or any(array.dtype != np.int64 for array in found):
        where = taken.outputs[0]
        got = [array.tolist() for array in found]
        raise UnsupportedModel(f"before {where!r} stand {got}, expected {list(values)}")


def _holds(array: Array, value: int | list[Any] | range) -> bool:
    if isinstance(value, range):  # its length is a stranger's: nothing is made of it before
        return array.shape == (1, len(value)) and array.tolist() == [list(value)]
    return bool(array.tolist() == value)


def _is_constant(kind: str) -> bool:
    return kind in (CONSTANT, OPTIONAL)
