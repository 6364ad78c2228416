"""Tables that need not fit into memory: a file or a folder of them, read a few rows at a time."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, require
from ..files import is_file, is_folder, unreadable
from ..model import Array, TableFormat
from .table import Table
from .table_files import (
    check_width,
    csv_names,
    delimiter_of,
    first_row_of_file,
    refuse_twice,
    with_offset,
)

BLOCK_ROWS = 2**16
# Tables above these sizes are read in blocks: text takes ten times as much as Python's objects.
LARGE_TEXT_BYTES = 2**26
LARGE_PARQUET_BYTES = 2**27  # of its cells, eight bytes each
SUFFIXES = (".csv", ".parquet")


@dataclass(frozen=True, eq=False)
class LargeTable:
    """The rows of one or several files, in the order of their names; each walk reads them anew.

    Attributes:
        path: of the file, or of the folder.
        files: that it consists of.
        starts: for each file how many rows stand in those before it, and at last all of them.
        names: of the columns, the same in all files.
        format: how cells are written.
    """

    path: Path
    files: tuple[Path, ...]
    starts: tuple[int, ...]
    names: tuple[str, ...]
    format: TableFormat

    @classmethod
    def open(cls, path: Path, table_format: TableFormat) -> LargeTable:
        """Look at every file of a table: its columns, and how many rows it has.

        Raises:
            InputError: a file cannot be read, or has other columns than the first.
            MissingDependency: Parquet needs pyarrow.
        """
        files = _files_of(path)
        starts = [0]
        names: tuple[str, ...] = ()
        for file in files:
            found, rows = _columns_and_rows(file, table_format)
            names = names or found
            _check_same_columns(file, found, names)
            starts.append(starts[-1] + rows)
        if not starts[-1]:
            raise InputError(f"{path} holds no rows, expected a table")
        return cls(path, files, tuple(starts), names, table_format)

    def __len__(self) -> int:
        return self.starts[-1]

    @property
    def title(self) -> str:
        """What messages call this table."""
        return self.path.name

    @property
    def first_row(self) -> int:
        """What messages call the first row of every file."""
        return first_row_of_file(self.files[0], self.format)

    def place(self, name: str, index: int) -> str:
        """Where a cell stands, for messages: `row 17, column volume of part-3.parquet`."""
        # the last file that begins at this row or before
        number = int(np.searchsorted(self.starts, index, side="right")) - 1
        row = index - self.starts[number] + self.first_row
        return f"row {row}, column {name} of {self.files[number].name}"

    def blocks(self, names: Sequence[str]) -> Iterator[Table]:
        """These columns of all rows, a few rows at a time.

        Raises:
            InputError: there is no such column, or a file changed since it was looked at.
        """
        for name in names:
            if name not in self.names:
                raise InputError(
                    f"{self.title} has no column {name!r}; it has {', '.join(self.names)}"
                )
        for file in self.files:
            first_row = self.first_row
            for columns in _blocks_of(file, self.format, tuple(dict.fromkeys(names))):
                table = Table.of(columns, self.format)
                yield replace(table, first_row=first_row, path=file)
                first_row += len(table)


def is_large(path: Path) -> bool:
    """Whether a table is read in blocks: a folder, or a file that is large for memory."""
    if is_folder(path):
        return True
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES or not is_file(path):
        return False
    if suffix == ".csv":
        return path.stat().st_size > LARGE_TEXT_BYTES
    metadata = _parquet_file(path).metadata
    size_bytes = metadata.num_rows * metadata.num_columns * 8  # in memory, as float64
    return bool(size_bytes > LARGE_PARQUET_BYTES)


def _files_of(path: Path) -> tuple[Path, ...]:
    if not is_folder(path):
        return (path,)
    tables = [file for file in path.iterdir() if file.suffix.lower() in SUFFIXES]
    files = tuple(sorted(tables))
    kinds = {file.suffix.lower() for file in files}
    if len(kinds) != 1:
        found = " and ".join(sorted(kinds)) or "no table"
        raise InputError(
            f"{path} holds {found}, expected files of one kind, {' or '.join(SUFFIXES)}, directly "
            "in the folder"
        )
    return files


def _check_same_columns(file: Path, found: Sequence[str], names: Sequence[str]) -> None:
    if set(found) != set(names):
        missing = sorted(set(names) - set(found))
        what = f"lacks {', '.join(missing)}" if missing else "has more"
        raise InputError(
            f"{file} {what}: its columns are {', '.join(found)}, expected {', '.join(names)} as in "
            "the first file of the folder"
        )


def _columns_and_rows(file: Path, table_format: TableFormat) -> tuple[tuple[str, ...], int]:
    if file.suffix.lower() == ".parquet":
        parquet = _parquet_file(file)
        names = tuple(parquet.schema_arrow.names)
        refuse_twice(file, names)
        return names, parquet.metadata.num_rows
    with _CsvRows(file, table_format) as rows:
        return rows.names, sum(1 for _ in rows)


def _blocks_of(
    file: Path, table_format: TableFormat, names: Sequence[str]
) -> Iterator[Mapping[str, Array]]:
    if file.suffix.lower() == ".parquet":
        yield from _parquet_blocks(file, names)
        return
    with _CsvRows(file, table_format) as rows:
        places = [rows.names.index(name) for name in names]
        while block := list(islice(rows, BLOCK_ROWS)):
            yield {
                name: np.array([row[place] for row in block], object)
                for name, place in zip(names, places, strict=True)
            }


def _parquet_file(path: Path) -> Any:
    parquet = require("pyarrow.parquet", "train", "reading Parquet")
    pyarrow = require("pyarrow", "train", "reading Parquet")
    try:
        return parquet.ParquetFile(path, memory_map=True)
    except OSError as error:
        raise unreadable(path, error, "a table") from error
    except (pyarrow.ArrowException, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} is no Parquet file that can be read: {reason}") from error


def _parquet_blocks(path: Path, names: Sequence[str]) -> Iterator[Mapping[str, Array]]:
    pyarrow = require("pyarrow", "train", "reading Parquet")
    file = _parquet_file(path)
    with_gaps = {name for name in names if _has_missing_integers(file, name)}
    try:
        for batch in file.iter_batches(BLOCK_ROWS, columns=list(names), use_threads=False):
            columns = {}
            for name in names:
                column = batch.column(name)
                if name in with_gaps:  # whole numbers with missing ones are floats in all blocks
                    column = column.cast(pyarrow.float64(), safe=False)
                values = column.to_numpy(zero_copy_only=False)
                columns[name] = with_offset(values, column.type)
            yield columns
    except (OSError, pyarrow.ArrowException) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} is damaged: {reason}; copy it again") from error


def _has_missing_integers(file: Any, name: str) -> bool:
    """Whether whole numbers are missing in a column, or may be: its statistics do not tell."""
    pyarrow = require("pyarrow", "train", "reading Parquet")
    if not pyarrow.types.is_integer(file.schema_arrow.field(name).type):
        return False
    place = file.schema_arrow.names.index(name)
    groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
    found = [group.column(place).statistics for group in groups]
    return any(known is None or not known.has_null_count or known.null_count for known in found)


class _CsvRows:
    """The rows of a CSV file after its header, each with as many cells as that.

    Attributes:
        names: of the columns.
    """

    def __init__(self, path: Path, table_format: TableFormat) -> None:
        self._path = path
        self._row = first_row_of_file(path, table_format)
        delimiter, self.names = self._header(table_format)
        self._file = path.open(newline="", encoding="utf-8-sig")
        for _ in islice(self._file, table_format.skip_rows + 1):
            pass
        self._cells = csv.reader(self._file, delimiter=delimiter)

    def _header(self, table_format: TableFormat) -> tuple[str, tuple[str, ...]]:
        """What stands between cells, and the names of the columns."""
        line = table_format.skip_rows
        try:
            with self._path.open(newline="", encoding="utf-8-sig") as file:
                header = "".join(islice(file, line, line + 1))
            if not header.strip():
                raise InputError(f"{self._path} holds nothing, expected a table")
            delimiter = delimiter_of(header, table_format)
            (cells,) = csv.reader([header], delimiter=delimiter)
            return delimiter, csv_names(self._path, cells)
        except OSError as error:
            raise unreadable(self._path, error, "a table") from error
        except (csv.Error, UnicodeDecodeError) as error:
            raise self._refusal(self._row - 1, error) from error

    def __enter__(self) -> _CsvRows:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[list[str]]:
        """Empty lines at the end are none."""
        empty = 0
        while (cells := self._next()) is not None:
            if not cells:
                empty += 1
                continue
            if empty:
                check_width(self._path, self._row - empty - 1, [], self.names)
            check_width(self._path, self._row - 1, cells, self.names)
            yield cells

    def _next(self) -> list[str] | None:
        try:
            cells = next(self._cells, None)
        except (csv.Error, UnicodeDecodeError) as error:
            raise self._refusal(self._row, error) from error
        self._row += 1
        return cells

    def _refusal(self, row: int, error: Exception) -> InputError:
        return InputError(f"{self._path}, row {row} cannot be read: {error}; save it as UTF-8 text")
