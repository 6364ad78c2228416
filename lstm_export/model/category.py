"""A column of text among the inputs: a column of 0 and 1 for each of its levels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import UnsupportedModel

MOST_LEVELS = 1000


@dataclass(frozen=True)
class Category:
    """A column of text, and what may stand in it.

    Attributes:
        name: of the column.
        levels: the texts seen in training, in order; `x` has a column for each, 1 where it stands.
        has_other: whether a text that is none of them is answered, with 0 in all of them, or
            refused.
    """

    name: str
    levels: tuple[str, ...]
    has_other: bool = False

    def __post_init__(self) -> None:
        are_texts = all(isinstance(level, str) for level in (self.name, *self.levels))
        is_sound = are_texts and 0 < len(self.levels) <= MOST_LEVELS
        if not is_sound or len(set(self.levels)) < len(self.levels):
            got = f"the category {self.name!r} has the levels {self.levels!r}"
            raise UnsupportedModel(f"{got}, expected 1 to {MOST_LEVELS:,} texts that differ")
        if not isinstance(self.has_other, bool):
            raise UnsupportedModel(f"has_other is {self.has_other!r}, expected true or false")

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns in `x`, `weather=rain`."""
        return tuple(f"{self.name}={level}" for level in self.levels)

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping; `from_record` is its inverse."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Category:
        """Read what `to_record` wrote.

        Raises:
            UnsupportedModel: the levels are not what they should be.
            TypeError: a field is missing or unknown.
        """
        fields = dict(record)
        fields["levels"] = tuple(record.get("levels", ()))
        return cls(**fields)
