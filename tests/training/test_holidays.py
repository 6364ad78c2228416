"""Public holidays as an input: of the country that was trained on, on the device too."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from lstm_export.device import RowStream
from lstm_export.errors import InputError
from lstm_export.model import Signature
from lstm_export.training import TrainingOptions, fit
from tests.device.streams import session_of

pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
pytest.importorskip("holidays", reason='needs holidays: pip install "lstm-export[holidays]"')

OPTIONS = TrainingOptions(
    targets=("v",),
    window=3,
    time="day",
    calendar=("holiday",),
    country="US",
    epochs=12,
    hidden_size=8,
    predict="level",
)
FEDERAL = ("01-01", "07-04", "11-11", "12-25")  # those that fall on the same day each year


def days() -> dict[str, object]:
    """Six years in which a holiday is known by its value, and the day before by nothing else."""
    day = np.arange(np.datetime64("2014-01-01"), np.datetime64("2020-01-01"))
    is_fixed = np.isin([str(each)[5:] for each in day], FEDERAL)
    noise = 0.1 * np.random.default_rng(0).standard_normal(len(day))
    return {"day": day.astype("datetime64[s]"), "v": 10 - 6 * is_fixed + noise}


def test_a_holiday_is_foreseen_and_the_device_knows_the_country() -> None:
    found = fit(days(), OPTIONS)
    without = fit(days(), replace(OPTIONS, calendar=(), country=None))
    assert found.score("test").rmse < 0.9 * without.score("test").rmse
    record = json.loads(json.dumps(found.model.signature.to_record()))
    signature = Signature.from_record(record)
    assert signature == found.model.signature
    assert signature.country == "US"
    session = session_of(replace(found.model, signature=signature))
    table = {name: np.asarray(column)[-380:] for name, column in days().items()}
    whole = session.predict_table(table)
    stream = RowStream(session)
    stream.begin(["day", "v"])
    rows = zip(table["day"], table["v"], strict=True)
    answers = [stream.answer([str(day), str(v)], n) for n, (day, v) in enumerate(rows, 2)]
    streamed = [float(answer[-1]) for answer in answers[2:] if answer]
    np.testing.assert_allclose(streamed, whole["v[t+1]"], rtol=1e-4)


@pytest.mark.parametrize(
    "change", [{"country": None}, {"calendar": ("weekday",)}, {"calendar": (), "time": None}]
)
def test_holidays_and_a_country_go_together(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match="holiday and a country go together"):
        replace(OPTIONS, **change)  # type: ignore[arg-type]
