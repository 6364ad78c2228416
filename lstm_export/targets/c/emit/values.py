"""Where the values between stages lie: x, y, the state, or buffers that are used again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import count

LETTERS = "abcdefghijklmnopqrstuvw"  # of buffers; x and y are the caller's


@dataclass(frozen=True)
class Expression:
    """A C expression for values.

    Attributes:
        text: for the first of [step][feature], of many rows at once [step][feature][lane].
        width: features a step.
        steps: a C expression for how many steps of it there are; `1` for a row.
    """

    text: str
    width: int
    steps: str

    @property
    def is_row(self) -> bool:
        """Whether there is a single step of it."""
        return self.steps == "1"

    @property
    def buffer(self) -> str:
        """The variable that the expression begins with."""
        return self.text.split()[0]


@dataclass(frozen=True)
class Value(Expression):
    """Where the values that a stage gives are.

    Attributes:
        free: whether it may be overwritten once nobody takes it any more.
    """

    free: bool = False


@dataclass
class Buffer:
    """Memory for values.

    Attributes:
        width: floats a step and lane.
        is_row: whether it holds a single step, whatever a pass has.
    """

    width: int
    is_row: bool


@dataclass
class Buffers:
    """The buffers by name, in the order of their first use."""

    by_name: dict[str, Buffer] = field(default_factory=dict)

    def widen(self, name: str, width: int, is_row: bool) -> str:
        """Have a buffer hold this width too."""
        buffer = self.by_name.setdefault(name, Buffer(width, is_row))
        buffer.width = max(buffer.width, width)
        return name

    def unused(self, width: int, is_row: bool, used: Collection[str]) -> str:
        """The first buffer that is not in use, made where there is none."""
        prefix = "row_" if is_row else ""
        names = (f"{prefix}{_name(number)}" for number in count())
        return self.widen(next(name for name in names if name not in used), width, is_row)

    @property
    def floats(self) -> int:
        """The floats of all buffers for one step and lane."""
        return self.width_of(is_row=True) + self.width_of(is_row=False)

    def width_of(self, is_row: bool) -> int:
        """The floats of all buffers of a kind."""
        return sum(buffer.width for buffer in self.by_name.values() if buffer.is_row == is_row)


def _name(number: int) -> str:
    return LETTERS[number] if number < len(LETTERS) else f"a{number}"
