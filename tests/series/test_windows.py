"""Runs and windows against a loop that looks at one row at a time."""

import itertools
from typing import Any

import numpy as np
import pytest

from lstm_export.errors import InputError
from lstm_export.model import Array, Column, Signature
from lstm_export.series import Missing, Table, calendar_columns, series_of, sliding_windows

EMPTY = float("nan")


def signature(**options: object) -> Signature:
    calendar = options.get("calendar", ())
    derived = calendar_columns(calendar)  # type: ignore[arg-type]
    features = (Column("a"), Column("b"), *map(Column, derived))
    return Signature(len(features), 1, features, **options)  # type: ignore[arg-type]


def stations(rows: int = 200) -> Table:
    """Two stations, interleaved at random, each with gaps of its own."""
    random = np.random.default_rng(3)
    station = random.choice(["north", "south"], rows)
    hours = np.zeros(rows, np.int64)
    for name in ("north", "south"):
        own = station == name
        hours[own] = np.cumsum(random.choice([1, 2, 30], own.sum(), p=[0.9, 0.05, 0.05]))
    a, b = random.standard_normal((2, rows))
    times = np.datetime64("2024-01-01", "s") + hours * np.timedelta64(3600, "s")
    return Table.of({"time": times, "station": station, "a": a, "b": b})


def naive_windows(table: Table, window: int) -> list[list[int]]:
    """The rows of every window: one station, every step one hour."""
    found = []
    for name in dict.fromkeys(table["station"]):
        own = [row for row in range(len(table)) if table["station"][row] == name]
        for begin in range(len(own) - window + 1):
            rows = own[begin : begin + window]
            times = [table["time"][row] for row in rows]
            if all(
                later - time == np.timedelta64(1, "h") for time, later in itertools.pairwise(times)
            ):
                found.append(rows)
    return found


@pytest.mark.parametrize("window", [1, 2, 7])
def test_windows_agree_with_a_naive_loop(window: int) -> None:
    table = stations()
    runs = series_of(table, signature(time="time", group="station", calendar=("hour",)))
    rows = [
        list(part)
        for run in runs
        for part in sliding_windows(run.rows[:, np.newaxis], window)[:, :, 0]
    ]
    assert rows == naive_windows(table, window)
    for run in runs:
        assert run.x.dtype == np.float32 and run.x.shape == (len(run), 4)
        np.testing.assert_array_equal(run.x[:, 0], table["a"][run.rows].astype(np.float32))
        np.testing.assert_array_equal(run.x[:, 1], table["b"][run.rows].astype(np.float32))
        assert set(table["station"][run.rows]) == {run.group}
        hour = (run.times - run.times.astype("datetime64[D]")) / np.timedelta64(1, "D")
        # Float32 of values up to 1
        np.testing.assert_allclose(run.x[:, 2], np.sin(2 * np.pi * hour), atol=1e-6)


@pytest.mark.parametrize("time", ["time", None])
@pytest.mark.parametrize(
    ("missing", "rows", "a"),
    [("drop", [[2, 3], [5]], [[3, 4], [6]]), ("ffill", [[1, 2, 3, 4, 5]], [[2, 3, 4, 4, 6]])],
)
def test_missing_cells(
    missing: Missing, rows: list[list[int]], a: list[list[float]], time: str | None
) -> None:
    table = Table.of(
        {
            "time": np.arange(6.0),
            "a": [1.0, 2, 3, 4, EMPTY, 6],
            "b": [EMPTY, 7, 7, 7, 7, 7],
            "text": ["x"] * 6,
        }
    )
    if missing == "drop":
        table = Table({**table.columns, "b": np.array([1.0, EMPTY, 7, 7, 7, 7])})
        rows = [[0], *rows]
        a = [[1], *a]
    runs = series_of(table, signature(time=time), missing)
    assert [run.rows.tolist() for run in runs] == rows
    assert [run.x[:, 0].tolist() for run in runs] == a
    with pytest.raises(InputError, match=r"column \w of the table is empty or NaN"):
        series_of(table, signature(time=time))


def test_filling_stays_inside_a_group() -> None:
    table = Table.of({"g": ["x", "y", "x", "y"], "a": [1.0, EMPTY, EMPTY, 4], "b": [0.0] * 4})
    runs = series_of(table, signature(group="g"), "ffill")
    assert [(run.group, run.x[:, 0].tolist()) for run in runs] == [("x", [1, 1]), ("y", [4])]


def columns(**changes: object) -> dict[str, object]:
    return {"time": [1.0, 2, 3], "a": [1.0, 2, 3], "b": [1.0, 2, 3], **changes}


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({}, {"group": "engine"}, "no column 'engine'; it has time, a, b"),
        ({"b": [1, "x", 3]}, {}, "row 2, column b of the table is 'x', expected a number"),
        ({"b": [1, 2, EMPTY]}, {}, "row 3, column b of the table is empty or NaN"),
        ({"b": ["1", "2", "NA"]}, {}, "row 3, column b of the table is 'NA', expected a number"),
        ({"b": np.array(["2024-01-01"] * 3, "M8[s]")}, {}, "column b .* holds times, expected"),
        (
            {"time": [1.0, 3, 2]},
            {"time": "time"},
            "row 3, column time of the table is 2.0, which is earlier than",
        ),
        (
            {"time": [1.0, 1, 2]},
            {"time": "time"},
            "row 2, column time of the table is 1.0, which repeats",
        ),
        ({"time": ["2024-01-01"] * 3}, {"time": "time"}, "2024-01-01T00:00:00, which repeats"),
    ],
)
def test_bad_tables_are_refused(
    changes: dict[str, object], options: dict[str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        series_of(Table.of(columns(**changes)), signature(**options))


def test_a_word_for_missing_cells_that_is_none_is_refused() -> None:
    unknown: Any = "mean"
    with pytest.raises(InputError, match="missing='mean' is unknown; choose one of refuse, drop"):
        series_of(Table.of(columns()), signature(), unknown)


def test_a_stored_step_decides_what_a_gap_is() -> None:
    runs = series_of(Table.of(columns()), signature(time="time", time_step=2.0))
    assert [len(run) for run in runs] == [1, 1, 1]


def test_a_window_longer_than_the_rows_gives_none() -> None:
    x: Array = np.zeros((3, 2), np.float32)
    assert sliding_windows(x, 4).shape == (0, 4, 2)
