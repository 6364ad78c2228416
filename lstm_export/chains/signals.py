"""What a recorded tensor is: a node of the graph from x, and what its axes are."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ..errors import UnsupportedModel
from ..model import Array
from .forward_text import Item

# "batch", "seq", "size" and "batch seq" in one; "one" has length 1 and holds nothing of its own;
# "rows" are the layers and directions of a final state.
Axis: TypeAlias = str


class Untranslated(UnsupportedModel):
    """Why one call has no translation; the translator adds which call and where it stands."""


@dataclass(frozen=True, eq=False)
class Node:
    """One value on the way from x to y.

    Attributes:
        kind: `x`; `item`, a stage or several; `step`, one step of a sequence; `hidden`, the final
            hidden state of a layer with two directions; `state`, another final state; `slice`, some
            of the features; `add`, a sum; `concat`, features side by side.
        inputs: what it is computed from.
        width: its number of features.
        steps: of the sequence, where it is one; 0 where it is one step.
        item: of an `item`, the module or token.
        numbers: of a `step` which; of a `slice` from and to; of a `state` its row.
    """

    kind: str
    inputs: tuple[Node, ...]
    width: int
    steps: int
    item: Item = ""
    numbers: tuple[int, ...] = ()


class Nodes:
    """Makes nodes, the same one for the same computation. A step is always the outermost of what is
    done to it."""

    def __init__(self) -> None:
        self._made: dict[Hashable, tuple[Any, Node]] = {}

    def make(self, key: Hashable, keep: Any, make: Callable[[], Node]) -> Node:
        """The node under a key; `keep` is kept alive, so that identities in the key stay taken."""
        if key not in self._made:
            self._made[key] = (keep, make())
        return self._made[key][1]

    def step(self, node: Node, t: int) -> Node:
        """One step of a sequence."""
        return self.make(
            ("step", id(node), t), node, lambda: Node("step", (node,), node.width, 0, numbers=(t,))
        )

    def cut(self, node: Node, start: int, stop: int) -> Node:
        """Some of the features."""
        if (start, stop) == (0, node.width):
            return node
        if node.kind == "step":
            return self.step(self.cut(node.inputs[0], start, stop), *node.numbers)
        if node.kind == "slice":
            first = node.numbers[0]
            return self.cut(node.inputs[0], first + start, first + stop)

        def made() -> Node:
            return Node("slice", (node,), stop - start, node.steps, numbers=(start, stop))

        return self.make(("slice", id(node), start, stop), node, made)

    def item(self, item: Item, node: Node, key: Hashable, keep: Any, width: int) -> Node:
        """A stage that works on every step alike, so that a step of its input gives a step of
        it."""
        if node.kind == "step":
            return self.step(self.item(item, node.inputs[0], key, keep, width), *node.numbers)
        made = lambda: Node("item", (node,), width, node.steps, item)  # noqa: E731
        return self.make(("item", id(node), key), (keep, node), made)

    def joined(self, kind: str, inputs: Sequence[Node]) -> Node:
        """The sum of several, or all of their features."""
        first = inputs[0]
        if all(node.kind == "step" and node.numbers == first.numbers for node in inputs):
            return self.step(self.joined(kind, [node.inputs[0] for node in inputs]), *first.numbers)
        widths = [node.width for node in inputs]
        width = sum(widths) if kind == "concat" else max(widths)
        steps = max(node.steps for node in inputs)
        key = (kind, *(id(node) for node in inputs))
        return self.make(key, inputs, lambda: Node(kind, tuple(inputs), width, steps))


@dataclass(frozen=True, eq=False)
class Signal:
    """A recorded tensor.

    Attributes:
        axes: what each of its axes is.
        nodes: an array of nodes with an axis for each axis of rows; without one it holds a single
            node.
    """

    axes: tuple[Axis, ...]
    nodes: Array

    @classmethod
    def of(cls, axes: Sequence[Axis], node: Node) -> Signal:
        """A tensor without rows."""
        nodes = np.empty((), object)
        nodes[()] = node
        return cls(tuple(axes), nodes)

    @property
    def node(self) -> Node:
        """Its one node.

        Raises:
            Untranslated: it holds the rows of a state.
        """
        if self.nodes.ndim:
            raise Untranslated("takes the states of several layers or directions at once")
        node: Node = self.nodes.item()
        return node

    @property
    def width(self) -> int:
        """Its number of features."""
        return int(self.nodes.flat[0].width)

    def map(self, change: Callable[[Node], Node]) -> Signal:
        """The same axes, every node changed."""
        nodes = np.empty(self.nodes.shape, object)
        for place in np.ndindex(nodes.shape):
            nodes[place] = change(self.nodes[place])
        return Signal(self.axes, nodes)

    def settled(self) -> Signal:
        """A last axis of length 1 is that of the features where there is only one."""
        if self.axes and self.axes[-1] == "one" and "size" not in self.axes and self.width == 1:
            return Signal((*self.axes[:-1], "size"), self.nodes)
        return self
