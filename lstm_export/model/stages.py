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

    @classmethod
    def build(cls, name: str, arrays: Mapping[str, Array], options: Mapping[str, Any]) -> Stage:
        """The inverse of `arrays` and `options`."""
        return cls(name, **arrays, **options)

    def _expect(self, array: str, shape: tuple[int, ...], reason: str) -> None:
        got = self.arrays[array].shape
        if got != shape:
            raise UnsupportedModel(f"{self.name}.{array} is {got}, expected {shape} for {reason}")


@dataclass(frozen=True, eq=False)
class LSTM(Stage):
    """torch.nn.LSTM, unidirectional, zero initial state, every step returned.

    Attributes:
        weights: for each layer k `weight_ih_l{k} (4 * hidden_size, input_size or hidden_size)`,
            `weight_hh_l{k} (4 * hidden_size, hidden_size)` and, unless bias=False, `bias_ih_l{k}` and
            `bias_hh_l{k} (4 * hidden_size,)`, gates stacked in `PYTORCH_GATES` order.
    """

    weights: Mapping[str, Array]

    kind: ClassVar[str] = "LSTM"

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", {key: frozen(value) for key, value in self.weights.items()})

    @property
    def arrays(self) -> dict[str, Array]:
        return dict(self.weights)

    @classmethod
    def build(cls, name: str, arrays: Mapping[str, Array], options: Mapping[str, Any]) -> Stage:
        return cls(name, arrays, **options)

    @property
    def num_layers(self) -> int:
        """Stacked layers."""
        return sum(key.startswith("weight_hh_l") for key in self.weights)

    @property
    def hidden_size(self) -> int:
        """Width of h and c."""
        return int(self.weights["weight_hh_l0"].shape[-1])

    @property
    def input_size(self) -> int:
        """Width of the input of layer 0."""
        return int(self.weights["weight_ih_l0"].shape[-1])

    @property
    def bias(self) -> bool:
        """Whether the layers have biases."""
        return "bias_ih_l0" in self.weights

    def layer(self, index: int) -> tuple[Array, Array, Array, Array]:
        """`weight_ih, weight_hh, bias_ih, bias_hh` of one layer; zeros where bias=False."""
        zeros = np.zeros(4 * self.hidden_size, np.float32)
        names = (f"{name}_l{index}" for name in ("bias_ih", "bias_hh"))
        bias_ih, bias_hh = (self.weights.get(name, zeros) for name in names)
        return self.weights[f"weight_ih_l{index}"], self.weights[f"weight_hh_l{index}"], bias_ih, bias_hh

    def output_size(self, input_size: int) -> int:
        self._expect_keys()
        gates = 4 * self.hidden_size
        for index in range(self.num_layers):
            width = input_size if index == 0 else self.hidden_size
            self._expect(f"weight_ih_l{index}", (gates, width), f"an input of width {width}")
            self._expect(f"weight_hh_l{index}", (gates, self.hidden_size), f"hidden_size={self.hidden_size}")
            for bias in ("bias_ih", "bias_hh") if self.bias else ():
                self._expect(f"{bias}_l{index}", (gates,), f"hidden_size={self.hidden_size}")
        return self.hidden_size

    def _expect_keys(self) -> None:
        parts = ("weight_ih", "weight_hh") + (("bias_ih", "bias_hh") if self.bias else ())
        expected = {f"{part}_l{index}" for part in parts for index in range(max(self.num_layers, 1))}
        if set(self.weights) != expected:
            missing, unknown = expected - set(self.weights), set(self.weights) - expected
            raise UnsupportedModel(
                f"{self.name} is no plain LSTM: missing {sorted(missing) or 'nothing'}, "
                f"unknown {sorted(unknown) or 'nothing'}"
            )
        if self.weights["weight_hh_l0"].ndim != 2 or self.hidden_size < 1:
            shape = self.weights["weight_hh_l0"].shape
            raise UnsupportedModel(f"{self.name}.weight_hh_l0 is {shape}, expected (4 * hidden_size, hidden_size)")


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

    Never folded into the neighbouring weights: near the mean `x - offset` is exact in float32, whereas a folded
    bias of size |mean| / std cancels and loses that many digits.

    Attributes:
        offset: `(size,)`, the mean of a standard scaler.
        scale: `(size,)`, its standard deviation; never zero.
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
        if not self.scale.all():
            raise UnsupportedModel(f"{self.name}.scale holds a zero at {int(np.argmin(np.abs(self.scale)))}")
        return input_size


@dataclass(frozen=True, eq=False)
class LastStep(Stage):
    """Picks the last time step: `x[:, -1]`."""

    kind: ClassVar[str] = "LastStep"
    steps: ClassVar[str] = "reduce"


STAGES: dict[str, type[Stage]] = {stage.kind: stage for stage in (LSTM, Linear, Affine, LastStep)}
