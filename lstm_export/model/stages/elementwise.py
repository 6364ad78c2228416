"""The stages that map every value by itself and have no weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ...errors import UnsupportedModel
from ..stage import Stage, finite_float32

# Activations by torch.nn.functional's names; those with a parameter have torch's default for it.
ACTIVATIONS: Mapping[str, float | None] = {
    "relu": None,
    "tanh": None,
    "sigmoid": None,
    "gelu": None,
    "gelu_tanh": None,  # gelu(x, approximate="tanh")
    "silu": None,
    "softplus": None,
    "elu": 1.0,  # alpha
    "leaky_relu": 0.01,  # negative_slope
    "mish": None,
    "selu": None,
    "celu": 1.0,  # alpha
    "hardswish": None,
    "hardsigmoid": None,
    "sqrt": None,
    "softsign": None,
}


@dataclass(frozen=True, eq=False)
class Activation(Stage):
    """An elementwise function without weights.

    Attributes:
        function: one of `ACTIVATIONS`.
        parameter: `alpha` of elu and celu, `negative_slope` of leaky_relu, rounded to float32; None
            for the others.
    """

    function: str
    parameter: float | None = None

    kind: ClassVar[str] = "Activation"

    def __post_init__(self) -> None:
        if self.function not in ACTIVATIONS:
            known = ", ".join(ACTIVATIONS)
            raise UnsupportedModel(f"unknown activation {self.function!r}; known are {known}")
        default = ACTIVATIONS[self.function]
        value = default if self.parameter is None else self.parameter
        if default is None and value is not None:
            raise UnsupportedModel(f"{self.function} takes no parameter, got {value!r}")
        if value is not None:
            value = finite_float32(value, self.name)
        object.__setattr__(self, "parameter", value)

    @property
    def options(self) -> dict[str, Any]:
        options: dict[str, Any] = {"function": self.function}
        if self.parameter is not None:
            options["parameter"] = self.parameter
        return options

    def sizes(self, before: int, after: int) -> str:
        if self.parameter is None:
            return f"({self.function})"
        return f"({self.function}, {self.parameter:g})"


@dataclass(frozen=True, eq=False)
class Clamp(Stage):
    """torch.clamp: values below `low` become `low`, values above `high` become `high`.

    ReLU6 is `Clamp(0, 6)`, Hardtanh is `Clamp(-1, 1)`.

    Attributes:
        low, high: the bounds, rounded to float32; None for no bound, one of them at most.
    """

    low: float | None = None
    high: float | None = None

    kind: ClassVar[str] = "Clamp"

    def __post_init__(self) -> None:
        bounds = {}
        for key, value in (("low", self.low), ("high", self.high)):
            if value is not None:
                bounds[key] = finite_float32(value, self.name)
        if not bounds:
            raise UnsupportedModel(f"{self.name} has no bound, expected low, high or both")
        if len(bounds) == 2 and bounds["low"] > bounds["high"]:
            raise UnsupportedModel(f"{self.name} has low {self.low}, above high {self.high}")
        for key, bound in bounds.items():
            object.__setattr__(self, key, bound)

    @property
    def options(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high}

    def sizes(self, before: int, after: int) -> str:
        low = "-inf" if self.low is None else f"{self.low:g}"
        high = "inf" if self.high is None else f"{self.high:g}"
        return f"({low}, {high})"


@dataclass(frozen=True, eq=False)
class Replace(Stage):
    """Values that stand for something else, such as -999 for none: `by` where x is `value`.

    Attributes:
        value, by: rounded to float32.
    """

    value: float
    by: float

    kind: ClassVar[str] = "Replace"

    def __post_init__(self) -> None:
        for key in ("value", "by"):
            object.__setattr__(self, key, finite_float32(vars(self)[key], self.name))

    @property
    def options(self) -> dict[str, Any]:
        return {"value": self.value, "by": self.by}

    def sizes(self, before: int, after: int) -> str:
        return f"({self.value:g}, {self.by:g})"
