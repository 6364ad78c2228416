"""Files that hold a table, CSV and Parquet, as columns by name; every read has an end."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, require
from ..files import is_file, is_folder, read_bytes, unreadable
from ..model import USUAL, Array, TableFormat
from .cells import fills

# Of what a .gz unpacks to, to the .gz; the traffic table of this package comes to 4.
MAX_RATIO = 200
SMALL_TEXT_BYTES = 2**21  # which may unpack from any size
MAX_TEXT_BYTES = 2**30  # of a CSV file, unpacked; as Python's objects it takes ten times as much
DELIMITERS = ",;\t"
CSV_FIRST_ROW = 2  # row 1 is the header

KINDS = (".csv", ".csv.gz", ".parquet")
_KINDS = ", ".join(KINDS)


def columns_of_file(path: Path, table_format: TableFormat = USUAL) -> Mapping[str, Any]:
    """The columns of `.csv`, `.csv.gz` or `.parquet`, chosen by the name; those of CSV as text.

    Args:
        path: the file.
        table_format: what stands between the cells of CSV, and before its header.

    Raises:
        InputError: as `read_table`.
        MissingDependency: Parquet needs pyarrow.
    """
    if is_folder(path):
        raise InputError(f"{path} is a folder, expected a file; name one of the tables in it")
    read = _reader(path, table_format)
    if not is_file(path):
        raise InputError(f"{path} does not exist; name a table")
    try:
        return read(path)
    except OSError as error:
        raise unreadable(path, error, f"a table: {_KINDS}") from error


def first_row_of_file(path: Path, table_format: TableFormat = USUAL) -> int:
    """What messages call the first row of such a file."""
    is_text = not path.name.lower().endswith(".parquet")
    return CSV_FIRST_ROW + table_format.skip_rows if is_text else 1


def _reader(path: Path, table_format: TableFormat) -> Callable[[Path], Mapping[str, Any]]:
    name = path.name.lower()
    if name.endswith((".csv", ".csv.gz")):
        return partial(_read_csv, table_format=table_format)
    if name.endswith(".parquet"):
        return _read_parquet
    raise InputError(
        f"{path} is no table that can be read here; expected a name ending in {_KINDS}"
    )


def _read_csv(path: Path, table_format: TableFormat) -> Mapping[str, Array]:
    text = _after_lines(_csv_text(path), table_format.skip_rows)
    header, _, _ = text.partition("\n")
    delimiter = delimiter_of(header, table_format)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = list(reader)
    except csv.Error as error:
        line = reader.line_num + table_format.skip_rows
        raise InputError(f"{path}, line {line} is not CSV: {error}") from error
    while rows and not rows[-1]:  # empty lines at the end are no rows
        rows.pop()
    if not rows:
        raise InputError(f"{path} holds nothing, expected a table")
    if len(rows) == 1:
        raise InputError(f"{path} holds a header and no rows, expected a table")
    return _csv_columns(path, rows[0], rows[1:], first_row_of_file(path, table_format))


def delimiter_of(header: str, table_format: TableFormat) -> str:
    """What stands between the cells of CSV with this first line.

    A comma that stands before fractions does so only where nothing else does.

    >>> delimiter_of("4,1;4,3;4,4", TableFormat(decimal=","))
    ';'
    """
    if table_format.separator:
        return table_format.separator
    others = DELIMITERS.replace(table_format.decimal, "")
    likeliest = max(others, key=header.count)
    return likeliest if likeliest in header else max(DELIMITERS, key=header.count)


def _after_lines(text: str, count: int) -> str:
    """The text without its first lines; empty where it has no more."""
    lines = text.split("\n", count)
    return lines[count] if len(lines) > count else ""


def _csv_text(path: Path) -> str:
    data = read_bytes(path, f"a table: {_KINDS}", MAX_TEXT_BYTES)
    if path.suffix.lower() == ".gz":
        data = _unzipped(path, data)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text: {error.reason} at byte {error.start}; save it as UTF-8"
        ) from error


def _unzipped(path: Path, data: bytes) -> bytes:
    most = min(MAX_TEXT_BYTES, max(SMALL_TEXT_BYTES, MAX_RATIO * len(data)))
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            text = file.read(most + 1)  # one byte more than is allowed tells that it is too much
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path} is a damaged gzip file: {error}; copy it again") from error
    if len(text) > most:
        raise InputError(
            f"{path} unpacks to more than {most:,} bytes, the most that is allowed for its "
            f"{len(data):,}; unpack it first, split it, or save it as Parquet"
        )
    return text


def _csv_columns(
    path: Path, header: list[str], rows: list[list[str]], first_row: int
) -> dict[str, Array]:
    names = csv_names(path, header)
    for number, row in enumerate(rows, start=first_row):
        check_width(path, number, row, names)
    columns = {}
    for index, name in enumerate(names):
        columns[name] = np.array([row[index] for row in rows], object)
    return columns


def csv_names(path: Path, header: Sequence[str]) -> tuple[str, ...]:
    """The columns of CSV by its header, whose names have to differ."""
    names = tuple(name.strip() for name in header)
    refuse_twice(path, names)
    return names


def refuse_twice(path: Path, names: Sequence[str]) -> None:
    """Raises InputError where two columns have the same name."""
    for name in names:
        if names.count(name) > 1:
            which = f"named {name!r}; rename one"
            if not name:
                which = "without a name; give --skip-rows where lines stand before the header"
            raise InputError(f"{path} has two columns {which}")


def check_width(path: Path, number: int, row: Sequence[str], names: Sequence[str]) -> None:
    """Raises InputError for a row with more or fewer cells than the header."""
    if not fills(row, len(names)):
        cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
        raise InputError(
            f"{path}, row {number} has {cells}, expected {len(names)} as in the header; "
            "repair the row, or give --skip-rows where lines stand before the header, --separator "
            "where something else stands between cells"
        )


def _read_parquet(path: Path) -> Mapping[str, Array]:
    parquet = require("pyarrow.parquet", "train", "reading Parquet")
    pyarrow = require("pyarrow", "train", "reading Parquet")
    try:
        data = parquet.read_table(path)
    except (pyarrow.ArrowException, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} is no Parquet file that can be read: {reason}") from error
    if not data.num_rows:
        raise InputError(f"{path} holds no rows, expected a table")
    columns = zip(data.column_names, data.columns, strict=True)
    return {name: with_offset(column.to_numpy(), column.type) for name, column in columns}


def with_offset(values: Array, arrow_type: Any) -> Array:
    """The values of a column of Parquet; of times in a zone the text that a CSV file would hold,
    their time in UTC and its offset."""
    pyarrow = require("pyarrow", "train", "reading Parquet")
    if not pyarrow.types.is_timestamp(arrow_type) or arrow_type.tz is None:
        return values
    times = values.astype("datetime64[us]")
    texts = [f"{time}+00:00" for time in np.datetime_as_string(times)]
    cells: Array = np.where(np.isnat(times), "", np.array(texts, object))
    return cells
