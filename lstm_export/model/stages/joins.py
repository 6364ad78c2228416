"""The stages that take several values: one result of all of them.

A row `(batch, size)` beside a sequence `(batch, seq, size)` goes to every step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ...errors import UnsupportedModel
from ..stage import Shape, Stage


@dataclass(frozen=True, eq=False)
class Join(Stage):
    """A stage of two values, or of as many as its inputs name.

    Attributes:
        takes: how many values; None for two or more.
    """

    takes: ClassVar[int | None] = None

    def shape(self, input_shapes: tuple[Shape, ...]) -> Shape:
        self._check_count(len(input_shapes))
        width = self.joined([value.width for value in input_shapes])
        sequences = [value for value in input_shapes if value.is_sequence]
        if len({value.kept for value in sequences}) > 1:
            counts = " and ".join(f"the last {value.kept}" for value in sequences if value.kept)
            raise UnsupportedModel(f"{self.name} ({self.kind}) takes every step and {counts}")
        kept = sequences[0].kept if sequences else 0
        return Shape(width, is_sequence=bool(sequences), kept=kept)

    def _check_count(self, count: int) -> None:
        is_right = count > 1 if self.takes is None else count == self.takes
        if not is_right:
            expected = "two or more" if self.takes is None else str(self.takes)
            got = f"{self.name} ({self.kind}) takes {count}"
            raise UnsupportedModel(f"{got} values, expected {expected}; name them as its inputs")

    def joined(self, widths: list[int]) -> int:
        """The width of the result.

        Raises:
            UnsupportedModel: these widths do not go together.
        """
        if len(set(widths)) > 1:
            together = " and ".join(map(str, widths))
            got = f"{self.name} ({self.kind}) takes {together} columns"
            raise UnsupportedModel(f"{got}, expected as many of each")
        return widths[0]

    def sizes(self, before: int, after: int) -> str:
        return f"({after})"


@dataclass(frozen=True, eq=False)
class Add(Join):
    """The sum of its values: a residual, a skip over any stages, a last value added back."""

    kind: ClassVar[str] = "Add"


@dataclass(frozen=True, eq=False)
class Subtract(Join):
    """The first value less the second."""

    kind: ClassVar[str] = "Subtract"
    takes: ClassVar[int | None] = 2


@dataclass(frozen=True, eq=False)
class Multiply(Join):
    """The product of two values, element by element: a gate, or a scale of the window."""

    kind: ClassVar[str] = "Multiply"
    takes: ClassVar[int | None] = 2


@dataclass(frozen=True, eq=False)
class Divide(Join):
    """The first value divided by the second, element by element."""

    kind: ClassVar[str] = "Divide"
    takes: ClassVar[int | None] = 2


@dataclass(frozen=True, eq=False)
class Concat(Join):
    """The columns of its values side by side, in the order of its inputs."""

    kind: ClassVar[str] = "Concat"

    def joined(self, widths: list[int]) -> int:
        return sum(widths)
