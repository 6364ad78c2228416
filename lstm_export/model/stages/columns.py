"""The stage that picks columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ...errors import UnsupportedModel
from ..stage import Stage


@dataclass(frozen=True, eq=False)
class Slice(Stage):
    """Columns of a value, `x[..., features]`, in any order and also more than once.

    Attributes:
        features: their indices, from 0.
    """

    features: tuple[int, ...]

    kind: ClassVar[str] = "Slice"

    def __post_init__(self) -> None:
        features = tuple(self.features)
        are_indices = all(type(index) is int and index >= 0 for index in features)
        if not features or not are_indices:
            got = f"{self.name} picks the columns {features!r}"
            raise UnsupportedModel(f"{got}, expected indices such as (0,)")
        object.__setattr__(self, "features", features)

    @property
    def options(self) -> dict[str, Any]:
        return {"features": list(self.features)}

    def output_size(self, input_size: int) -> int:
        if max(self.features) >= input_size:
            got = f"{self.name} picks column {max(self.features)}"
            raise UnsupportedModel(f"{got} of {input_size}, expected 0 to {input_size - 1}")
        return len(self.features)

    def sizes(self, before: int, after: int) -> str:
        return f"({', '.join(map(str, self.features))})"
