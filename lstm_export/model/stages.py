"""The stages that a chain is made of, with float32 arrays under torch.nn's names.

A stage is a frozen record. It knows its sizes and its arrays; how it computes stands in `forward.py`, and how
a format expresses it stands in that format's target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np

from ..errors import UnsupportedModel
from .arrays import Array, frozen


@dataclass(frozen=True, eq=False)
class Stage:
    """One step of the chain. `name` is its prefix in the state_dict, or its token in the chain's text."""

    name: str

    kind: ClassVar[str] = ""
    # "same": keeps (batch, seq, size) or (batch, size); "reduce": picks one step of (batch, seq, size).
    steps: ClassVar[str] = "same"

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays of this stage under their state_dict names, without the prefix."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}

    @property
    def options(self) -> dict[str, Any]:
        """What besides name and arrays makes this stage: JSON-ready."""
        return {}

    def output_size(self, input_size: int) -> int:
        """The width after this stage.

        Raises:
            UnsupportedModel: this stage does not take `input_size` columns, or its arrays do not fit together.
        """
        return input_size

    def _freeze(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, field.name, frozen(value))

    def __post_init__(self) -> None:
        self._freeze()

    def sizes(self, before: int, after: int) -> str:
        """The widths around this stage and what else tells it from others, for people: `(50, 1)`."""
        return f"({before}, {after})" if self.arrays else ""

    def where(self, key: str, changed: Array) -> str:
        """Which part of one of its arrays the `changed` values, True there, belong to, for people; empty for none."""
        return ""

    @classmethod
    def build(cls, name: str, arrays: Mapping[str, Array], options: Mapping[str, Any]) -> Stage:
        """The inverse of `arrays` and `options`."""
        return cls(name, **arrays, **options)

    def _expect(self, array: str, shape: tuple[int, ...], reason: str) -> None:
        got = self.arrays[array].shape
        if got != shape:
            raise UnsupportedModel(f"{self.name}.{array} is {got}, expected {shape} for {reason}")


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
        if self.weight.ndim != 2 or self.weight.shape[0] < 1:
            raise UnsupportedModel(f"{self.name}.weight is {self.weight.shape}, expected (out_features, in_features)")
        out_features = int(self.weight.shape[0])
        self._expect("weight", (out_features, input_size), f"in_features={input_size}")
        if self.bias is not None:
            self._expect("bias", (out_features,), f"out_features={out_features}")
        return out_features


@dataclass(frozen=True, eq=False)
class Affine(Stage):
    """A scaler, feature by feature: `(x - offset) / scale`, or `x * scale + offset` with `inverse`.

    A batch norm in evaluation mode is two of them: by its running statistics, then by its weight and bias.
    Never folded into the neighbouring weights: near the mean `x - offset` is exact in float32, whereas a folded
    bias of size |mean| / std cancels and loses that many digits.

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
            raise UnsupportedModel(f"{self.name}.scale holds a zero at {int(np.argmin(np.abs(self.scale)))}")
        return input_size


@dataclass(frozen=True, eq=False)
class LastStep(Stage):
    """Picks the last time step: `x[:, -1]`."""

    kind: ClassVar[str] = "LastStep"
    steps: ClassVar[str] = "reduce"


@dataclass(frozen=True, eq=False)
class LastHidden(Stage):
    """The final hidden state of the recurrent stage right before it, `h_n[-1]`.

    For a bidirectional stage `cat(h_n[-2], h_n[-1])`: the forward direction's last step and the reverse
    direction's first, which is not the last step of its output.
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
}


@dataclass(frozen=True, eq=False)
class Activation(Stage):
    """An elementwise function without weights.

    Attributes:
        function: one of `ACTIVATIONS`.
        parameter: `alpha` of elu, `negative_slope` of leaky_relu, rounded to float32; None for the others.
    """

    function: str
    parameter: float | None = None

    kind: ClassVar[str] = "Activation"

    def __post_init__(self) -> None:
        if self.function not in ACTIVATIONS:
            raise UnsupportedModel(f"unknown activation {self.function!r}; known are {', '.join(ACTIVATIONS)}")
        default = ACTIVATIONS[self.function]
        value = default if self.parameter is None else self.parameter
        if default is None and value is not None:
            raise UnsupportedModel(f"{self.function} takes no parameter, got {value!r}")
        object.__setattr__(self, "parameter", None if value is None else finite_float32(value, self.name))

    @property
    def options(self) -> dict[str, Any]:
        return {"function": self.function} | ({} if self.parameter is None else {"parameter": self.parameter})

    def sizes(self, before: int, after: int) -> str:
        return f"({self.function})" if self.parameter is None else f"({self.function}, {self.parameter:g})"


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
    """Adds features of the model's input, as they are behind a scaler that begins the chain, at the same step.

    Attributes:
        features: index of the input feature that is added to each output; a single one is added to all of them.
    """

    features: tuple[int, ...] = (0,)

    kind: ClassVar[str] = "Skip"

    def __post_init__(self) -> None:
        features = tuple(self.features)
        if not features or not all(type(index) is int and index >= 0 for index in features):
            raise UnsupportedModel(f"{self.name} adds the features {features!r}, expected indices such as (0,)")
        object.__setattr__(self, "features", features)

    @property
    def options(self) -> dict[str, Any]:
        return {"features": list(self.features)}

    def output_size(self, input_size: int) -> int:
        if len(self.features) not in (1, input_size):
            raise UnsupportedModel(f"{self.name} adds {len(self.features)} features to {input_size} columns")
        return input_size

    def sizes(self, before: int, after: int) -> str:
        return f"({', '.join(map(str, self.features))})"


def finite_float32(value: Any, name: str) -> float:
    """A number as float32 holds it, so that it survives every format.

    Raises:
        UnsupportedModel: it is no finite number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(np.float32(value)):
        raise UnsupportedModel(f"{name} has the parameter {value!r}, expected a finite number")
    return float(np.float32(value))
