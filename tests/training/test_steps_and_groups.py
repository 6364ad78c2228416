"""Steps of the calendar, and series that several columns tell apart."""

import json
from dataclasses import replace

import numpy as np
import pytest

from lstm_export.device import RowStream
from lstm_export.errors import InputError
from lstm_export.model import Signature
from lstm_export.series import Table, series_of
from lstm_export.training import TrainingOptions, fit
from tests.device.streams import session_of

pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')


def business_days() -> list[str]:
    """January to April 2024 without weekends, and without 29 March, Good Friday."""
    days = np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-05-01"))
    is_traded = np.is_busday(days) & (days != np.datetime64("2024-03-29"))
    return [str(day) for day in days[is_traded]]


CALENDAR_TIMES = {
    "month": [f"{2018 + k // 12}-{k % 12 + 1:02d}-28" for k in range(60)],
    "quarter": [f"{2000 + k // 4}-{3 * (k % 4) + 1:02d}-15" for k in range(60)],
    "year": [f"{1960 + k}-07-01" for k in range(60)],
    "business-day": business_days(),
}


@pytest.mark.parametrize("calendar_step", CALENDAR_TIMES)
def test_steps_of_the_calendar_are_recognised_and_stored(calendar_step: str) -> None:
    times = CALENDAR_TIMES[calendar_step]
    table = {"time": times, "y": np.random.default_rng(0).standard_normal(len(times))}
    options = TrainingOptions(
        targets=("y",), window=6, time="time", epochs=1, hidden_size=2, split=(1.0, 0.0, 0.0)
    )
    found = fit(table, options)
    signature = found.model.signature
    assert (signature.time_step, signature.calendar_step) == (None, calendar_step)
    assert Signature.from_record(json.loads(json.dumps(signature.to_record()))) == signature
    lost = 6 if calendar_step == "business-day" else 0  # over the one day that was no holiday
    assert found.data.count("used") == len(times) - 6 - lost
    if lost:
        over = fit(table, replace(options, calendar_step=calendar_step, tolerance=1.0))
        assert over.data.count("lost_to_gaps") == 0
    # A stream starts anew where a row is missing, and nowhere else.
    said: list[str] = []
    stream = RowStream(session_of(found.model), say=said.append)
    stream.begin(["time", "y"])
    for number, time in enumerate([*times[:8], *times[9:20]], 2):
        stream.answer([time, "1"], number)
    assert len(said) == 1
    assert f"expected one {calendar_step}" in said[0]


def test_a_month_is_compared_with_the_same_month_last_year() -> None:
    months = CALENDAR_TIMES["month"]
    y = np.tile(np.arange(12.0), 5)
    options = TrainingOptions(targets=("y",), window=6, time="month", epochs=1, hidden_size=2)
    found = fit({"month": months, "y": y}, options)
    assert found.score("test", "same month last year").rmse == 0


def test_two_columns_tell_series_apart() -> None:
    """As one column does that holds both; answers name both, as a whole and row by row."""
    random = np.random.default_rng(3)
    keys = [("a", "b, c"), ("a, b", "c"), ("a", "c")]
    picked = random.integers(3, size=200)
    y = random.standard_normal(200)
    own = {"y": y, "site": [keys[k][0] for k in picked], "unit": [keys[k][1] for k in picked]}
    joined = {"y": y, "machine": picked.astype(str)}
    options = TrainingOptions(targets=("y",), window=4, epochs=1, hidden_size=2, group="machine")
    alone = fit(joined, options)
    found = fit(own, replace(options, group="site,unit"))
    np.testing.assert_array_equal(found.model.arrays["fc.bias"], alone.model.arrays["fc.bias"])
    assert [group.rows for group in found.data.groups] == [g.rows for g in alone.data.groups]
    session = session_of(found.model)
    answers = session.predict_table(own)
    assert answers.names == ("row", "site", "unit", "y[t+1]")
    stream = RowStream(session)
    stream.begin(["unit", "y", "site"])
    rows_of = zip(own["unit"], own["y"], own["site"], strict=True)
    streamed = [stream.answer([u, str(v), s], n) for n, (u, v, s) in enumerate(rows_of, 2)]
    last = {tuple(row[1:3]): float(row[3]) for row in streamed if row}
    for site, unit in keys:
        is_own = (answers["site"] == site) & (answers["unit"] == unit)
        assert answers["y[t+1]"][is_own][-1] == pytest.approx(last[site, unit], rel=1e-4)


def test_months_are_steps_that_vary() -> None:
    months = [f"{2018 + k // 12}-{k % 12 + 1:02d}" for k in range(60)]
    table = {"month": months, "y": np.random.default_rng(0).standard_normal(60)}
    options = TrainingOptions(
        targets=("y",), window=6, time="month", epochs=1, hidden_size=2, split=(1.0, 0.0, 0.0)
    )
    with pytest.raises(InputError, match="should move on by 31 d from .*--step and --tolerance"):
        fit(table, replace(options, step=2.6784e06))
    day = 86400.0
    steps = replace(options, step=30 * day, tolerance=2 * day)
    assert fit(table, steps).data.count("used") == 60 - 6


def test_a_repeated_local_hour_is_explained() -> None:
    hours = ["2024-10-27T01:00", "2024-10-27T02:00", "2024-10-27T02:00", "2024-10-27T03:00"]
    halves = ["2024-11-03T01:00", "2024-11-03T01:30", "2024-11-03T01:00", "2024-11-03T01:30"]
    for times in (hours, halves):
        table = Table.of({"t": times})
        signature = Signature(1, 1, (), (), time="t", calendar=())
        with pytest.raises(InputError, match=r"row 3, .*clocks may have been set back here"):
            series_of(table, signature)
    with pytest.raises(InputError, match="sort the rows"):
        series_of(Table.of({"t": ["2024-10-28T02:00"] * 2}), Signature(1, 1, time="t"))
