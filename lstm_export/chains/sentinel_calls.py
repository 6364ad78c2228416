"""What a comparison with a sentinel and a choice by it become: `torch.where(x == -999, 0.0, x)`."""

from __future__ import annotations

from typing import Any

import numpy as np

from .activation_calls import activated
from .capture import Call, Constant, Data
from .rules import Translator, constant
from .signals import Node, Signal, Untranslated
from .tokens import number, replace_text

MASK = "mask"  # a node that holds where a value is a number


def compared(call: Call, data: Data, t: Translator) -> Signal:
    """Where a value is a number."""
    signal = t.signal(call.args[0])
    value = _number(call.argument(1, "other"))

    def mask(node: Node) -> Node:
        made = Node(MASK, (node,), node.width, node.steps, number(value))
        return t.nodes.kept((MASK, id(node), value), node, made)

    return signal.map(mask)


def replaced(call: Call, data: Data, t: Translator) -> Signal:
    """`where(x == value, by, x)` and `x.masked_fill(x == value, by)`."""
    if call.name == "where":
        mask, by, x = (call.argument(index, name) for index, name in enumerate(_WHERE))
    else:
        x, mask, by = (call.argument(index, name) for index, name in enumerate(_FILL))
    if not isinstance(mask, Data) or not isinstance(x, Data):
        raise Untranslated("chooses by something else than a sentinel")
    chosen = t.signal(mask)
    signal = t.signal(x)
    nodes = list(chosen.nodes.flat)
    sources = [node.inputs[0] if node.kind == MASK else None for node in nodes]
    if chosen.axes != signal.axes or sources != list(signal.nodes.flat):
        raise Untranslated("chooses by something else than the value itself")
    return activated(signal, t, replace_text(float(nodes[0].item), _number(by)))


_WHERE = ("condition", "input", "other")
_FILL = ("input", "mask", "value")


def _number(value: Any) -> float:
    """A number, or a tensor that holds one alone.

    Raises:
        Untranslated: it is none.
    """
    if isinstance(value, Constant):
        values = np.unique(constant(value, "number").array)
        value = values.item() if values.size == 1 else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise Untranslated("compares with something else than a number, or puts it in place")
    return float(value)
