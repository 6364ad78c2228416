"""What older models add of their input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from ...errors import UnsupportedModel
from ..stage import Stage


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
