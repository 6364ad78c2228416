"""Tables read the same from every format, and refuse what is not a table in one line."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export.errors import InputError
from lstm_export.model import TableFormat
from lstm_export.series import Table, parse_times, read_table

NEEDS_PYARROW = 'needs pyarrow: pip install "lstm-export[train]"'
HOURS = ["2024-02-28T22", "2024-02-28T23", "2024-02-29T00"]
CSV = "hour,load,name\n2024-02-28T22,1.5,a\n2024-02-28T23,,b\n2024-02-29T00,-2e3,\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    return path


@pytest.mark.parametrize(
    "form", ["csv", "csv.gz", "semicolons", "byte order mark", "parquet", "mapping", "objects"]
)
def test_every_source_gives_the_same_table(form: str, tmp_path: Path) -> None:
    load = np.array([1.5, np.nan, -2000])
    match form:
        case "csv" | "csv.gz":
            table = Table.of(str(write(tmp_path, f"t.{form}", CSV)))
        case "semicolons":
            table = Table.of(write(tmp_path, "t.csv", CSV.replace(",", ";") + "\n\n"))
        case "byte order mark":
            table = Table.of(write(tmp_path, "t.CSV", "\ufeff" + CSV.replace("\n", "\r\n")))
        case "parquet":
            pa = pytest.importorskip("pyarrow", reason=NEEDS_PYARROW)
            hours = pa.array(np.array(HOURS, "datetime64[ns]"))
            columns = pa.table(
                {"hour": hours, "load": [1.5, None, -2000], "name": ["a", "b", None]}
            )
            pytest.importorskip("pyarrow.parquet").write_table(columns, tmp_path / "t.parquet")
            table = Table.of(tmp_path / "t.parquet")
        case "mapping":
            table = Table.of(
                {"hour": np.array(HOURS, "datetime64[h]"), "load": load, "name": ["a", "b", ""]}
            )
        case _:
            table = Table.of({"hour": HOURS, "load": [1.5, None, "-2e3"], "name": ["a", "b", None]})
    assert table.names == ("hour", "load", "name")
    assert [table.is_numeric(name) for name in table.names] == [False, True, False]
    np.testing.assert_array_equal(table.numbers("load"), load)
    np.testing.assert_array_equal(parse_times(table, "hour"), np.array(HOURS, "datetime64[s]"))
    assert table.text("name").tolist() == ["a", "b", ""]
    assert Table.of(table) is table


def test_written_numbers_come_back_exactly(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    wide = random.standard_normal(50)
    narrow = random.standard_normal(50).astype(np.float32)
    times = np.datetime64("2024-01-01T00:00", "s") + np.arange(50)
    Table.of({"time": times, "wide": wide, "narrow": narrow}).write_csv(tmp_path / "out.csv")
    back = read_table(tmp_path / "out.csv")
    assert (back.numbers("wide") == wide).all()
    assert (back.numbers("narrow").astype(np.float32) == narrow).all()
    assert (parse_times(back, "time") == times).all()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "", "holds nothing, expected a table"),
        ("t.csv", "a,b\n", "holds a header and no rows"),
        ("t.csv", "a,b\n1,2\n3\n", r"row 3 has 1 cell, expected 2"),
        ("t.csv", "a,a\n1,2\n", "two columns named 'a'"),
        ("t.csv", "Station 7,,\na,b,c\n1,2,3\n", "two columns without a name; give --skip-rows"),
        ("t.xlsx", "", r"expected a name ending in \.csv, \.csv\.gz, \.parquet"),
    ],
)
def test_what_is_no_table_is_refused(name: str, text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        read_table(write(tmp_path, name, text))


def test_what_is_no_parquet_file_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason=NEEDS_PYARROW)
    with pytest.raises(InputError, match="no Parquet file"):
        read_table(write(tmp_path, "t.parquet", "a,b\n1,2\n"))
    Table({"a": np.empty(0)}).write_parquet(tmp_path / "empty.parquet")
    with pytest.raises(InputError, match="holds no rows, expected a table"):
        read_table(tmp_path / "empty.parquet")


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    whole = gzip.compress(CSV.encode())
    bomb = gzip.compress(b"a,b\n" + b"1,2\n" * 2_000_000)
    (tmp_path / "bomb.csv.gz").write_bytes(bomb)
    with pytest.raises(
        InputError, match=r"unpacks to more than 2,097,152 bytes.*for its [\d,]{5,};"
    ):
        read_table(tmp_path / "bomb.csv.gz")
    for data in (whole[:-12], b"no gzip", whole[:15] + b"\xff\xff\xff" + whole[18:]):
        (tmp_path / "t.csv.gz").write_bytes(data)
        with pytest.raises(InputError, match=r"t\.csv\.gz"):
            read_table(tmp_path / "t.csv.gz")
    (tmp_path / "t.csv").write_bytes(b"a,b\n\xe9,1\n")
    with pytest.raises(InputError, match="not UTF-8"):
        read_table(tmp_path / "t.csv")
    for missing, message in (
        (tmp_path / "none.csv", "does not exist"),
        (tmp_path, "is a folder, expected a file; name one of the tables in it"),
    ):
        with pytest.raises(InputError, match=message):
            read_table(missing)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("broken", r"row 3, column load of t\.csv is 'broken', expected a number"),
        ("1e300", r"row 3, column load of t\.csv is 1e\+300, expected a finite float32"),
        ("-inf", r"row 3, column load of t\.csv is -inf"),
    ],
)
def test_bad_numbers_are_named(cell: str, message: str, tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "t.csv", f"load\n1\n{cell}\n"))
    with pytest.raises(InputError, match=message):
        table.numbers("load")
    after_two_lines = write(tmp_path, "t.csv", f"Station 7\nof 9\nload\n1\n{cell}\n")
    table = read_table(after_two_lines, TableFormat(skip_rows=2))
    with pytest.raises(InputError, match=message.replace("row 3", "row 5")):
        table.numbers("load")


def test_missing_columns_list_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"t\.csv has no column 'volume'; it has hour, load, name"):
        read_table(write(tmp_path, "t.csv", CSV)).numbers("volume")
    with pytest.raises(InputError, match="equal length"):
        Table.of({"a": [1], "b": [1, 2]})


class NotAvailable:
    """As pandas' NA: what it is compared with is not available either."""

    def __ne__(self, other: object) -> Any:
        return self

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")

    __hash__ = None  # type: ignore[assignment]


def test_a_nullable_column_has_empty_cells() -> None:
    column = np.array([1, NotAvailable(), 3], object)
    table = Table.of({"a": column})
    assert table.numbers("a").tolist()[::2] == [1, 3]
    assert np.isnan(table.numbers("a")[1])
