"""The stages that make one row of a sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...errors import UnsupportedModel
from ..stage import Memory, Shape, Stage, Steps

LOWEST = float(np.finfo(np.float32).min)  # no value of a sequence is smaller
POOLS = ("mean", "max", "first")


@dataclass(frozen=True, eq=False)
class LastStep(Stage):
    """Picks the last time step: `x[:, -1]`."""

    kind: ClassVar[str] = "LastStep"
    steps: ClassVar[Steps] = "reduce"


@dataclass(frozen=True, eq=False)
class LastHidden(Stage):
    """The final hidden state of the recurrent stage that it takes, `h_n[-1]`.

    For a bidirectional stage `cat(h_n[-2], h_n[-1])`: the forward direction's last step and the
    reverse direction's first, which is not the last step of its output.

    Attributes:
        state: `h`, or `c` of an LSTM.
        layer: counted back from the last one, which is -1.
    """

    state: str = "h"
    layer: int = -1

    kind: ClassVar[str] = "LastHidden"
    steps: ClassVar[Steps] = "reduce"

    def __post_init__(self) -> None:
        if type(self.layer) is not int or self.layer >= 0:
            got = f"{self.name} reads the layer {self.layer!r}"
            raise UnsupportedModel(
                f"{got}, expected -1 for the last, -2 for the one before it, ..."
            )

    @property
    def is_usual(self) -> bool:
        """Whether it reads what the last layer gives."""
        return self.state == "h" and self.layer == -1

    @property
    def options(self) -> dict[str, Any]:
        usual = {"state": "h", "layer": -1}  # older readers know neither
        return {key: value for key, value in vars(self).items() if usual.get(key, value) != value}

    def sizes(self, before: int, after: int) -> str:
        return "" if self.is_usual else f"({self.state}, layer {self.layer})"


@dataclass(frozen=True, eq=False)
class Pool(Stage):
    """One row of all steps: their mean or their largest value, column by column, or the first step.

    Steps after a row's length do not count.

    Attributes:
        mode: one of `POOLS`.
    """

    mode: str

    kind: ClassVar[str] = "Pool"
    steps: ClassVar[Steps] = "reduce"

    def __post_init__(self) -> None:
        if self.mode not in POOLS:
            known = ", ".join(POOLS)
            raise UnsupportedModel(f"{self.name} pools by {self.mode!r}; known are {known}")

    @property
    def options(self) -> dict[str, Any]:
        return {"mode": self.mode}

    def memory(self, input_size: int) -> tuple[Memory, ...]:
        count = Memory("count", 1, 1)  # of the steps so far
        if self.mode == "mean":
            return Memory("sum", 1, input_size), count
        if self.mode == "first":
            return Memory("first", 1, input_size), count
        lowest = np.full((1, input_size), LOWEST, np.float32)
        return (Memory("largest", 1, input_size, lowest),)

    def sizes(self, before: int, after: int) -> str:
        return f"({self.mode})"


@dataclass(frozen=True, eq=False)
class LastSteps(Stage):
    """The last steps of a sequence, `x[:, -count:]`, each a step ahead of a forecast.

    What follows takes each step by itself, up to a Flatten. A shorter sequence is refused.

    Attributes:
        count: how many.
    """

    count: int

    kind: ClassVar[str] = "LastSteps"

    def __post_init__(self) -> None:
        if type(self.count) is not int or self.count < 1:
            got = f"{self.name} keeps the last {self.count!r} steps"
            raise UnsupportedModel(f"{got}, expected a whole number from 1 on")

    @property
    def options(self) -> dict[str, Any]:
        return {"count": self.count}

    def shape(self, taken: tuple[Shape, ...]) -> Shape:
        value = super().shape(taken)
        if not value.is_sequence or value.kept:
            raise UnsupportedModel(f"{self.name} needs a sequence of every step")
        return value._replace(kept=self.count)

    def sizes(self, before: int, after: int) -> str:
        return f"({self.count})"


@dataclass(frozen=True, eq=False)
class Flatten(Stage):
    """The steps that LastSteps kept as one row, step after step: `(batch, count * size)`."""

    kind: ClassVar[str] = "Flatten"

    def shape(self, taken: tuple[Shape, ...]) -> Shape:
        value = super().shape(taken)
        if not value.kept:
            fault = "needs a fixed number of steps; put a LastSteps before it"
            raise UnsupportedModel(f"{self.name} {fault}")
        return Shape(value.width * value.kept, is_sequence=False)
