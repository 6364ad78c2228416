"""Nodes -> the steps of a program: every value once, and a step picked as early as can be."""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Affine
from .parts import Part
from .program import INPUT, Program, Step
from .sentinel_calls import MASK
from .side_by_side import is_recurrent
from .signals import Node, Untranslated
from .tokens import JOINS, Item, scaler_text, slice_text

_NO_STAGE = {
    "cells": "reads out the cell state of every step",
    MASK: "answers with truth values",
    "spread": "repeats a row at every step, and not beside a sequence",
}


def program_to(node: Node, x: Node) -> Program:
    """What computes a node from x.

    Raises:
        Untranslated: a part of it has no stage.
    """
    try:
        items = tuple(_chain(node, x))
    except Untranslated:
        steps = _Steps(x, frozenset(_needed(node)))
        steps.value(node)
        return Program(tuple(steps.found), x.width).ordered()
    return Program.chain(items, x.width)


class _Steps:
    """One walk back from the answer."""

    def __init__(self, x: Node, whole: frozenset[int]) -> None:
        self.found: list[Step] = []
        self._x = x
        self._whole = whole  # sequences of which every step is needed
        self._made: dict[tuple[int, str], int] = {}

    def value(self, node: Node, pick: str = "") -> int:
        """The step that gives a node's value, or with `last` and `first` that step of it."""
        if node is self._x and not pick:
            return INPUT
        key = (id(node), pick)
        if key not in self._made:
            self._made[key] = self._picked(node, pick) if pick else self._computed(node)
        return self._made[key]

    def _computed(self, node: Node) -> int:
        if node.kind == "step":
            return self.value(node.inputs[0], _pick(node))
        return self._step(_item(node), node)

    def _picked(self, node: Node, pick: str) -> int:
        """One step of a sequence: of what it is computed from, unless that needs all steps."""
        if not node.steps:
            return self.value(node)
        is_made = id(node) in self._whole or node.kind == "tail"
        if node is self._x or is_recurrent(node) or is_made:
            return self._add(pick, self.value(node))
        if node.kind == "cells" and pick == "last":
            return self._add("cell", self.value(node.inputs[0]))
        return self._step(_item(node), node, pick)

    def _step(self, item: Item, node: Node, pick: str = "") -> int:
        takes = [self.value(source, pick if source.steps else "") for source in node.inputs]
        return self._add(item, *takes)

    def _add(self, item: Item, *takes: int) -> int:
        step = Step(item, takes)
        if step in self.found:
            return self.found.index(step)
        self.found.append(step)
        return len(self.found) - 1


def _needed(node: Node) -> Iterator[int]:
    """The sequences of which every step is needed, by identity."""
    waiting = [(node, False)]
    seen: set[tuple[int, bool]] = set()
    while waiting:
        current, picked = waiting.pop()
        if (id(current), picked) in seen:
            continue
        seen.add((id(current), picked))
        if current.steps and not picked:
            yield id(current)
        inner = current.kind == "step" or (picked and not is_recurrent(current))
        waiting += [(source, inner) for source in current.inputs]


def _pick(node: Node) -> str:
    """Which step is read out."""
    (number,) = node.numbers
    steps = node.inputs[0].steps
    if number == steps - 1:
        return "last"
    if number == 0:
        return "first"
    raise Untranslated(f"reads out step {number} of {steps}, only the first and last have a stage")


def _item(node: Node) -> Item:
    """The module or token of a node."""
    if node.kind in _NO_STAGE:
        raise Untranslated(f"{_NO_STAGE[node.kind]}: no stage does")
    if node.kind == "slice":
        return slice_text(node.numbers)
    if node.kind in JOINS:
        return node.kind
    item = node.item
    if isinstance(item, Part) and item.kind == "Affine":
        return _scaler_token(item)
    return item


def _scaler_token(part: Part) -> str:
    """A scaler has no weights in the state_dict: its numbers stand in the text."""
    (stage,) = part.stages
    assert isinstance(stage, Affine)  # noqa: S101 - its kind says so
    return scaler_text(stage)


# Chains, which may add features of x at their end


def _chain(node: Node, x: Node, last: bool = False) -> list[Item]:
    """The items from x to a node, or to its last step."""
    if node is x:
        return ["last"] if last else []
    if node.kind == "step" and _pick(node) == "last":
        return _chain(node.inputs[0], x, last=True)
    if node.kind == "add":
        return _skip(node, x, last)
    if node.kind in ("item", "pool", "slice", "state", "tail", "flat") and len(node.inputs) == 1:
        (source,) = node.inputs
        if last and is_recurrent(node):
            return [*_chain(source, x), _item(node), "last"]
        return [*_chain(source, x, last and bool(source.steps)), _item(node)]
    raise Untranslated("is no chain")


def _skip(node: Node, x: Node, last: bool) -> list[Item]:
    """A sum with features of x, or with them as a scaler that begins the chain leaves them."""
    if len(node.inputs) != 2:
        raise Untranslated("is no chain")
    for main, side in (node.inputs, node.inputs[::-1]):
        base = side.inputs[0] if side.kind == "slice" else side
        features = side.numbers if side.kind == "slice" else tuple(range(side.width))
        is_input = base in (x, _scaler(main, x)) and main is not x
        if not is_input:
            continue
        items = _chain(main, x, last)
        starts_scaled = str(items[0]).startswith("normalize")
        if (base is not x) == starts_scaled:
            repeated = features[:1] if len(set(features)) == 1 else features
            return [*items, f"skip({', '.join(map(str, repeated))})"]
    raise Untranslated("is no chain")


def _scaler(node: Node, x: Node) -> Node | None:
    """The scaler that stands right behind x on the way to a node."""
    while node.inputs:
        if node.inputs[0] is x:
            scales = isinstance(node.item, Part) and isinstance(node.item.stages[0], Affine)
            return node if scales else None
        node = node.inputs[0]
    return None
