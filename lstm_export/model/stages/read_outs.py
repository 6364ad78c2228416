"""The stages that make one row of a sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...errors import UnsupportedModel
from ..stage import Memory, Shape, Stage, Steps

LOWEST = float(np.finfo(np.float32).min)  # no value of a sequence is smaller
POOLS = ("mean", "max", "first", "sum")
SUM_PARTS = 3  # float32 numbers, 24 digits each, hold all 53 of a float64


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
    def is_last_output(self) -> bool:
        """Whether it reads what the last layer gives."""
        return self.state == "h" and self.layer == -1

    @property
    def options(self) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if self.state != "h":  # older readers know no such key
            options["state"] = self.state
        if self.layer != -1:  # nor this one
            options["layer"] = self.layer
        return options

    def sizes(self, before: int, after: int) -> str:
        return "" if self.is_last_output else f"({self.state}, layer {self.layer})"


@dataclass(frozen=True, eq=False)
class Pool(Stage):
    """One row of all steps: column by column their mean, largest value or sum, or the first step.

    Steps after a row's length do not count. A variance is the mean of squares of what was centred.

    Attributes:
        mode: one of `POOLS`.
        correction: what a mean's divisor is less than the number of steps, as of torch.var: 1 for
            an unbiased variance.
    """

    mode: str
    correction: int = 0

    kind: ClassVar[str] = "Pool"
    steps: ClassVar[Steps] = "reduce"

    def __post_init__(self) -> None:
        if self.mode not in POOLS:
            known = ", ".join(POOLS)
            raise UnsupportedModel(f"{self.name} pools by {self.mode!r}; known are {known}")
        most = 1 if self.mode == "mean" else 0
        if type(self.correction) is not int or not 0 <= self.correction <= most:
            got = f"{self.name} pools by {self.mode} with the correction {self.correction!r}"
            raise UnsupportedModel(f"{got}, expected 0, or for a mean 1")

    @property
    def options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"mode": self.mode}
        if self.correction:  # older readers know no such key
            options["correction"] = self.correction
        return options

    @property
    def least_steps(self) -> int:
        return 1 + self.correction

    def memory(self, input_size: int) -> tuple[Memory, ...]:
        """Sums are carried in parts that add up to float64, so that long streams do not drift."""
        total = Memory("sum", SUM_PARTS, input_size)
        if self.mode == "sum":
            return (total,)
        if self.mode == "mean":
            return total, Memory("count", SUM_PARTS, 1)  # of the steps so far
        if self.mode == "first":
            # a count of 0 tells that nothing has come yet
            return Memory("first", 1, input_size), Memory("count", 1, 1)
        # it starts where every value is larger
        lowest = np.full((1, input_size), LOWEST, np.float32)
        return (Memory("largest", 1, input_size, lowest),)

    def sizes(self, before: int, after: int) -> str:
        correction = f", correction {self.correction}" if self.correction else ""
        return f"({self.mode}{correction})"


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

    @property
    def least_steps(self) -> int:
        return self.count

    def shape(self, input_shapes: tuple[Shape, ...]) -> Shape:
        value = super().shape(input_shapes)
        if not value.is_sequence or value.kept:
            raise UnsupportedModel(f"{self.name} needs a sequence of every step")
        return value._replace(kept=self.count)

    def sizes(self, before: int, after: int) -> str:
        return f"({self.count})"


@dataclass(frozen=True, eq=False)
class Flatten(Stage):
    """The steps that LastSteps kept as one row, step after step: `(batch, count * size)`."""

    kind: ClassVar[str] = "Flatten"

    def shape(self, input_shapes: tuple[Shape, ...]) -> Shape:
        value = super().shape(input_shapes)
        if not value.kept:
            fault = "needs a fixed number of steps; put a LastSteps before it"
            raise UnsupportedModel(f"{self.name} {fault}")
        return Shape(value.width * value.kept, is_sequence=False)
