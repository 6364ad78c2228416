"""How the cells of a table are written, where that is not the usual way."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..errors import InputError

SEPARATORS = (",", ";", "\t", "|", " ")
DECIMALS = (".", ",")
LONGEST_TIME_FORMAT = 64
MOST_SKIPPED = 1_000_000
_SOME_TIME = datetime.datetime(2000, 12, 31, 23, 58, 59, tzinfo=datetime.timezone.utc)


@dataclass(frozen=True)
class TableFormat:
    """How cells are written.

    Attributes:
        missing_values: words for a missing cell beside the usual ones, such as `("?", "-999")`.
        time_format: of times, as `datetime.strptime` reads it; None for ISO 8601 or numbers.
        has_offsets: every time names its offset from UTC, and is read as UTC.
        decimal: between a number's whole part and its fraction.
        separator: between the cells of a text file; None for the likeliest by its header.
        skip_rows: lines of a text file that stand before its header.
        timezone: in which times without an offset are, and calendars are read: "Europe/Berlin".

    Raises:
        InputError: a value is none of these.
    """

    missing_values: tuple[str, ...] = ()
    time_format: str | None = None
    has_offsets: bool = False
    decimal: str = "."
    separator: str | None = None
    skip_rows: int = 0
    timezone: str | None = None

    def __post_init__(self) -> None:
        if not all(isinstance(word, str) for word in self.missing_values):
            raise InputError(f"missing_values are {self.missing_values!r}, expected texts")
        if not isinstance(self.has_offsets, bool):
            raise InputError(f"has_offsets is {self.has_offsets!r}, expected true or false")
        if self.decimal not in DECIMALS:
            raise InputError(f"decimal is {self.decimal!r}, expected a point or a comma")
        if self.separator is not None and self.separator not in SEPARATORS:
            raise InputError(
                f"separator is {self.separator!r}, expected a single comma, semicolon, tab, "
                "vertical bar or space"
            )
        if not isinstance(self.timezone, str | None):
            raise InputError(
                f"timezone is {self.timezone!r}, expected a name such as Europe/Berlin"
            )
        if type(self.skip_rows) is not int or not 0 <= self.skip_rows <= MOST_SKIPPED:
            raise InputError(f"skip_rows is {self.skip_rows!r}, expected 0 to {MOST_SKIPPED:,}")
        if self.time_format is not None:
            _check_time_format(self.time_format)

    def with_times(self, time_format: str) -> TableFormat:
        """The same with times in this format."""
        return replace(self, time_format=time_format)

    def with_offsets(self) -> TableFormat:
        """The same with times that name their offset from UTC."""
        return replace(self, has_offsets=True)

    def to_record(self) -> dict[str, Any]:
        """A JSON-ready mapping of what differs from the usual; `from_record` is its inverse."""
        record = {}
        for name, value in asdict(self).items():
            if value != vars(USUAL)[name]:
                record[name] = list(value) if isinstance(value, tuple) else value
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> TableFormat:
        """Read what `to_record` wrote.

        Raises:
            InputError: a value is none that a format has.
            TypeError: a field is unknown.
        """
        fields = dict(record)
        fields["missing_values"] = tuple(fields.get("missing_values", ()))
        return cls(**fields)


USUAL = TableFormat()


def _check_time_format(time_format: object) -> None:
    is_text = isinstance(time_format, str) and len(time_format) <= LONGEST_TIME_FORMAT
    if not is_text or not _reads_what_it_writes(str(time_format)):
        raise InputError(
            f"time_format is {time_format!r}, expected the directives of Python's strptime, "
            "such as %d.%m.%Y %H:%M for 31.12.2024 18:30"
        )


def _reads_what_it_writes(time_format: str) -> bool:
    """Whether it has directives, all of which strptime knows."""
    try:
        text = _SOME_TIME.strftime(time_format)
        datetime.datetime.strptime(text, time_format)
    except (ValueError, re.error):
        return False
    return "%" in time_format
