"""Tables of named columns: read from CSV and Parquet, or taken from memory, and written as CSV."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np

from ..errors import InputError, require
from ..files import replacing, unreadable
from ..model import Array

MISSING_CELLS = ("", "nan", "na", "n/a", "null", "none")  # in any case, blanks around them ignored


class Columns(Protocol):
    """Anything that maps names to columns: a dict of arrays, a pandas DataFrame."""

    def keys(self) -> Iterable[str]:
        """The column names."""

    def __getitem__(self, name: str, /) -> Any:
        """One column, array-like."""


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of equal length.

    Attributes:
        columns: numbers, times (datetime64) or text (dtype object, cells of str) by name.
        first_row: what messages call the first row: 2 in a CSV file, whose header is row 1.
        path: the file that it was read from.

    Raises:
        InputError: the columns differ in length, or there are none.
    """

    columns: Mapping[str, Array]
    first_row: int = 1
    path: Path | None = None

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self.columns.items()}
        if len(set(lengths.values())) != 1:
            raise InputError(f"{self.title} needs columns of equal length, got {lengths or 'none'}")

    @classmethod
    def of(cls, source: TableSource) -> Table:
        """A table from a path, a mapping of arrays, a DataFrame, or a table, which is returned as it is.

        >>> len(Table.of({"volume": [1.0, 2.0]}))
        2
        """
        if isinstance(source, Table):
            return source
        if isinstance(source, str | Path):
            return read_table(Path(source))
        return cls({str(name): _column(source[name]) for name in source.keys()})  # noqa: SIM118, a DataFrame has keys

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> Array:
        try:
            return self.columns[name]
        except KeyError:
            raise InputError(f"{self.title} has no column {name!r}; it has {', '.join(self.names)}") from None

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(self.columns)

    @property
    def title(self) -> str:
        """What messages call this table."""
        return self.path.name if self.path else "the table"

    def place(self, name: str, index: int) -> str:
        """Where a cell stands, for messages: `row 17, column volume of data.csv`."""
        return f"row {index + self.first_row}, column {name} of {self.title}"

    def numbers(self, name: str) -> Array:
        """One column as float64 `(rows,)`; missing cells are NaN.

        Raises:
            InputError: there is no such column, or a cell is text, a time, or larger than float32 holds.
        """
        column = self[name]
        if column.dtype.kind == "M":
            raise InputError(f"column {name} of {self.title} holds times, expected numbers; leave it out")
        if column.dtype.kind == "O":
            column = np.array([cell if _is_given(cell) else "nan" for cell in column], object)
        try:
            values: Array = column.astype(np.float64)
        except ValueError:
            index = next(index for index, cell in enumerate(column) if not _is_number(cell))
            raise InputError(f"{self.place(name, index)} is {column[index]!r}, expected a number") from None
        for index in np.flatnonzero(np.abs(values) > np.finfo(np.float32).max)[:1]:
            raise InputError(f"{self.place(name, index)} is {values[index]}, expected a finite float32 number")
        return values

    def text(self, name: str) -> Array:
        """One column as text, an array of str `(rows,)`."""
        return self[name].astype(str)

    def is_numeric(self, name: str) -> bool:
        """Whether a column is meant as numbers, judged by its first cell that is not missing."""
        column = self[name]
        if column.dtype.kind != "O":
            return column.dtype.kind in "fiub"
        return _is_number(next(filter(_is_given, column), "text"))

    def write_csv(self, path: Path) -> None:
        """Write every column, numbers with as many digits as bring them back exactly.

        Raises:
            InputError: the file cannot be written; an old one is then left as it was.
        """
        columns = [column.astype(str) for column in self.columns.values()]
        with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(self.names)
            writer.writerows(zip(*columns, strict=True))


TableSource: TypeAlias = "Table | Path | str | Columns"


def read_table(path: Path) -> Table:
    """Read `.csv`, `.csv.gz` or `.parquet`, chosen by the name.

    Raises:
        InputError: the file is missing, of another kind, damaged, empty, or its rows differ in length.
        MissingDependency: Parquet needs pyarrow.
    """
    name = path.name.lower()
    readers = {".csv": _read_csv, ".csv.gz": _read_csv, ".parquet": _read_parquet}
    read = next((reader for suffix, reader in readers.items() if name.endswith(suffix)), None)
    if read is None:
        raise InputError(f"{path} is no table that can be read here; expected a name ending in {', '.join(readers)}")
    if not path.is_file():
        raise InputError(
            f"{path} is a folder, expected a file" if path.is_dir() else f"{path} does not exist; name a table"
        )
    try:
        return read(path)
    except OSError as error:
        raise unreadable(path, error, f"a table: {', '.join(readers)}") from error


def _read_csv(path: Path) -> Table:
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix.lower() == ".gz" else data).decode("utf-8-sig")
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path} is a damaged gzip file: {error}; copy it again") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}; save it as UTF-8") from error
    header, _, _ = text.partition("\n")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=header.count))
    try:
        rows = list(reader)
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num} is not CSV: {error}") from error
    while rows and not rows[-1]:
        rows.pop()
    if len(rows) < 2:
        raise InputError(f"{path} holds {'a header and no rows' if rows else 'nothing'}, expected a table")
    return Table(dict(_csv_columns(path, rows)), first_row=2, path=path)


def _csv_columns(path: Path, rows: list[list[str]]) -> Iterator[tuple[str, Array]]:
    names = [name.strip() for name in rows[0]]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path} has two columns named {name!r}; rename one")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(names):
            raise InputError(f"{path}, row {number} has {len(row)} cells, expected {len(names)} as in the header")
    for index, name in enumerate(names):
        yield name, np.array([row[index] for row in itertools.islice(rows, 1, None)], object)


def _read_parquet(path: Path) -> Table:
    parquet = require("pyarrow.parquet", "train", "reading Parquet")
    pyarrow = require("pyarrow", "train", "reading Parquet")
    try:
        data = parquet.read_table(path)
    except (pyarrow.ArrowException, ValueError) as error:
        raise InputError(f"{path} is no Parquet file that can be read: {str(error).splitlines()[0]}") from error
    if not data.num_rows:
        raise InputError(f"{path} holds no rows, expected a table")
    for field in data.schema:
        if getattr(field.type, "tz", None):
            raise InputError(
                f"column {field.name} of {path.name} has the time zone {field.type.tz}; write all times in one zone, "
                "without an offset, as the device will"
            )
    columns = zip(data.column_names, data.columns, strict=True)
    return Table({name: _column(column.to_numpy()) for name, column in columns}, path=path)


def _column(values: Any) -> Array:
    """A column from anything array-like: numbers, times, or cells of str."""
    array = np.asarray(values)
    if array.ndim != 1:
        raise InputError(f"a column has the shape {array.shape}, expected (rows,)")
    if array.dtype.kind in "fiubM":
        return array
    return np.array(["" if _is_null(cell) else str(cell) for cell in array.tolist()], object)


def _is_null(cell: object) -> bool:
    """None, NaN or NaT: only they, of what a cell may hold, are None or differ from themselves."""
    return cell is None or cell != cell  # noqa: PLR0124


def _is_given(cell: str) -> bool:
    return cell.strip().lower() not in MISSING_CELLS


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
