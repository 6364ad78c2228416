"""Random modules as users write them: programs over operations and classes of torch.

The same seed and index give the same module on every machine. A part of them hold one operation
that no stage computes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import nn

from .random_operations import LACKED, READ_OUTS, ROWS, STEPS, Draw, Lacked, Made

Random: TypeAlias = np.random.Generator
LACKING = 3  # one module in so many holds an operation that no stage computes
MOST_BEFORE = 2  # operations on steps before the first recurrent layer
MOST_AFTER = 3
LARGEST_WIDTH = 6
LOWEST = -3
HIGHEST = 6  # powers of ten of the inputs


class Drawn(nn.Module):  # type: ignore[misc]
    """What was drawn: operations one after another, with heads at the end."""

    def __init__(self, parts: dict[str, Any], run: Callable[[Any], Any]) -> None:
        super().__init__()
        for name, part in parts.items():
            if isinstance(part, nn.Module):
                self.add_module(name, part)
            else:
                self.register_buffer(name, part)
        self.run = run

    def forward(self, x: Any) -> Any:
        return self.run(x)


@dataclass
class RandomModule:
    """A module of the study.

    Attributes:
        module: in evaluation mode.
        width: features of x.
        size: of the inputs that it is made for.
        operations: names, in order.
        lacks: what its refusal has to name; empty where it has to be proved.
    """

    module: Any
    width: int
    size: float
    operations: list[str]
    lacks: str = ""


@dataclass
class _Drawing:
    """A module on its way."""

    random: Random
    parts: dict[str, Any] = field(default_factory=dict)
    functions: list[Callable[[Any], Any]] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)

    def add(self, part: Any) -> Any:
        self.parts[f"part{len(self.parts)}"] = part
        return part

    def take(self, draws: dict[str, Draw], width: int, only: str = "") -> int:
        name = only or str(self.random.choice(sorted(draws)))
        made: Made = draws[name](self.random, width, self.add)
        self.functions.append(made.run)
        self.operations.append(name)
        return made.width

    def lack(self, lacked: dict[str, Lacked], width: int) -> str:
        name = str(self.random.choice(sorted(lacked)))
        self.functions.append(lacked[name].make(width, self.add))
        self.operations.append(name)
        return lacked[name].said


def random_module(seed: int, index: int) -> RandomModule:
    """The module of this seed and index."""
    random = np.random.default_rng([seed, index])
    torch.manual_seed(int(random.integers(2**31)))
    width = int(random.integers(1, LARGEST_WIDTH))
    drawing = _Drawing(random)
    place = int(random.integers(3)) if random.integers(LACKING) == 0 else -1
    wide = width
    lacks = ""
    for _ in range(int(random.integers(MOST_BEFORE + 1))):
        wide = drawing.take(STEPS, wide)
    wide = drawing.take(STEPS, wide, str(random.choice(["LSTM", "GRU", "LSTM, two layers"])))
    if place == 0:
        lacks = drawing.lack({key: each for key, each in LACKED.items() if each.on_steps}, wide)
    for _ in range(int(random.integers(MOST_AFTER))):
        wide = drawing.take(STEPS, wide)
    if random.integers(8):
        wide = drawing.take(READ_OUTS, wide)
        for _ in range(int(random.integers(MOST_AFTER + 1))):
            wide = drawing.take(ROWS, wide)
    if place > 0:
        lacks = drawing.lack({key: each for key, each in LACKED.items() if not each.on_steps}, wide)
    wide = drawing.take(ROWS, wide, "Linear")
    functions = drawing.functions

    def run(x: Any) -> Any:
        for function in functions:
            x = function(x)
        return x

    size = 10.0 ** random.uniform(LOWEST, HIGHEST)
    module = Drawn(drawing.parts, run).eval()
    return RandomModule(module, width, size, drawing.operations, lacks)
