"""DataFrames, as a worker of an engine is handed them, are answered as one table is, bit for bit.

The engines themselves, and clusters of them, are asked in test_engines.py.
"""

from __future__ import annotations

import numpy as np
import pytest

import lstm_export
from lstm_export.device import Session
from lstm_export.errors import InputError
from lstm_export.model import Column, Signature
from lstm_export.scale import Predictor, check_whole
from tests.kit.stations import assert_same, rows_of, stations, write_stations_bundle

pandas = pytest.importorskip("pandas", reason='needs pandas: pip install "lstm-export[dev]"')
PIECES = 8  # of the table; most series lie in two of them


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return lstm_export.load(write_stations_bundle(tmp_path_factory.mktemp("scale") / "i94.bundle"))


@pytest.fixture(scope="module")
def pieces() -> list[pandas.DataFrame]:
    """The table of stations, cut without regard to them."""
    table = stations()
    parts = np.array_split(np.arange(len(table)), PIECES)
    return [pandas.DataFrame(dict(rows_of(table, rows).columns)) for rows in parts]


def test_pieces_in_order_are_answered_as_one_table(
    session: Session, pieces: list[pandas.DataFrame]
) -> None:
    answers = list(Predictor(session).each(iter(pieces)))
    assert len(answers) == PIECES
    assert_same(pandas.concat(answers), session)


def test_shuffled_rows_are_put_in_order_where_that_is_asked_for(
    session: Session, pieces: list[pandas.DataFrame]
) -> None:
    shuffled = pandas.concat(pieces).sample(frac=1.0, random_state=1)
    assert_same(Predictor(session, sort=True)(shuffled), session)
    with pytest.raises(InputError, match="earlier than the row before it; sort the rows"):
        Predictor(session)(shuffled)


def test_a_series_in_two_pieces_is_told(session: Session, pieces: list[pandas.DataFrame]) -> None:
    predictor = Predictor(session)
    whole = predictor.ends(pandas.concat(pieces))
    assert len(whole) == len(np.unique(stations().text("station")))
    check_whole(whole, session.signature)
    cut = pandas.concat(map(predictor.ends, pieces))
    with pytest.raises(InputError, match=r"series 'q\d+' is up to 201.* and goes on at"):
        check_whole(cut, session.signature)


@pytest.mark.parametrize(
    "types",
    [
        {"volume": "Int64"},
        {"volume": "Float64", "temp_c": "Float64"},
        {"station": "category"},
        {"station": "string"},
        {"hour": "datetime64[ns]"},
    ],
    ids=str,
)
def test_columns_of_other_types_of_pandas_are_the_same_table(
    types: dict[str, str], session: Session
) -> None:
    frame = pandas.DataFrame(dict(rows_of(stations(), slice(60)).columns))
    predictor = Predictor(session)
    answers = predictor(frame.astype(types))
    assert len(answers) == 60 - session.signature.window + 1
    pandas.testing.assert_frame_equal(answers, predictor(frame), check_exact=True)


def test_no_rows_have_the_columns_of_the_answers(session: Session) -> None:
    columns = (Column("v"),)
    without_time = Signature(1, 1, columns, columns, window=3)
    summing = Session(lambda x: x.sum(axis=1), without_time)
    counted = {"row": [7.0, 8.0, 9.0], "v": [1.0, 2.0, 3.0]}
    hours = dict(rows_of(stations(), slice(60)).columns)
    for each, table in ((summing, counted), (session, hours)):
        predictor = Predictor(each)
        frame = pandas.DataFrame(table)
        answers = predictor(frame)
        for nothing in (predictor.meta(frame), predictor(frame[:0])):
            assert columns_of(nothing) == columns_of(answers)
    hourly = pandas.DataFrame(hours)
    text = str(pandas.Series(["q187"], dtype=str).dtype)  # object before pandas 3
    assert columns_of(answers)[:2] == [("hour", "datetime64[us]"), ("station", text)]
    assert columns_of(predictor.ends(hourly[:0])) == columns_of(predictor.ends(hourly))


def columns_of(frame: pandas.DataFrame) -> list[tuple[str, str]]:
    """Names and types, in their order: an engine takes them for a schema."""
    return [(name, str(dtype)) for name, dtype in frame.dtypes.items()]


@pytest.mark.parametrize("window", [3, None])
def test_an_empty_partition_has_no_answers(window: int | None) -> None:
    """Of a model whose series can be carried, and of one whose series are taken whole."""
    columns = (Column("v"),)
    signature = Signature(1, 1, columns, columns, window=window)
    predictor = Predictor(Session(lambda x: x.sum(axis=1), signature))
    assert list(predictor.each(iter(()))) == []
    frame = pandas.DataFrame({"v": [1.0, 2.0, 4.0]})
    parts = list(predictor.each(iter((frame[:0], frame[:1], frame[1:]))))
    assert pandas.concat(parts)["v"].tolist() == [7.0]
    assert len(parts) <= 2  # a batch without rows gives none
