"""What NAME.c tells of itself where it computes in whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ....model import StateTensor
from .formats import Formats
from .measured_error import MeasuredError
from .whole_model import WholeModel


@dataclass(frozen=True)
class IntegerFacts:
    """All that is needed to rebuild the whole numbers from the float model, and to call the C.

    Attributes:
        formats: chosen on real inputs.
        answer_bits: an answer is its count times 2^-answer_bits.
        wide_size, narrow_size: of the state, int32 and int16.
        floats: whether NAME_counts and NAME_values are there.
        measured_errors: against what was measured, when it was exported.
    """

    formats: Formats
    answer_bits: int
    wide_size: int
    narrow_size: int
    floats: bool
    measured_errors: tuple[MeasuredError, ...] = ()

    @classmethod
    def of(
        cls,
        whole: WholeModel,
        formats: Formats,
        floats: bool,
        measured_errors: tuple[MeasuredError, ...] = (),
    ) -> IntegerFacts:
        """Those of a model whose formats were chosen."""
        wide, narrow = (words.size for words in whole.initial_words)
        return cls(formats, whole.answer_bits, wide, narrow, floats, measured_errors)

    @property
    def layout(self) -> tuple[StateTensor, ...]:
        """The state as floats, which hold 24 bits: int16, then the halves of int32, upper first."""
        return (
            StateTensor("narrow", 1, self.narrow_size),
            StateTensor("wide_high", 1, self.wide_size),
            StateTensor("wide_low", 1, self.wide_size),
        )

    def to_record(self) -> dict[str, Any]:
        """JSON-ready; `from_record` is its inverse."""
        record = {**vars(self), "formats": self.formats.to_record()}
        del record["measured_errors"]
        if self.measured_errors:
            record["measured_errors"] = [vars(error) for error in self.measured_errors]
        return record

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
        errors = tuple(
            MeasuredError.from_record(error) for error in record.get("measured_errors", ())
        )
        formats = Formats.from_record(record["formats"])
        return cls(**{**record, "formats": formats, "measured_errors": errors})
