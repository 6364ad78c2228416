"""The stages without memory, with float32 arrays under torch.nn's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import UnsupportedModel
from .arrays import Array
from .stage import Stage, finite_float32


@dataclass(frozen=True, eq=False)
class Linear(Stage):
    """torch.nn.Linear: `y = x @ weight.T + bias`, on every step or on the picked one.

    Attributes:
        weight: `(out_features, in_features)`.
        bias: `(out_features,)`, or None.
    """

    weight: Array
    bias: Array | None = None

    kind: ClassVar[str] = "Linear"

    def output_size(self, input_size: int) -> int:
        shape = self.weight.shape
        if len(shape) != 2 or shape[0] < 1:
            expected = "(out_features, in_features)"
            raise UnsupportedModel(f"{self.name}.weight is {shape}, expected {expected}")
        out_features = int(shape[0])
        self._expect("weight", (out_features, input_size), f"in_features={input_size}")
        if self.bias is not None:
            self._expect("bias", (out_features,), f"out_features={out_features}")
        return out_features


@dataclass(frozen=True, eq=False)
class Affine(Stage):
    """A scaler, feature by feature: `(x - offset) / scale`, or `x * scale + offset` with `inverse`.

    A batch norm in evaluation mode is two of them: by its running statistics, then by its weight
    and bias. Never folded into the neighbouring weights: near the mean `x - offset` is exact in
    float32, whereas a folded bias of size |mean| / std cancels and loses that many digits.

    Attributes:
        offset: `(size,)`, the mean of a standard scaler.
        scale: `(size,)`, its standard deviation; never zero on the way in.
        inverse: False on the way in, True on the way out.
    """

    offset: Array
    scale: Array
    inverse: bool = False

    kind: ClassVar[str] = "Affine"

    @property
    def options(self) -> dict[str, Any]:
        return {"inverse": self.inverse}

    def output_size(self, input_size: int) -> int:
        self._expect("offset", (input_size,), f"{input_size} columns")
        self._expect("scale", (input_size,), f"{input_size} columns")
        if not self.inverse and not self.scale.all():
            zero = int(np.argmin(np.abs(self.scale)))
            raise UnsupportedModel(f"{self.name}.scale holds a zero at {zero}")
        return input_size


@dataclass(frozen=True, eq=False)
class LastStep(Stage):
    """Picks the last time step: `x[:, -1]`."""

    kind: ClassVar[str] = "LastStep"
    steps: ClassVar[str] = "reduce"


@dataclass(frozen=True, eq=False)
class LastHidden(Stage):
    """The final hidden state of the recurrent stage right before it, `h_n[-1]`.

    For a bidirectional stage `cat(h_n[-2], h_n[-1])`: the forward direction's last step and the
    reverse direction's first, which is not the last step of its output.
    """

    kind: ClassVar[str] = "LastHidden"
    steps: ClassVar[str] = "reduce"


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
        bounds = {"low": self.low, "high": self.high}
        given = {
            key: finite_float32(value, self.name)
            for key, value in bounds.items()
            if value is not None
        }
        if not given:
            raise UnsupportedModel(f"{self.name} has no bound, expected low, high or both")
        if len(given) == 2 and given["low"] > given["high"]:
            raise UnsupportedModel(f"{self.name} has low {self.low}, above high {self.high}")
        for key, value in given.items():
            object.__setattr__(self, key, value)

    @property
    def options(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high}

    def sizes(self, before: int, after: int) -> str:
        low = "-inf" if self.low is None else f"{self.low:g}"
        high = "inf" if self.high is None else f"{self.high:g}"
        return f"({low}, {high})"


@dataclass(frozen=True, eq=False)
class LayerNorm(Stage):
    """torch.nn.LayerNorm over the last axis: `(x - mean) / sqrt(var + eps) * weight + bias`.

    Attributes:
        weight: `(size,)`, or None; then there is no bias either.
        bias: `(size,)`, or None.
        eps: added to the variance, rounded to float32.
    """

    weight: Array | None = None
    bias: Array | None = None
    eps: float = 1e-5

    kind: ClassVar[str] = "LayerNorm"

    def __post_init__(self) -> None:
        self._freeze()
        object.__setattr__(self, "eps", finite_float32(self.eps, self.name))

    @property
    def options(self) -> dict[str, Any]:
        return {"eps": self.eps}

    def output_size(self, input_size: int) -> int:
        if self.bias is not None and self.weight is None:
            raise UnsupportedModel(f"{self.name} has a bias without a weight")
        for key in self.arrays:
            self._expect(key, (input_size,), f"{input_size} columns")
        return input_size

    def sizes(self, before: int, after: int) -> str:
        return f"({before})"


@dataclass(frozen=True, eq=False)
class Skip(Stage):
    """Adds features of the model's input at the same step.

    Where the chain begins with a scaler, they are added as that scaler leaves them.

    Attributes:
        features: index of the input feature that is added to each output; a single index is added
            to all of them.
    """

    features: tuple[int, ...] = (0,)

    kind: ClassVar[str] = "Skip"

    def __post_init__(self) -> None:
        features = tuple(self.features)
        are_indices = all(type(index) is int and index >= 0 for index in features)
        if not features or not are_indices:
            got = f"{self.name} adds the features {features!r}"
            raise UnsupportedModel(f"{got}, expected indices such as (0,)")
        object.__setattr__(self, "features", features)

    @property
    def options(self) -> dict[str, Any]:
        return {"features": list(self.features)}

    def output_size(self, input_size: int) -> int:
        count = len(self.features)
        if count not in (1, input_size):
            raise UnsupportedModel(f"{self.name} adds {count} features to {input_size} columns")
        return input_size

    def sizes(self, before: int, after: int) -> str:
        return f"({', '.join(map(str, self.features))})"
