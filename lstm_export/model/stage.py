"""The base of every stage of a model: a frozen record that knows its sizes and its arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from ..errors import UnsupportedModel
from .arrays import Array, frozen

# What a stage does to time. "same": takes (batch, seq, size) or (batch, size) and gives the same;
# "reduce": makes one row of a sequence; "along": takes a sequence, and gives one.
Steps = Literal["same", "reduce", "along"]

X = "x"  # what a stage calls the model's input


class Shape(NamedTuple):
    """The shape of a value between stages: `(batch, seq, width)`, or `(batch, width)`.

    Attributes:
        width: of its last axis.
        is_sequence: whether it has an axis of time.
        kept: how many steps a sequence has where only the last were kept; 0 where it has all.
    """

    width: int
    is_sequence: bool
    kept: int = 0


class Memory(NamedTuple):
    """A tensor `(rows, batch, size)` that a stage carries from chunk to chunk of a sequence.

    Attributes:
        name: what it is, such as `h`.
        rows: how many there are, such as the layers.
        size: of a row.
        initial: `(rows, size)` before the first step; None for zeros.
    """

    name: str
    rows: int
    size: int
    initial: Array | None = None


@dataclass(frozen=True, eq=False)
class Stage:
    """One step of the model.

    How it computes stands in `forward/`, and how a format expresses it in that format's target.

    Attributes:
        name: its prefix in the state_dict, or its token in the chain's text.
        inputs: names of the stages whose values it takes, `x` for the model's input; empty for the
            stage before it.
    """

    name: str
    inputs: tuple[str, ...] = field(default=(), kw_only=True)

    kind: ClassVar[str] = ""
    steps: ClassVar[Steps] = "same"

    def __post_init__(self) -> None:
        self._freeze()

    def _freeze(self) -> None:
        for key, value in vars(self).copy().items():
            if isinstance(value, np.ndarray):
                object.__setattr__(self, key, frozen(value))

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays of this stage under their state_dict names, without the prefix."""
        return {key: value for key, value in vars(self).items() if isinstance(value, np.ndarray)}

    @property
    def options(self) -> dict[str, Any]:
        """The fields beside name, inputs and arrays, JSON-ready."""
        return {}

    @classmethod
    def build(cls, name: str, arrays: Mapping[str, Array], options: Mapping[str, Any]) -> Stage:
        """The inverse of `arrays` and `options`."""
        fields: dict[str, Any] = {**arrays, **options}
        return cls(name, **fields)

    def shape(self, input_shapes: tuple[Shape, ...]) -> Shape:
        """The shape of this stage's value for inputs of these shapes.

        Raises:
            UnsupportedModel: it takes another number of values, a sequence where it is given a row,
                or another width.
        """
        if len(input_shapes) != 1:
            raise UnsupportedModel(f"{self.name} takes one value, got {', '.join(self.inputs)}")
        (value,) = input_shapes
        if self.steps != "same" and not value.is_sequence:
            fault = "needs a sequence, but a step was already picked before it; leave one out"
            raise UnsupportedModel(f"{self.name} {fault}")
        if self.steps != "same" and value.kept:
            fault = f"needs every step, but only the last {value.kept} were kept before it"
            raise UnsupportedModel(f"{self.name} {fault}")
        return Shape(
            self.output_size(value.width),
            is_sequence=value.is_sequence and self.steps != "reduce",
            kept=value.kept,
        )

    def output_size(self, input_size: int) -> int:
        """The width after this stage, where it takes a single value.

        Raises:
            UnsupportedModel: this stage does not take `input_size` columns, or its arrays do not
                fit together.
        """
        return input_size

    @property
    def least_steps(self) -> int:
        """How many steps a sequence must have for it."""
        return 1

    def memory(self, input_size: int) -> tuple[Memory, ...]:
        """The tensors that it carries from chunk to chunk, for `input_size` input columns."""
        return ()

    def _expect(self, array: str, shape: tuple[int, ...], reason: str) -> None:
        got = self.arrays[array].shape
        if got != shape:
            raise UnsupportedModel(f"{self.name}.{array} is {got}, expected {shape} for {reason}")

    def sizes(self, before: int, after: int) -> str:
        """The widths around this stage and what else tells it from others, as `(50, 1)`."""
        return f"({before}, {after})" if self.arrays else ""

    def where(self, key: str, changed: Array) -> str:
        """Which part of array `key` the `changed` values, True there, belong to, for people.

        Empty where it has no parts.
        """
        return ""


def finite_float32(value: Any, name: str) -> float:
    """A number as float32 holds it, so that it survives every format.

    Raises:
        UnsupportedModel: it is no finite number.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not np.isfinite(np.float32(value)):
        raise UnsupportedModel(f"{name} has the parameter {value!r}, expected a finite number")
    return float(np.float32(value))
