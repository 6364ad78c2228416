"""What a recorded tensor is: a node of the graph from x, and what its axes are."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ..errors import UnsupportedModel
from ..model import Array
from .tokens import Item

# "batch", "seq", "size" and "batch seq" in one; "one" has length 1 and holds nothing of its own;
# "rows" are the layers and directions of a final state.
Axis: TypeAlias = str


INSTEAD = "write the forward without it, or compute it before or after the model"


class Untranslated(UnsupportedModel):
    """Why one call has no translation; the translator adds which call and where it stands.

    Attributes:
        instead: what its user can do.
    """

    def __init__(self, why: str, instead: str = INSTEAD) -> None:
        super().__init__(why)
        self.instead = instead


class TooShort(UnsupportedModel):
    """A recording has fewer steps than the module reads out; it is to be run with more."""


@dataclass(frozen=True, eq=False)
class Node:
    """One value on the way from x to y.

    Attributes:
        kind: `x`; `item`, a stage or several; `step`, one step of a sequence; `state`, the final
            state of a layer, both directions side by side; `pool`, one row of all steps; `cells`,
            every cell state of a loop; `slice`, some of the features; `concat`, features side by
            side; `add` and other names of `tokens.JOINS`; `spread`, a row as a sequence, at every
            step the same.
        inputs: what it is computed from.
        width: its number of features.
        steps: of the sequence, where it is one; 0 where it is one row.
        item: of an `item`, the module or token; of a `pool` and a `state`, the token.
        numbers: of a `step` which; of a `slice` the features.
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

    def kept(self, key: Hashable, keep: Any, node: Node) -> Node:
        """The first node under a key; `keep` is kept alive, so that identities in the key stay
        taken."""
        return self._made.setdefault(key, (keep, node))[1]

    def step(self, node: Node, t: int) -> Node:
        """One step of a sequence."""
        if node.kind == "tail":
            (whole,) = node.inputs
            return self.step(whole, whole.steps - node.steps + t)
        picked = Node("step", (node,), node.width, 0, numbers=(t,))
        return self.kept(("step", id(node), t), node, picked)

    def cut(self, node: Node, start: int, stop: int) -> Node:
        """Some of the features, neighbours in order."""
        return self.pick(node, tuple(range(start, stop)))

    def pick(self, node: Node, features: tuple[int, ...]) -> Node:
        """Features by their indices, in any order and also more than once."""
        if features == tuple(range(node.width)):
            return node
        if node.kind == "step":
            return self.step(self.pick(node.inputs[0], features), *node.numbers)
        if node.kind == "slice":
            inner = node.numbers
            return self.pick(node.inputs[0], tuple(inner[index] for index in features))
        picked = Node("slice", (node,), len(features), node.steps, numbers=features)
        return self.kept(("slice", id(node), features), node, picked)

    def pool(self, token: str, node: Node) -> Node:
        """One row of all steps of a sequence."""
        made = Node("pool", (node,), node.width, 0, token)
        return self.kept(("pool", id(node), token), node, made)

    def state(self, token: str, node: Node, width: int) -> Node:
        """A final state of a recurrent layer."""
        made = Node("state", (node,), width, 0, token)
        return self.kept(("state", id(node), token), node, made)

    def tail(self, node: Node, count: int) -> Node:
        """The last steps of a sequence, each by itself."""
        if node.kind == "tail":
            node = node.inputs[0]
        made = Node("tail", (node,), node.width, count, f"last({count})")
        return self.kept(("tail", id(node), count), node, made)

    def flat(self, node: Node) -> Node:
        """The steps of a tail side by side."""
        if not is_tail(node):
            raise Untranslated("lays the steps of a sequence side by side, which fixes its length")
        width = node.width * node.steps
        return self.kept(("flat", id(node)), node, Node("flat", (node,), width, 0, "flatten"))

    def spread(self, node: Node, steps: int) -> Node:
        """A row at every step of a sequence."""
        made = Node("spread", (node,), node.width, steps)
        return self.kept(("spread", id(node), steps), node, made)

    def item(self, item: Item, node: Node, key: Hashable, keep: Any, width: int) -> Node:
        """A stage that works on every step alike, so that a step of its input gives a step of
        it."""
        if node.kind == "step":
            return self.step(self.item(item, node.inputs[0], key, keep, width), *node.numbers)
        made = Node("item", (node,), width, node.steps, item)
        return self.kept(("item", id(node), key), (keep, node), made)

    def joined(self, kind: str, inputs: Sequence[Node]) -> Node:
        """What an operation makes of several values, or all of their features side by side; a row
        beside a sequence goes to every step."""
        first = inputs[0]
        if all(node.kind == "step" and node.numbers == first.numbers for node in inputs):
            return self.step(self.joined(kind, [node.inputs[0] for node in inputs]), *first.numbers)
        widths = [node.width for node in inputs]
        width = sum(widths)
        if kind != "concat":
            width = max(widths)
            inputs = [self._as_wide(node, width) for node in inputs]
        rows = [node.inputs[0] if node.kind == "spread" else node for node in inputs]
        if any(node.steps for node in rows):  # a sequence is among them: rows go to its steps
            inputs = rows
        steps = max(node.steps for node in inputs)
        key = (kind, *(id(node) for node in inputs))
        return self.kept(key, inputs, Node(kind, tuple(inputs), width, steps))

    def _as_wide(self, node: Node, width: int) -> Node:
        """A single feature beside several stands for each of them."""
        return node if node.width == width else self.pick(node, (0,) * width)


def is_tail(node: Node) -> bool:
    """Whether a sequence is the last steps of one, whatever is done to each."""
    while node.kind != "tail" and node.inputs:
        longest = max(node.inputs, key=lambda each: each.steps)
        if node.kind == "flat" or longest.steps != node.steps:
            return False
        node = longest
    return node.kind == "tail"


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
