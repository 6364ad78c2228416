"""Columns of text among the inputs: the model of a table that holds their 0 and 1 itself."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_export.device import RowStream
from lstm_export.errors import InputError, UnsupportedModel
from lstm_export.evaluation import evaluate
from lstm_export.model import Model, Signature
from lstm_export.model.category import Category
from lstm_export.training import TrainingOptions, fit
from tests.device.streams import session_of

pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

OPTIONS = TrainingOptions(
    targets=("v",), window=4, epochs=1, hidden_size=3, categorical=("sky",), missing="drop"
)
LEVELS = ("clear", "rain", "snow, wet")


def weather(rows: int = 300) -> dict[str, object]:
    random = np.random.default_rng(5)
    sky = np.array(LEVELS, object)[random.integers(3, size=rows)]
    sky[[7, 190]] = ["", "NA"]
    sky[9] = f" {sky[9]} "
    return {"sky": sky, "v": random.standard_normal(rows), "u": random.standard_normal(rows)}


def by_hand(table: dict[str, object]) -> dict[str, object]:
    """The same table with a column of 0 and 1 for each level, nothing where the text is missing."""
    cells = [str(cell).strip() for cell in np.asarray(table["sky"])]
    is_missing = np.array([cell in ("", "NA") for cell in cells])
    found = {"v": table["v"], "u": table["u"]}
    for level in LEVELS:
        column = np.array([float(cell == level) for cell in cells])
        found[f"sky={level}"] = np.where(is_missing, np.nan, column)
    return found


def stored(model: Model) -> Model:
    """The model with its signature as a bundle hands it on."""
    record = json.loads(json.dumps(model.signature.to_record()))
    return replace(model, signature=Signature.from_record(record))


@pytest.mark.parametrize("missing", ["drop", "ffill"])
def test_a_column_of_text_is_a_column_a_level(missing: str) -> None:
    options = replace(OPTIONS, missing=missing)  # type: ignore[arg-type]
    found = fit(weather(), options)
    expected = fit(by_hand(weather()), replace(options, categorical=()))
    names = [column.name for column in found.model.signature.features]
    assert names == ["v", "u", "sky=clear", "sky=rain", "sky=snow, wet"]
    for name, array in expected.model.arrays.items():
        np.testing.assert_array_equal(found.model.arrays[name], array)
    assert found.data.count("used") == expected.data.count("used")
    # The device, which has the signature alone, and a table whose levels are not all there.
    session = session_of(stored(found.model))
    later = {name: np.asarray(column)[:20] for name, column in weather().items()}
    answers = session.predict_table(later, missing=missing)  # type: ignore[arg-type]
    plain = session_of(expected.model)
    known = plain.predict_table(by_hand(later), missing=missing)  # type: ignore[arg-type]
    np.testing.assert_array_equal(answers["v[t+1]"], known["v[t+1]"])
    judged = evaluate(stored(found.model), weather(), missing=missing)  # type: ignore[arg-type]
    assert judged.figures[0].windows == found.data.count("used")


def test_rows_as_they_come_hold_text_too() -> None:
    table = {name: np.asarray(column)[10:40] for name, column in weather().items()}
    session = session_of(stored(fit(weather(), OPTIONS).model))
    whole = session.predict_table(table)
    stream = RowStream(session, nonfinite="skip")
    stream.begin(["u", "sky", "v"])
    rows = zip(table["u"], table["sky"], table["v"], strict=True)
    answers = [stream.answer([str(u), s, str(v)], n) for n, (u, s, v) in enumerate(rows, 2)]
    streamed = [float(answer[-1]) for answer in answers[3:] if answer]
    np.testing.assert_allclose(streamed, whole["v[t+1]"], rtol=1e-4)
    with pytest.raises(InputError, match="row 99, column sky of the table is 'hail'"):
        stream.answer(["1", "hail", "1"], 99)


def test_a_text_that_training_did_not_see_is_an_error_or_another() -> None:
    table = {name: np.asarray(column)[:20] for name, column in weather().items()}
    table["sky"] = np.array(["hail", *["rain"] * 19], object)
    refusing = session_of(stored(fit(weather(), OPTIONS).model))
    said = "row 1, column sky .* is 'hail', .* saw clear, rain, snow, wet: .*--unknown-level other"
    with pytest.raises(InputError, match=said):
        refusing.predict_table(table)
    other = fit(weather(), replace(OPTIONS, unknown_level="other")).model
    answers = session_of(stored(other)).predict_table(table)
    levels = {f"sky={level}": np.zeros(20) for level in LEVELS}
    levels["sky=rain"][1:] = 1
    signature = replace(other.signature, categories=())
    plain = session_of(replace(other, signature=signature))
    expected = plain.predict_table({"v": table["v"], "u": table["u"], **levels})
    np.testing.assert_array_equal(answers["v[t+1]"], expected["v[t+1]"])


def test_text_that_is_no_input_is_told() -> None:
    """Where its few texts tell kinds of rows apart."""
    remarks = {"name": ["machine"] * 300, "remark": [f"row {k}" for k in range(300)]}
    found = fit({**weather(), **remarks}, replace(OPTIONS, categorical=()))
    (told,) = [text for text in found.warnings if "is no input" in text]
    assert told.startswith("sky is no input: it holds text, clear, rain, snow, wet: --categorical")


def test_the_column_of_the_group_may_be_an_input() -> None:
    """As one beside it does that holds the same, as a whole and row by row."""
    names = np.array(["north", "south"], object)[np.arange(300) % 2]
    table = {**weather(), "site": names, "place": names}
    options = replace(OPTIONS, group="site")
    found = fit(table, replace(options, categorical=("site",)))
    expected = fit(table, replace(options, categorical=("place",)))
    for name, array in expected.model.arrays.items():
        np.testing.assert_array_equal(found.model.arrays[name], array)
    session = session_of(stored(found.model))
    later = {name: np.asarray(column)[20:40] for name, column in table.items()}
    whole = session.predict_table(later)
    stream = RowStream(session)
    stream.begin(["u", "site", "v"])
    rows = zip(later["u"], later["site"], later["v"], strict=True)
    answers = [stream.answer([str(u), s, str(v)], n) for n, (u, s, v) in enumerate(rows, 2)]
    last = {answer[1]: float(answer[-1]) for answer in answers if answer}
    for site in ("north", "south"):
        own = whole["v[t+1]"][whole["site"] == site]
        assert own[-1] == pytest.approx(last[site], rel=1e-4)


@pytest.mark.parametrize("from_row", [150, 260])
def test_a_text_of_later_rows_alone_is_warned_of(from_row: int) -> None:
    """Of 300 rows training has the first 210."""
    later = np.where(np.arange(300) < from_row, weather()["sky"], "hail")
    warned = [text for text in fit({**weather(), "sky": later}, OPTIONS).warnings if "hail" in text]
    assert len(warned) == (from_row > 210)
    assert all(text.startswith("sky is hail in no row of the training part") for text in warned)


def test_what_is_no_category_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no column 'wind'"):
        fit(weather(), replace(OPTIONS, categorical=("wind",)))
    many = {**weather(2000), "sky": [f"text {k}" for k in range(2000)]}
    with pytest.raises(InputError, match="has 2,000 different texts, expected 1 to 1,000"):
        fit(many, OPTIONS)
    codes = {**weather(2000), "sky": [str(k % 60) for k in range(2000)]}
    warned = " ".join(fit(codes, OPTIONS).warnings)
    assert "sky becomes 60 inputs, one for each of its numbers" in warned
    for levels in ((), ("a", "a"), (1,)):
        with pytest.raises(UnsupportedModel, match="texts that differ"):
            Category("sky", levels)  # type: ignore[arg-type]
