"""What NAME.c tells of itself where it computes in whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .formats import Formats
from .whole_model import WholeModel


@dataclass(frozen=True)
class IntegerFacts:
    """All that is needed to rebuild the whole numbers from the float model, and to call the C.

    Attributes:
        formats: chosen on real inputs.
        answer_bits: an answer is its count times 2^-answer_bits.
        wide_size, narrow_size: of the state, int32 and int16.
        floats: whether NAME_counts and NAME_values are there.
    """

    formats: Formats
    answer_bits: int
    wide_size: int
    narrow_size: int
    floats: bool

    @classmethod
    def of(cls, whole: WholeModel, formats: Formats, floats: bool) -> IntegerFacts:
        wide = sum(state.wide.shape[1] for state in whole.start)
        narrow = sum(state.narrow.shape[1] for state in whole.start)
        return cls(formats, whole.answer_bits, wide, narrow, floats)

    def to_record(self) -> dict[str, Any]:
        """JSON-ready; `from_record` is its inverse."""
        return {**vars(self), "formats": self.formats.to_record()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> IntegerFacts:
        """Read what `to_record` wrote.

        Raises:
            ValueError, KeyError, TypeError: it is no such record.
        """
        for name in ("answer_bits", "wide_size", "narrow_size"):
            if type(record[name]) is not int:
                raise TypeError(f"{name} is {record[name]!r}")
        if type(record["floats"]) is not bool:
            raise TypeError(f"floats is {record['floats']!r}")
        return cls(**{**record, "formats": Formats.from_record(record["formats"])})
