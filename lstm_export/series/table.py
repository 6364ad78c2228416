"""Tables of named columns: taken from memory or from a file, and written as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np

from ..errors import InputError, require
from ..files import replacing
from ..model import USUAL, Array, TableFormat
from .cells import advice, is_given, is_null, is_number, number_text
from .given_arrays import given_array
from .table_files import columns_of_file, first_row_of_file

FLOAT32_MAX = float(np.finfo(np.float32).max)


class Columns(Protocol):
    """Anything that maps names to columns: a dict of arrays, a pandas DataFrame."""

    def keys(self) -> Iterable[str]:
        """The column names."""

    def __getitem__(self, name: str, /) -> Any:
        """One column, array-like."""


class RowSource(Protocol):
    """A table in memory, or one that is read a few rows at a time."""

    @property
    def path(self) -> Path | None:
        """The file, or the folder of files, that it was read from."""

    @property
    def format(self) -> TableFormat:
        """How its cells are written."""

    @property
    def first_row(self) -> int:
        """What messages call the first row."""

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in order."""

    @property
    def title(self) -> str:
        """What messages call this table."""

    def __len__(self) -> int:
        """How many rows it has."""

    def place(self, name: str, index: int) -> str:
        """Where a cell stands, for messages."""

    def blocks(self, names: Sequence[str]) -> Iterator[Table]:
        """All rows in their order, in tables that have these columns at least."""


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of equal length.

    Attributes:
        columns: numbers, times (datetime64) or text (dtype object, cells of str) by name.
        first_row: what messages call the first row: 2 in a CSV file, whose header is row 1.
        path: the file that it was read from.
        format: how its cells are written.

    Raises:
        InputError: the columns differ in length, or there are none.
    """

    columns: Mapping[str, Array]
    first_row: int = 1
    path: Path | None = None
    format: TableFormat = USUAL

    def __post_init__(self) -> None:
        lengths = {name: len(column) for name, column in self.columns.items()}
        if len(set(lengths.values())) != 1:  # 0 without columns
            raise InputError(f"{self.title} needs columns of equal length, got {lengths or 'none'}")

    @classmethod
    def of(cls, source: TableSource, table_format: TableFormat | None = None) -> Table:
        """A table from a path, a mapping of arrays, a DataFrame, or a table.

        A table is returned as it is unless another format of its cells is named.

        >>> len(Table.of({"volume": [1.0, 2.0]}))
        2
        """
        if isinstance(source, Table):
            return replace(source, format=table_format) if table_format else source
        table_format = table_format or USUAL
        if isinstance(source, str | Path):
            return read_table(Path(source), table_format)
        names = source.keys()  # a DataFrame has keys, and iterates over other things
        columns = {str(name): _column(source[name]) for name in names}
        return cls(columns, format=table_format)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> Array:
        try:
            return self.columns[name]
        except KeyError:
            skipped = self.format.skip_rows
            below = f", below the {skipped} lines that are skipped" if skipped else ""
            raise InputError(
                f"{self.title} has no column {name!r}; it has {', '.join(self.names)}{below}"
            ) from None

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

    def blocks(self, names: Sequence[str]) -> Iterator[Table]:
        """The table as it is, a single block."""
        for name in names:
            _ = self[name]  # raises for a column that is not there
        yield self

    def numbers(self, name: str) -> Array:
        """One column as float64 `(rows,)`; missing cells are NaN.

        Raises:
            InputError: there is no such column, or a cell is text, a time, or larger than float32
                holds.
        """
        column = self[name]
        if column.dtype.kind == "M":
            raise InputError(
                f"column {name} of {self.title} holds times, expected numbers; leave it out"
            )
        is_text = column.dtype.kind == "O"
        values = self._parsed(name, column) if is_text else self._known(column)
        too_large = np.abs(values) > FLOAT32_MAX
        for index in np.flatnonzero(too_large)[:1]:
            raise InputError(
                f"{self.place(name, index)} is {values[index]}, expected a finite float32 number; "
                "repair it, or train with --missing-values where it stands for a missing cell"
            )
        return values

    def _parsed(self, name: str, column: Array) -> Array:
        """Cells of text as float64."""
        numbers = []
        for cell in column:
            text = number_text(cell, self.format) if is_given(cell, self.format) else "nan"
            numbers.append(text)
        try:
            # objects, since an array of text would give every cell the width of the widest
            return np.array(numbers, object).astype(np.float64)
        except ValueError:
            index = next(index for index, text in enumerate(numbers) if not is_number(text))
            raise InputError(
                f"{self.place(name, index)} is {column[index]!r}, expected a number; "
                f"{advice(column[index], self.format)}"
            ) from None

    def _known(self, column: Array) -> Array:
        """Numbers as float64, those that stand for a missing cell as NaN."""
        values: Array = column.astype(np.float64)
        missing = [float(word) for word in self.format.missing_values if is_number(word)]
        if not missing:
            return values
        return np.where(np.isin(values, missing), np.nan, values)

    def text(self, name: str) -> Array:
        """One column as text, an array of str `(rows,)`."""
        return self[name].astype(str)

    def is_numeric(self, name: str) -> bool:
        """Whether a column is meant as numbers, judged by its first cell that is not missing."""
        column = self[name]
        if column.dtype.kind != "O":
            return column.dtype.kind in "fiub"
        given = (cell for cell in column if is_given(cell, self.format))
        return is_number(next(given, "text"), self.format)

    def write_csv(self, path: Path) -> None:
        """Write every column, numbers with as many digits as bring them back exactly.

        Raises:
            InputError: the file cannot be written; an old one is then left as it was.
        """
        columns = [column.astype(str) for column in self.columns.values()]
        with (
            replacing(path) as partial,
            partial.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(self.names)
            writer.writerows(zip(*columns, strict=True))

    def write_parquet(self, path: Path) -> None:
        """Write every column as it is: numbers, times, text.

        Raises:
            InputError: the file cannot be written; an old one is then left as it was.
            MissingDependency: pyarrow is not installed.
        """
        pyarrow = require("pyarrow", "train", "writing Parquet")
        parquet = require("pyarrow.parquet", "train", "writing Parquet")
        columns = {}
        for name, column in self.columns.items():
            # pyarrow would take a column of text without any cell for one of nulls
            kind = pyarrow.string() if column.dtype.kind == "O" else None
            columns[name] = pyarrow.array(column, kind)
        with replacing(path) as partial:
            parquet.write_table(pyarrow.table(columns), partial)


TableSource: TypeAlias = "Table | Path | str | Columns"


def read_table(path: Path, table_format: TableFormat = USUAL) -> Table:
    """Read `.csv`, `.csv.gz` or `.parquet`, chosen by the name.

    Raises:
        InputError: the file is missing, of another kind, damaged, empty, too large, or its rows
            differ in length.
        MissingDependency: Parquet needs pyarrow.
    """
    read = columns_of_file(path, table_format)
    columns = {name: _column(values) for name, values in read.items()}
    return Table(columns, first_row_of_file(path, table_format), path, table_format)


def _column(values: Any) -> Array:
    """A column from anything array-like: numbers, times, or cells of str."""
    array = given_array(values, "a column", "(rows,)")
    if array.ndim != 1:
        raise InputError(f"a column has the shape {array.shape}, expected (rows,)")
    if array.dtype.kind in "fiubM":
        return array
    cells = array.tolist()
    texts = ["" if is_null(cell) else str(cell) for cell in cells]
    return np.array(texts, object)
