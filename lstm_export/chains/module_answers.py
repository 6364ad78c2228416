"""What a module answers with: one value for every row, or for every row and step; several heads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from .parts import Part
from .side_by_side import concat, is_recurrent
from .signals import Node, Nodes, Signal, Untranslated, is_tail


class Answer(NamedTuple):
    """One of a module's answers.

    Attributes:
        node: its value, all that it holds of a row or step side by side.
        every_step: whether it has an axis for the steps.
    """

    node: Node
    every_step: bool


def answer_of(signal: Signal, nodes: Nodes) -> Answer:
    """What a recorded tensor answers.

    Raises:
        Untranslated: its axes are not those of a y.
    """
    outer = [axis for axis in signal.axes if axis not in ("one", "size", "rows")]
    is_leading = signal.axes[: len(outer)] == tuple(outer) or not signal.nodes.ndim
    if outer not in _OUTER or not is_leading:
        raise _no_answer(signal)
    node = _side_by_side(signal, nodes)
    if outer == ["batch", "seq"] and is_tail(node):
        return Answer(nodes.flat(node), every_step=False)
    return Answer(node, every_step=len(outer) == 2)


_OUTER = (["batch"], ["batch", "seq"], ["seq", "batch"])


def _no_answer(signal: Signal) -> Untranslated:
    return Untranslated(
        f"answers with the axes ({', '.join(signal.axes)})",
        "answer (batch, features) or (batch, steps, features)",
    )


def _side_by_side(signal: Signal, nodes: Nodes) -> Node:
    """All that it holds of a row or step, in the order of its axes."""
    if not signal.nodes.ndim:
        return signal.node
    node = concat(nodes, list(signal.nodes.flat))
    inner = [axis for axis in signal.axes if axis in ("size", "rows")]
    if "size" not in inner or inner[-1] == "size":
        return node
    if inner != ["size", "rows"]:
        raise _no_answer(signal)
    rows = signal.nodes.size
    width = signal.width
    by_row = np.arange(rows * width).reshape(rows, width)  # where each feature of each row lies
    order = by_row.T.ravel()  # feature by feature
    return nodes.pick(node, tuple(order.tolist()))


def heads_among(answers: Mapping[int, Answer]) -> tuple[int, ...]:
    """Which answers are heads beside each other: each ends in a module of its own, and all are of
    one kind."""
    found: dict[int, int] = {}
    for pick, answer in answers.items():
        if _ends_in_module(answer.node):
            found.setdefault(id(answer.node), pick)
    picks = tuple(found.values())
    kinds = {answers[pick].every_step for pick in picks}
    return picks if len(kinds) == 1 else ()


def _ends_in_module(node: Node) -> bool:
    """Whether a module with weights stands behind the last recurrent layer."""
    while node.inputs and not is_recurrent(node):
        if isinstance(node.item, Part) and node.item.kind != "Affine":
            return True
        node = node.inputs[0]
    return False
