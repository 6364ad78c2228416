"""What a module's own answer tells of the names of its outputs: heads by name, steps ahead."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple


class Head(NamedTuple):
    """One tensor of an answer.

    Attributes:
        name: under which a dict has it; empty for none.
        shape: of what it holds for a row, or for a step of one, such as `(horizon, targets)`.
    """

    name: str
    shape: tuple[int, ...]


def names_of(heads: Sequence[Head]) -> tuple[str, ...]:
    """`rul` for a head of one output, `fault[0]`, `fault[1]` of several; none where one has no
    name."""
    if not all(head.name for head in heads):
        return ()
    names: list[str] = []
    for head in heads:
        size = prod(head.shape)
        names += [head.name] if size == 1 else [f"{head.name}[{index}]" for index in range(size)]
    return tuple(names)


def at_every_step_ahead(names: Sequence[str], heads: Sequence[Head]) -> tuple[str, ...]:
    """`load[t+1]`, `wind[t+1]`, `load[t+2]`, ... for the names of the targets of a head
    `(horizon, targets)`; the names themselves for others."""
    shapes = [head.shape for head in heads]
    if len(shapes) != 1 or len(shapes[0]) != 2 or shapes[0][1] != len(names):
        return tuple(names)
    horizon, _ = shapes[0]
    return tuple(f"{name}[t+{step}]" for step in range(1, horizon + 1) for name in names)
