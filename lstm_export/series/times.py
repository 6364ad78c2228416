"""The times of a table: dates in every form that is recognised or named, and numbers that count."""

from __future__ import annotations

import datetime
import re
import warnings

import numpy as np

from ..errors import InputError
from ..model import Array, TableFormat
from .cells import is_given
from .table import Table
from .zones import to_local, to_utc, zone_of


class NoTimeZoneWarning(UserWarning):
    """Times without a zone are taken as UTC, since those that a model learned from had offsets."""


# Dates written as one number, by their digits. Ten digits are left out: they may be seconds too.
COMPACT = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
COMPACT_YEARS = range(1900, 2101)

# A time of day, so that the day of 2024-01-31 is none; then UTC or an offset as +02, +0200, +02:00.
_OFFSET = re.compile(
    r"(?P<time>.*[T ]\d\d(?::\d\d)?(?::\d\d(?:\.\d+)?)?)\s*"
    r"(?P<offset>Z|UTC|(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d)?)"
)

_ISO = re.compile(r"\d{4}(?:-\d\d){0,2}(?:[T ]\d\d[\d:.]*)?")


def parse_times(table: Table, name: str) -> Array:
    """The time column `(rows,)`: datetime64[s], or [us] where times are finer, or float64 counts.

    Takes ISO 8601 with `T` or a space, plain numbers, and what `table.format` names. A closing Z or
    UTC is ignored, another offset refused, unless every time has one: then they are read as UTC.
    Local times of `table.format.timezone` become UTC, too. Times of numpy, which have no zone, are
    taken as UTC with a `NoTimeZoneWarning` where text would need an offset.

    Raises:
        InputError: there is no such column, or a cell is missing or no time; names the row.
    """
    is_named = table.format.time_format is not None
    if table.is_numeric(name) and not is_named:
        if table.format.timezone:
            raise InputError(
                f"column {name} of {table.title} holds numbers, which are in no time zone; leave "
                "--timezone out, or name their form with --time-format"
            )
        times = table.numbers(name)
        missing = np.isnan(times)
    else:
        times = _dates(table, name)
        missing = np.isnat(times)
        times = _in_seconds_if_whole(times, missing)
    for index in np.flatnonzero(missing)[:1]:
        raise InputError(
            f"{table.place(name, index)} is empty, expected a time; remove or repair the row"
        )
    if table.format.timezone and not table.format.has_offsets:
        return to_utc(times, zone_of(table.format.timezone))
    return times


def local_times(times: Array, table_format: TableFormat | None) -> Array:
    """Times of a table as clocks showed them, for calendars: those of its zone, if it has one."""
    if table_format is None or table_format.timezone is None:
        return times
    return to_local(times, zone_of(table_format.timezone))


def recognised(table: Table, name: str) -> Table:
    """The table with the form that its times show: dates as 20240131, or offsets from UTC.

    It is decided once, on the table that is trained on, and stored for those that follow.
    """
    if table.format.time_format or table[name].dtype.kind == "M":
        return table
    if table.is_numeric(name):
        time_format = compact_format(table, name)
        changed = table.format.with_times(time_format) if time_format else table.format
        return Table.of(table, changed)
    has_offset = any(_has_other_offset(cell) for cell in table[name])
    return Table.of(table, table.format.with_offsets() if has_offset else table.format)


def _has_other_offset(cell: str) -> bool:
    found = _OFFSET.fullmatch(cell.strip())
    return bool(found and found["sign"])


def compact_format(table: Table, name: str) -> str:
    """The format of a column of dates written as numbers; empty where a cell is no such date."""
    found = ""
    for text in _texts(table, name):
        time_format = COMPACT.get(len(text), "")
        if not time_format or found not in ("", time_format):
            return ""
        try:
            time = datetime.datetime.strptime(text, time_format)
        except ValueError:
            return ""
        if time.year not in COMPACT_YEARS:
            return ""
        found = time_format
    return found


def _texts(table: Table, name: str) -> list[str]:
    """The column's cells as text, whole numbers without a point; empty where nothing stands."""
    column = table[name]
    if column.dtype.kind == "O":
        return [cell.strip() if is_given(cell, table.format) else "" for cell in column]
    if column.dtype.kind == "f":
        # 20240131.0 as 20240131; 17 digits tell every float64 apart
        return ["" if np.isnan(value) else f"{value:.17g}" for value in column.tolist()]
    return [str(value) for value in column.tolist()]


def _dates(table: Table, name: str) -> Array:
    column = table[name]
    if column.dtype.kind == "M":
        if table.format.has_offsets:
            _warn_of_no_zone(table, name)
        return column
    read = _read_iso if table.format.time_format is None else _read_formatted
    times = np.empty(len(column), "datetime64[us]")
    for index, text in enumerate(_texts(table, name)):
        try:
            times[index] = read(text, table.format) if text else np.datetime64("NaT")
        except ValueError as error:
            raise InputError(f"{table.place(name, index)} is {text!r}, {error}") from None
    return times


def _warn_of_no_zone(table: Table, name: str) -> None:
    """Text is refused instead; times of Parquet or numpy may be in UTC, as those of Spark are."""
    text = (
        f"column {name} of {table.title} holds times without a zone, where training had offsets: "
        "they are taken as UTC; write them with their zone"
    )
    warnings.warn(text, NoTimeZoneWarning, stacklevel=2)


def _read_formatted(text: str, table_format: TableFormat) -> np.datetime64:
    """Raises ValueError with what was expected."""
    time_format = table_format.time_format or ""
    try:
        time = datetime.datetime.strptime(text, time_format)
    except ValueError:
        raise ValueError(
            f"expected a time such as {_example(time_format)!r}: training read this column as "
            f"{time_format}; repair the cell, or train with another --time-format"
        ) from None
    if time.tzinfo is not None:
        time = time.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return np.datetime64(time, "us")


def _example(time_format: str) -> str:
    new_years_eve = datetime.datetime(2016, 12, 31, 18, 30, tzinfo=datetime.timezone.utc)
    return new_years_eve.strftime(time_format)


def _read_iso(text: str, table_format: TableFormat) -> np.datetime64:
    """Raises ValueError with what was expected."""
    found = _OFFSET.fullmatch(text)
    if table_format.has_offsets and not found:
        raise ValueError("expected an offset from UTC such as +02:00, as the other times have")
    if found and found["sign"] and not table_format.has_offsets:
        raise ValueError(
            "expected a time without an offset, as in training; "
            "write all times in one zone, without an offset"
        )
    iso = found["time"].strip() if found else text.removesuffix("Z")
    try:
        if not _ISO.fullmatch(iso):  # numpy takes more, such as "today"
            raise ValueError
        time = np.datetime64(iso, "us")
    except ValueError:
        raise ValueError(
            "expected ISO 8601 such as 2016-10-01T00:00, or numbers throughout; "
            "train with --time-format where times are written otherwise, such as %d.%m.%Y %H:%M"
        ) from None
    return time - _offset(found) if found else time


def _offset(found: re.Match[str]) -> np.timedelta64:
    minutes = 60 * int(found["hours"] or 0) + int(found["minutes"] or 0)  # Z and UTC have neither
    return np.timedelta64(-minutes if found["sign"] == "-" else minutes, "m")


def _in_seconds_if_whole(times: Array, missing: Array) -> Array:
    times = times.astype("datetime64[us]")
    seconds = times.astype("datetime64[s]")  # what is below a second is cut off
    is_whole = (seconds[~missing] == times[~missing]).all()
    return seconds if is_whole else times
