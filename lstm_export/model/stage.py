"""What every stage of a chain is: a frozen record that knows its sizes and its arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import UnsupportedModel
from .arrays import Array, frozen


@dataclass(frozen=True, eq=False)
class Stage:
    """One step of the chain.

    How it computes stands in `forward/`, and how a format expresses it in that format's target.

    Attributes:
        name: its prefix in the state_dict, or its token in the chain's text.
    """

    name: str

    kind: ClassVar[str] = ""
    # "same": keeps (batch, seq, size) or (batch, size); "reduce": picks one step of a sequence.
    steps: ClassVar[str] = "same"

    def __post_init__(self) -> None:
        self._freeze()

    def _freeze(self) -> None:
        for field, value in vars(self).copy().items():
            if isinstance(value, np.ndarray):
                object.__setattr__(self, field, frozen(value))

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays of this stage under their state_dict names, without the prefix."""
        return {key: value for key, value in vars(self).items() if isinstance(value, np.ndarray)}

    @property
    def options(self) -> dict[str, Any]:
        """What besides name and arrays makes this stage: JSON-ready."""
        return {}

    @classmethod
    def build(cls, name: str, arrays: Mapping[str, Array], options: Mapping[str, Any]) -> Stage:
        """The inverse of `arrays` and `options`."""
        return cls(name, **arrays, **options)

    def output_size(self, input_size: int) -> int:
        """The width after this stage.

        Raises:
            UnsupportedModel: this stage does not take `input_size` columns, or its arrays do not
                fit together.
        """
        return input_size

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
