"""A walk along the nodes of an ONNX graph, each of which must be exactly what the caller expects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...errors import UnsupportedModel
from ...model import Array

if TYPE_CHECKING:
    from onnx import ModelProto

# What may stand for an input beside the name of a value: a constant, or a constant that can be left out.
CONSTANT, OPTIONAL = "<constant>", "<optional constant>"


class Taken(NamedTuple):
    """A node that was stepped over: the constants among its inputs, in order (None where left out), and its outputs."""

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

    def __init__(self, proto: ModelProto) -> None:
        from onnx import numpy_helper

        graph = proto.graph
        if (
            proto.functions
            or graph.sparse_initializer
            or any(entry.domain for entry in proto.opset_import)
        ):
            raise UnsupportedModel(
                "the graph has functions, sparse weights or operators of another domain"
            )
        if any(tensor.data_location for tensor in graph.initializer):
            raise UnsupportedModel(
                "the weights lie in another file (external data); export again as one file"
            )
        self.current = "x"
        self.opset = max((entry.version for entry in proto.opset_import), default=0)
        self._constants = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer
        }
        self._unused = set(self._constants)
        self._nodes = list(graph.node)
        self._at = 0

    @property
    def left(self) -> int:
        """Nodes that are still to come."""
        return len(self._nodes) - self._at

    def op(self, ahead: int = 0) -> str:
        """The operator of the next node, or of one further ahead; empty behind the end."""
        return str(self._nodes[self._at + ahead].op_type) if self.left > ahead else ""

    def name(self, ahead: int = 0) -> str:
        """The name of the next node, or of one further ahead; empty behind the end."""
        return str(self._nodes[self._at + ahead].name) if self.left > ahead else ""

    def constant(self, index: int) -> Array | None:
        """An input of the next node, where it is a constant: what its attributes must agree with."""
        names = self._nodes[self._at].input if self.left else ()
        return self._constants.get(names[index]) if len(names) > index else None

    def is_constant_named(self, index: int, name: str) -> bool:
        """Whether an input of the next node has this name."""
        names = self._nodes[self._at].input if self.left else ()
        return len(names) > index and names[index] == name

    def attribute(self, name: str) -> float:
        """A number among the attributes of the next node.

        Raises:
            UnsupportedModel: it has none of this name.
        """
        for attribute in self._nodes[self._at].attribute if self.left else ():
            if attribute.name == name:
                return float(attribute.f)
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
            inputs: names of values, CONSTANT or OPTIONAL, one an input; trailing optional ones may be missing.
            attributes: all of its attributes.

        Raises:
            UnsupportedModel: it is another node; the message says what was expected.
        """
        from onnx.helper import get_attribute_value

        node = self._nodes[self._at] if self.left else None
        if node is None or node.op_type != op or node.domain:
            raise UnsupportedModel(
                f"expected {op} after {self.current!r}, got {node.op_type if node else 'the end'}"
            )
        got = {attribute.name: get_attribute_value(attribute) for attribute in node.attribute}
        if got != attributes:
            raise UnsupportedModel(
                f"{op} {node.name!r} has attributes {got}, expected {attributes}"
            )
        given = [*node.input, *[""] * (len(inputs) - len(node.input))]
        fits = len(given) == len(inputs) and all(map(self._fits, given, inputs))
        if not fits:
            raise UnsupportedModel(
                f"{op} {node.name!r} takes {list(node.input)}, expected {', '.join(inputs)}"
            )
        self._at += 1
        self._unused -= set(given)
        constants = (
            self._constants.get(name)
            for name, kind in zip(given, inputs, strict=True)
            if _is_constant(kind)
        )
        return Taken(tuple(constants), tuple(node.output))

    def integers(self, op: str, *values: int, **attributes: Any) -> None:
        """Step over a node of the main line whose one constant holds just these whole numbers."""
        (found,) = self.advance(op, CONSTANT, **attributes).arrays()
        if found.dtype != np.int64 or found.reshape(-1).tolist() != list(values):
            raise UnsupportedModel(
                f"{op} before {self.current!r} has {found.tolist()}, expected {list(values)}"
            )

    def number(self, op: str, value: float) -> None:
        """Step over a node of the main line whose one constant is just this number."""
        (found,) = self.advance(op, CONSTANT).arrays()
        check_number(found, value, self.current)

    def check_end(self, output: str) -> None:
        """Everything was used and the main line ends in `output`."""
        if self._unused or self.left or self.current != output:
            raise UnsupportedModel(
                f"the graph ends in {self.current!r} with {sorted(self._unused)} unused"
            )

    def _fits(self, name: str, expected: str) -> bool:
        if expected == OPTIONAL:
            return not name or name in self._constants
        return name in self._constants if expected == CONSTANT else name == expected


def check_number(array: Array, value: float, where: str) -> None:
    """One float32 number, exactly.

    Raises:
        UnsupportedModel: it is another.
    """
    if array.shape or array.dtype != np.float32 or array != np.float32(value):
        raise UnsupportedModel(f"before {where!r} stands {array.tolist()}, expected {value}")


def _is_constant(kind: str) -> bool:
    return kind in (CONSTANT, OPTIONAL)
