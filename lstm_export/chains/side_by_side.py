"""Features side by side: what was cut before is whole again, and what was done to each is done
once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..model import Affine, Recurrent
from .parts import Part
from .signals import Node, Nodes
from .tokens import JOINS, NOTHING


def concat(nodes: Nodes, parts: Sequence[Node]) -> Node:
    """The features of several values; both directions' ends are the hidden state."""
    parts = _merged(nodes, parts)
    if len(parts) == 1:
        return parts[0]
    if all(part.kind == "step" and part.numbers == parts[0].numbers for part in parts):
        return nodes.step(concat(nodes, [part.inputs[0] for part in parts]), *parts[0].numbers)
    for whole in (_of_joins, _of_scalers, _of_items):
        found = whole(nodes, parts)
        if found is not None:
            return found
    return nodes.joined("concat", parts)


def _merged(nodes: Nodes, parts: Sequence[Node]) -> list[Node]:
    """Neighbours that are parts of one value, as that value."""
    merged: list[Node] = []
    for part in parts:
        pair = [*merged[-1:], part]
        whole = (_hidden(nodes, pair) or _of_one(nodes, pair)) if merged else None
        if whole is None:
            merged.append(part)
        else:
            merged[-1] = whole
    return merged


def _of_one(nodes: Nodes, parts: Sequence[Node]) -> Node | None:
    """Features of one value."""
    sources = [part.inputs[0] if part.kind == "slice" else part for part in parts]
    if any(source is not sources[0] for source in sources):
        return None
    features: list[int] = []
    for part in parts:
        features += part.numbers if part.kind == "slice" else range(part.width)
    return nodes.pick(sources[0], tuple(features))


def _of_joins(nodes: Nodes, parts: Sequence[Node]) -> Node | None:
    """`concat(a[0:2] + b, a[2:4] + b)` is `a + b[0, 1, 0, 1]`."""
    kind = parts[0].kind
    counts = {len(part.inputs) for part in parts}
    if kind not in JOINS or kind == "concat" or len(counts) > 1:
        return None
    if any(part.kind != kind for part in parts):
        return None
    sides = [concat(nodes, side) for side in zip(*(part.inputs for part in parts), strict=True)]
    if any(side.kind == "concat" for side in sides):
        return None
    return nodes.joined(kind, sides)


def _of_scalers(nodes: Nodes, parts: Sequence[Node]) -> Node | None:
    """Scalers of parts of a value as one of the whole."""
    stages = [_scaler(part) for part in parts]
    known = [stage for stage in stages if stage is not None]
    if len(known) < len(parts) or len({stage.inverse for stage in known}) > 1:
        return None
    offset = np.concatenate([stage.offset for stage in known])
    scale = np.concatenate([stage.scale for stage in known])
    stage = Affine("scale", offset, scale, known[0].inverse)
    part = Part("scale", "Affine", (stage,))
    key = ("affine", offset.tobytes(), scale.tobytes(), stage.inverse)
    return _over(nodes, parts, lambda node: nodes.item(part, node, key, part, node.width))


def _scaler(node: Node) -> Affine | None:
    if not isinstance(node.item, Part) or node.item.kind != "Affine":
        return None
    stage = node.item.stages[0]
    return stage if isinstance(stage, Affine) else None


def _of_items(nodes: Nodes, parts: Sequence[Node]) -> Node | None:
    """An activation of parts of a value as one of the whole."""
    token = parts[0].item
    is_same = all(part.kind == "item" and part.item == token for part in parts)
    if not is_same or not isinstance(token, str) or token.startswith(("layer_norm", *NOTHING)):
        return None
    return _over(nodes, parts, lambda node: nodes.item(token, node, token, None, node.width))


def _over(nodes: Nodes, parts: Sequence[Node], change: Callable[[Node], Node]) -> Node | None:
    """What is done to each, done to the whole of what they are made of, where that is one."""
    source = concat(nodes, [part.inputs[0] for part in parts])
    return None if source.kind == "concat" else change(source)


def _hidden(nodes: Nodes, parts: Sequence[Node]) -> Node | None:
    """`cat(h_n[-2], h_n[-1])`: the last step of one direction and the first of the other."""
    if len(parts) != 2 or any(
        part.kind != "step" or part.inputs[0].kind != "slice" for part in parts
    ):
        return None
    ahead, back = (part.inputs[0] for part in parts)
    source = ahead.inputs[0]
    if back.inputs[0] is not source or not is_recurrent(source):
        return None
    half = source.width // 2
    halves = (*range(half), *range(half, source.width))
    if (*ahead.numbers, *back.numbers) != halves or len(ahead.numbers) != half:
        return None
    last_step, first_step = (part.numbers for part in parts)
    if last_step != (source.steps - 1,) or first_step != (0,):
        return None
    return nodes.state("hidden", source, source.width)


def is_recurrent(node: Node) -> bool:
    """Whether it is every step of a recurrent layer."""
    return (
        node.kind == "item"
        and isinstance(node.item, Part)
        and isinstance(node.item.stages[0], Recurrent)
    )
