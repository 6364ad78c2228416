"""What NAME.c tells of itself where it computes in whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .formats import Formats
from .stages import Recurrent
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
        recurrent = [stage for stage in whole.stages if isinstance(stage, Recurrent)]
        cells = [cell for stage in recurrent for layer in stage.layers for cell in layer]
        wide = sum(cell.start.wide.shape[1] for cell in cells)
        narrow = sum(cell.start.narrow.shape[1] for cell in cells)
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
        return cls(**{**record, "formats": Formats.from_record(record["formats"])})
