"""Calendar features against the standard library's calendar."""

import datetime
import math

import numpy as np
import pytest

from lstm_export.errors import InputError
from lstm_export.model.calendar_names import ONE_HOT
from lstm_export.series import (
    Table,
    calendar_columns,
    calendar_features,
    infer_time_step,
    parse_times,
    recognised,
)
from lstm_export.series.times import NoTimeZoneWarning, compact_format


def turn(time: datetime.datetime, name: str) -> float:
    match name:
        case "hour":
            return (time.hour + time.minute / 60 + time.second / 3600) / 24
        case "weekday":
            return time.weekday() / 7
        case _:
            return (time.timetuple().tm_yday - 1) / 365.25


@pytest.mark.parametrize("name", ["hour", "weekday", "yearday"])
def test_features_agree_with_datetime(name: str) -> None:
    random = np.random.default_rng(0)
    first = datetime.datetime(1965, 1, 1)
    times = [first + datetime.timedelta(seconds=int(s)) for s in random.integers(0, 2**31, 300)]
    expected = [
        [math.sin(2 * math.pi * turn(time, name)), math.cos(2 * math.pi * turn(time, name))]
        for time in times
    ]
    for unit in ("s", "us", "ns"):
        np.testing.assert_allclose(
            calendar_features(np.array(times, f"datetime64[{unit}]"), [name]),
            expected,
            atol=1e-12,  # a few roundings of a sine
        )


@pytest.mark.parametrize("name", ONE_HOT)
def test_the_column_of_a_value_is_1_in_its_rows(name: str) -> None:
    random = np.random.default_rng(1)
    first = datetime.datetime(1965, 1, 1)
    times = [first + datetime.timedelta(seconds=int(s)) for s in random.integers(0, 2**31, 300)]
    values = {
        "hour_onehot": [time.hour for time in times],
        "weekday_onehot": [time.weekday() for time in times],
        "month_onehot": [time.month - 1 for time in times],
        "week_hour_onehot": [24 * time.weekday() + time.hour for time in times],
    }[name]
    found = calendar_features(np.array(times, "datetime64[us]"), [name])
    assert found.shape == (300, len(calendar_columns([name])))
    assert (found.sum(axis=1) == 1).all()
    assert found.argmax(axis=1).tolist() == values


def test_holidays_are_those_of_the_country_today_and_tomorrow() -> None:
    pytest.importorskip("holidays", reason='needs holidays: pip install "lstm-export[holidays]"')
    times = np.array(["2018-07-03T23:00", "2018-07-04T12:00", "2018-07-05T01:00"], "datetime64[s]")
    assert calendar_columns(["holiday"]) == ("holiday_today", "holiday_tomorrow")
    in_america = calendar_features(times, ["holiday"], "US")
    assert in_america.tolist() == [[0, 1], [1, 0], [0, 0]]
    assert not calendar_features(times, ["holiday"], "DE").any()
    corpus_christi = np.array(["2018-05-31"], "datetime64[s]")
    bavaria, berlin = (
        calendar_features(corpus_christi, ["holiday"], state)[0, 0] for state in ("DE-BY", "DE-BE")
    )
    assert (bavaria, berlin) == (1, 0)
    for nowhere in ("XX", "US-XX", ""):
        with pytest.raises(InputError, match="expected a code such as US or DE-BY"):
            calendar_features(times, ["holiday"], nowhere)


def test_features_stand_in_the_order_of_their_names() -> None:
    times = np.array(["2024-02-29T06:00", "2024-03-03T18:30"], "datetime64[s]")
    both = calendar_features(times, ("weekday", "hour"))
    assert calendar_columns(("weekday", "hour")) == (
        "weekday_sin",
        "weekday_cos",
        "hour_sin",
        "hour_cos",
    )
    np.testing.assert_array_equal(both[:, 2:], calendar_features(times, ("hour",)))
    assert calendar_features(times, ()).shape == (2, 0)


@pytest.mark.parametrize(
    ("cells", "dtype", "step"),
    [
        (
            ["2024-01-01 00:00:00", "2024-01-01T01:00Z", "2024-01-01T02", "2024-01-01T09"],
            "<M8[s]",
            3600,
        ),
        (
            ["2024-01-01T00:00:00.00", "2024-01-01T00:00:00.25", "2024-01-01T00:00:00.5"],
            "<M8[us]",
            0.25,
        ),
        (["2024-01-31", "2024-02-01", "2024-02-02"], "<M8[s]", 86400),
        ([0.1, 0.2, 0.1 + 0.2, 0.4], "<f8", 0.1),
        (["1", "2", "3", "8"], "<f8", 1),
    ],
)
def test_times_and_their_step(cells: list[str | float], dtype: str, step: float) -> None:
    times = parse_times(Table.of({"t": cells}), "t")
    assert times.dtype == dtype
    assert infer_time_step([times]) == pytest.approx(step, rel=1e-12)


def test_offsets_are_read_as_the_standard_library_does() -> None:
    cells = ["2024-01-01 00:00-03:30", "2024-01-01T04:00+00:15", "2024-01-01T05:30:00.5+01:00"]
    shown = ["2024-01-01 00:00-0330", "2024-01-01T04:00 +0015", "2024-01-01T05:30:00.5+01"]
    expected = [
        datetime.datetime.fromisoformat(cell).astimezone(datetime.timezone.utc).replace(tzinfo=None)
        for cell in cells
    ]
    for written in (cells, shown):
        times = parse_times(recognised(Table.of({"t": written}), "t"), "t")
        assert times.astype("datetime64[us]").tolist() == expected
    without = Table.of({"t": times}, recognised(Table.of({"t": cells}), "t").format)
    with pytest.warns(NoTimeZoneWarning, match="column t of the table holds times without a zone"):
        np.testing.assert_array_equal(parse_times(without, "t"), times)
    utc = {"t": ["2024-01-01T00:00Z", "2024-01-01 01:00 UTC"]}
    assert np.diff(parse_times(Table.of(utc), "t")) == np.timedelta64(1, "h")


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["2024-01-01", "soon"], "row 2, column t of the table is 'soon', expected ISO 8601"),
        (["2024-01-01", ""], "row 2, column t of the table is empty"),
        ([1.0, float("nan")], "row 2, column t of the table is empty"),
        (["2024-01-01T00:00+01:00"], "without an offset"),
    ],
)
def test_bad_times_are_named(cells: list[str | float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_times(Table.of({"t": cells}), "t")


@pytest.mark.parametrize(
    ("cells", "time_format"),
    [
        (["20240131", "20240201"], "%Y%m%d"),
        (["202401312300", "202402010000"], "%Y%m%d%H%M"),
        (["20240131", "202402010000"], ""),  # of two forms
        (["20240131", "20241301"], ""),  # no 13th month
        (["18990131"], ""),  # before any year that is taken for one
    ],
)
def test_dates_written_as_numbers_are_told_from_counts(cells: list[str], time_format: str) -> None:
    assert compact_format(Table.of({"t": cells}), "t") == time_format


def test_calendar_of_what_it_cannot_know_is_refused() -> None:
    with pytest.raises(InputError, match="plain numbers"):
        calendar_features(np.arange(3.0), ("hour",))
    with pytest.raises(InputError, match="unknown calendar feature 'moon'; there are hour"):
        calendar_features(np.array(["2024-01-01"], "datetime64[s]"), ("moon",))
    with pytest.raises(InputError, match="no series holds two rows"):
        infer_time_step([np.array([1.0])])
