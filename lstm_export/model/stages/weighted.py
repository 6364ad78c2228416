"""The stages with weights and without memory: float32 arrays under torch.nn's names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...errors import UnsupportedModel
from ..arrays import Array
from ..stage import Stage, finite_float32


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
class RMSNorm(Stage):
    """torch.nn.RMSNorm over the last axis: `x / sqrt(mean(x * x) + eps) * weight`.

    Attributes:
        weight: `(size,)`, or None.
        eps: rounded to float32; by default float32's, as torch has it.
    """

    weight: Array | None = None
    eps: float = 2.0**-23

    kind: ClassVar[str] = "RMSNorm"

    def __post_init__(self) -> None:
        self._freeze()
        object.__setattr__(self, "eps", finite_float32(self.eps, self.name))

    @property
    def options(self) -> dict[str, Any]:
        return {"eps": self.eps}

    def output_size(self, input_size: int) -> int:
        if self.weight is not None:
            self._expect("weight", (input_size,), f"{input_size} columns")
        return input_size

    def sizes(self, before: int, after: int) -> str:
        return f"({before})"


@dataclass(frozen=True, eq=False)
class PReLU(Stage):
    """torch.nn.PReLU along the last axis: x, or `weight * x` below 0.

    Attributes:
        weight: `(size,)`, or `(1,)` for all columns.
    """

    weight: Array

    kind: ClassVar[str] = "PReLU"

    def output_size(self, input_size: int) -> int:
        if self.weight.shape != (1,):
            self._expect("weight", (input_size,), f"{input_size} columns")
        return input_size
