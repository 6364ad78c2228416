"""A table in an unusual form gives the model and the answers of the same table in the usual one."""

from __future__ import annotations

import csv
import datetime
import io
import json
import shlex
import warnings
import zoneinfo
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lstm_export.chains import read_checkpoint
from lstm_export.cli import app
from lstm_export.device import RowStream, Session
from lstm_export.errors import InputError
from lstm_export.model import Signature, forward
from lstm_export.series import Table, parse_times, series_of
from lstm_export.training import TrainingOptions, fit
from lstm_export.training.roles import input_signature, read_for_training
from tests.device.streams import session_of

pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

ROWS = 90
OPTIONS: dict[str, Any] = {
    "targets": ("y",),
    "features": ("y", "u", "on"),
    "window": 4,
    "time": "time",
    "missing": "drop",
    "split": (1.0, 0.0, 0.0),
    "hidden_size": 2,
    "epochs": 1,
}
Row = tuple[datetime.datetime, str, str, str]
Written = tuple[str, dict[str, Any]]  # a file's text, and the options that read it


def rows(step: datetime.timedelta) -> list[Row]:
    """Time, y, u and on; some cells of u are empty."""
    random = np.random.default_rng(6)
    start = datetime.datetime(2024, 10, 26)
    found = []
    for number in range(ROWS):
        u = "" if number in (31, 60) else f"{random.standard_normal():.4f}"
        y = f"{50 + 10 * np.sin(number / 3):.3f}"
        found.append((start + number * step, y, u, f"{random.integers(2)}"))
    return found


def text_of(cells: list[list[str]], delimiter: str = ",") -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
    writer.writerow(["time", "y", "u", "on"])
    writer.writerows(cells)
    return file.getvalue()


def usual(step: datetime.timedelta) -> str:
    return text_of([[time.isoformat(), y, u, on] for time, y, u, on in rows(step)])


HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)


def compact_days() -> Written:
    return text_of([[f"{time:%Y%m%d}", y, u, on] for time, y, u, on in rows(DAY)]), {}


def compact_minutes() -> Written:
    return text_of([[f"{time:%Y%m%d%H%M}", y, u, on] for time, y, u, on in rows(HOUR)]), {}


def day_first() -> Written:
    cells = [[f"{time:%d/%m/%Y %H:%M}", y, u, on] for time, y, u, on in rows(HOUR)]
    return text_of(cells), {"time_format": "%d/%m/%Y %H:%M"}


def offsets_over_a_clock_change() -> Written:
    """As PostgreSQL writes them, in a zone whose clocks are set back on 27 October."""
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    cells = []
    for time, *others in rows(HOUR):
        local = time.replace(tzinfo=datetime.timezone.utc).astimezone(berlin)
        hours = f"{local:%z}"[:3]
        cells.append([f"{local:%Y-%m-%d %H:%M:%S}{hours}", *others])
    assert {row[0][-3:] for row in cells} == {"+01", "+02"}
    return text_of(cells), {}


def local_times_over_a_clock_change() -> Written:
    """Without an offset: an hour of 27 October comes twice."""
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    cells = []
    for time, *others in rows(HOUR):
        local = time.replace(tzinfo=datetime.timezone.utc).astimezone(berlin)
        cells.append([f"{local:%Y-%m-%d %H:%M}", *others])
    assert len({row[0] for row in cells}) == ROWS - 1
    return text_of(cells), {"timezone": "Europe/Berlin"}


def decimal_commas() -> Written:
    cells = [
        [time.isoformat(), y.replace(".", ","), u.replace(".", ","), on]
        for time, y, u, on in rows(HOUR)
    ]
    return text_of(cells, "|"), {"decimal": ",", "separator": "|"}


def question_marks() -> Written:
    cells = [[time.isoformat(), y, u or "?", on] for time, y, u, on in rows(HOUR)]
    return text_of(cells), {"missing_values": ("?", "-999")}


def numbers_for_nothing() -> Written:
    cells = [[time.isoformat(), y, u or "-999", on] for time, y, u, on in rows(HOUR)]
    return text_of(cells), {"missing_values": ("?", "-999")}


def truth_values() -> Written:
    words = {"0": "False", "1": "True"}
    return text_of([[time.isoformat(), y, u, words[on]] for time, y, u, on in rows(HOUR)]), {}


def jitter() -> Written:
    random = np.random.default_rng(8)
    cells = []
    for time, *others in rows(HOUR):
        late = datetime.timedelta(seconds=int(random.integers(-2, 3)))
        cells.append([(time + late).isoformat(), *others])
    return text_of(cells), {"step": 3600.0, "tolerance": 4.0}


def preamble_and_separators_at_the_end() -> Written:
    header, rows_below = usual(HOUR).split("\n", 1)
    closed = rows_below.replace("\n", ",\n")
    return f"Station 7\nexported, by hand\n{header}\n{closed}", {"skip_rows": 2}


WAYS: list[tuple[Callable[[], Written], datetime.timedelta]] = [
    (compact_days, DAY),
    (compact_minutes, HOUR),
    (day_first, HOUR),
    (offsets_over_a_clock_change, HOUR),
    (local_times_over_a_clock_change, HOUR),
    (decimal_commas, HOUR),
    (question_marks, HOUR),
    (numbers_for_nothing, HOUR),
    (truth_values, HOUR),
    (jitter, HOUR),
    (preamble_and_separators_at_the_end, HOUR),
]


@pytest.mark.parametrize(("way", "step"), WAYS, ids=[way.__name__ for way, _ in WAYS])
def test_the_form_changes_neither_model_nor_answers(
    way: Callable[[], Written], step: datetime.timedelta, tmp_path: Path
) -> None:
    text, chosen = way()
    (tmp_path / "usual.csv").write_text(usual(step))
    (tmp_path / "other.csv").write_text(text)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = fit(tmp_path / "usual.csv", TrainingOptions(**OPTIONS)).model
        model = fit(tmp_path / "other.csv", TrainingOptions(**OPTIONS, **chosen)).model
    for stage, other in zip(expected.stages, model.stages, strict=True):
        for name, array in stage.arrays.items():
            np.testing.assert_array_equal(other.arrays[name], array)
    assert model.signature.time_step == step.total_seconds()
    # The device has the signature alone, as a bundle stores it.
    record = json.loads(json.dumps(model.signature.to_record()))
    signature = Signature.from_record(record)
    assert signature == model.signature
    session = Session(lambda x: forward(model, x).y.astype(np.float32), signature)
    plain = Session(lambda x: forward(model, x).y.astype(np.float32), expected.signature)
    answers = session.predict_table(tmp_path / "other.csv", missing="drop")
    known = plain.predict_table(tmp_path / "usual.csv", missing="drop")
    assert len(known) > 60
    np.testing.assert_array_equal(answers["y[t+1]"], known["y[t+1]"])
    if way is not jitter:
        np.testing.assert_array_equal(answers["time"], known["time"])


@pytest.mark.parametrize("way", [compact_days, day_first, decimal_commas, truth_values, jitter])
def test_rows_as_they_come_are_read_in_the_same_form(
    way: Callable[[], Written], tmp_path: Path
) -> None:
    text, chosen = way()
    (tmp_path / "t.csv").write_text(text)
    model = fit(tmp_path / "t.csv", TrainingOptions(**OPTIONS, **chosen)).model
    session = session_of(model)
    said: list[str] = []
    stream = RowStream(session, nonfinite="skip", say=said.append)
    table = list(csv.reader(io.StringIO(text), delimiter=chosen.get("separator") or ","))
    stream.begin(table[0])
    answers = []
    for number, cells in enumerate(table[1:31], 2):
        closed = [*cells, ""] if number % 2 else cells  # a separator at the end
        answers.append(stream.answer(closed, number))
    assert said == []
    whole = session.predict_table(tmp_path / "t.csv", missing="drop")
    streamed = np.array([float(answer[-1]) for answer in answers[3:]])
    # Two ways to the same float32 answers
    np.testing.assert_allclose(streamed, whole["y[t+1]"][:27], rtol=1e-5)


def test_calendars_are_in_the_zone_of_the_clocks(tmp_path: Path) -> None:
    """The hour that the clock showed, from local times, from those with offsets and from those in
    a zone alike."""
    text, _ = local_times_over_a_clock_change()
    clock = [int(line[11:13]) for line in text.splitlines()[1:]]
    (tmp_path / "local.csv").write_text(text)
    (tmp_path / "offsets.csv").write_text(offsets_over_a_clock_change()[0])
    _write_zoned_parquet(tmp_path / "zoned.parquet")
    chosen = OPTIONS | {"timezone": "Europe/Berlin", "calendar": ("hour_onehot",)}
    options = TrainingOptions(**chosen)
    for name in ("local.csv", "offsets.csv", "zoned.parquet"):
        table = read_for_training(tmp_path / name, options)
        runs = series_of(table, input_signature(table, options), "drop")
        x = np.concatenate([run.x for run in runs])
        kept = np.concatenate([run.rows for run in runs])
        assert x[:, 3:].argmax(axis=1).tolist() == [clock[row] for row in kept], name


def _write_zoned_parquet(path: Path) -> None:
    pyarrow = pytest.importorskip(
        "pyarrow", reason='needs pyarrow: pip install "lstm-export[train]"'
    )
    parquet = pytest.importorskip("pyarrow.parquet")
    times, *others = zip(*rows(HOUR), strict=True)
    columns = {
        name: [float(cell) if cell else None for cell in cells]
        for name, cells in zip(("y", "u", "on"), others, strict=True)
    }
    times_in_zone = pyarrow.array(times, pyarrow.timestamp("ms", "Europe/Berlin"))
    parquet.write_table(pyarrow.table({"time": times_in_zone, **columns}), path)


def test_a_zone_that_is_none_is_refused() -> None:
    table = {"time": ["2024-01-01", "2024-01-02"], "y": [1.0, 2.0]}
    options = TrainingOptions(targets=("y",), time="time", timezone="Mars/Olympus")
    with pytest.raises(InputError, match="timezone is 'Mars/Olympus', expected a name such as"):
        fit(table, options)
    counts = {"time": [1, 2], "y": [1.0, 2.0]}
    with pytest.raises(InputError, match="holds numbers, which are in no time zone"):
        fit(counts, replace(options, timezone="Europe/Berlin"))


def test_signatures_of_usual_tables_are_written_as_before(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(usual(HOUR))
    record = fit(tmp_path / "t.csv", TrainingOptions(**OPTIONS)).model.signature.to_record()
    assert set(record) == {
        *("input_size", "output_size", "features", "targets", "window", "horizon"),
        *("time", "time_step", "calendar", "group"),
    }


def test_dates_that_count_in_an_old_bundle_still_count() -> None:
    table = Table.of({"time": [20240130, 20240131, 20240201], "y": [1.0, 2, 3]})
    assert parse_times(table, "time").tolist() == [20240130, 20240131, 20240201]


def test_what_pandas_writes_beside_the_columns_is_no_input() -> None:
    random = np.random.default_rng(0)
    named = ("Unnamed: 0", "__index_level_0__", "", "u", "y")
    table = {name: random.standard_normal(60) for name in named}
    signature = fit(
        table, TrainingOptions(targets=("y",), window=3, epochs=1, hidden_size=2)
    ).model.signature
    names = {column.name for column in signature.features}
    assert not names & {"Unnamed: 0", "__index_level_0__", ""}
    assert "u" in names


def test_dates_among_the_inputs_are_warned_of() -> None:
    days = [f"{time:%Y%m%d}" for time, *_ in rows(DAY)]
    table = {"day": days, "y": [row[1] for row in rows(DAY)]}
    options = TrainingOptions(targets=("y",), window=3, epochs=1, hidden_size=2)
    told = [text for text in fit(table, options).warnings if "--time" in text]
    assert len(told) == 1
    assert told[0].startswith("day holds dates such as 20241026 and is read as a number")
    counts = {**table, "day": list(range(20241026, 20241026 + ROWS))}
    assert not any("--time" in text for text in fit(counts, options).warnings)


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H", "%Y-%m-%d %H:%M:%S+02:00"])
def test_a_column_of_times_is_told_from_numbers_that_cannot_be_read(form: str) -> None:
    table = {
        "hour": [f"{time:{form}}" for time, *_ in rows(HOUR)],
        "y": [row[1] for row in rows(HOUR)],
    }
    options = TrainingOptions(targets=("y",), window=3, epochs=1, hidden_size=2)
    (told,) = [text for text in fit(table, options).warnings if "is no input" in text]
    assert told.startswith("hour is no input: it holds times such as '20")
    assert "--time hour" in told
    assert not any(
        "is no input" in text for text in fit(table, replace(options, time="hour")).warnings
    )


def test_columns_of_numbers_that_cannot_be_read_are_no_silent_loss() -> None:
    random = np.random.default_rng(0)
    cells = [f"{value:.3f}" for value in random.standard_normal(60)]
    table = {
        "y": cells,
        "u": [cell.replace(".", ",") for cell in cells],
        "v": ["?", *cells[1:]],
        "name": ["machine"] * 60,
        "day": ["31.12.2024 18:30"] * 60,
    }
    options = TrainingOptions(targets=("y",), window=3, epochs=1, hidden_size=2)
    told = [text for text in fit(table, options).warnings if "is no input" in text]
    assert len(told) == 3
    assert "column u of the table is" in told[0] and "--decimal ," in told[0]
    assert "row 1, column v of the table is '?'" in told[1] and "--missing-values" in told[1]
    assert "'31.12.2024 18:30'" in told[2] and "--time, and --time-format" in told[2]


HEADER = "time,y,u,on\n2024-01-01T00:00,1,1,1\n"


@pytest.mark.parametrize(
    ("row", "options", "message"),
    [
        ("2024-01-01T01:00,1,3,5,1", "", r"row 3 has 5 cells, expected 4"),
        ('2024-01-01T01:00,1,"3,5",1', "", r"row 3, column u of t\.csv is '3,5'.*--decimal ,"),
        ("2024-01-01T01:00,1,?,1", "", r"row 3, column u of t\.csv is '\?'.*--missing-values"),
        ("2024-01-01T01:00,1,?,1", "--decimal ,", r"column u of t\.csv is '\?'.*--missing-values"),
        ('2024-01-01T01:00,1,"1,234.5",1', "", r"is '1,234\.5', expected .* between its thousands"),
        ("2024-01-01T01:00,1,1.234.567,1", "--decimal ,", r"is '1\.234\.567', .* its thousands"),
        ("2024-01-01T01:00,1,1.5,1", "--decimal ,", r"column u of t\.csv is '1\.5'.*--decimal"),
        ("2024-01-01T01:00,1,wet,1", "", r"u of t\.csv is 'wet'.* or with --categorical where"),
        ("31/01/2024,1,1,1", "", r"row 3, column time of t\.csv is '31/01/2024'.*--time-format"),
        ("2024-01-01T01:00+02,1,1,1", "", r"row 2, column time .*expected an offset from UTC"),
        ("today,1,1,1", "", r"row 3, column time of t\.csv is 'today', expected ISO 8601"),
        (
            "2024-01-01T01:00,1,1,1",
            "--time-format %d.%m.%Y",
            r"row 2, column time of t\.csv is '2024-01-01T00:00', expected a time such as "
            r"'31\.12\.2016'.*--time-format",
        ),
        ("", "--time-format %Q%", "time_format is '%Q%', expected the directives of Python's str"),
        ("", "--decimal x", "decimal is 'x', expected a point or a comma"),
        ("", "--separator xx", "separator is 'xx', expected a single comma, semicolon, tab"),
        ("", "--step soon", "--step is 'soon', expected a time such as 5s"),
        ("", "--step 0h", r"--step is '0h', expected a time such as 5s, 1min, 1h or 1d"),
    ],
)
def test_what_is_written_otherwise_names_the_option(
    row: str, options: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(f"{HEADER}{row}\n")
    words = shlex.split(f"--target y --features u,on --time time --window 2 {options} -o")
    arguments = ["train", str(tmp_path / "t.csv"), *words, str(tmp_path / "m.pt")]
    got = CliRunner().invoke(app, arguments)
    assert got.exit_code == 1, got.output
    assert len(got.stderr.splitlines()) == 1
    with pytest.raises(InputError, match=message):
        raise InputError(got.stderr)


def test_the_command_takes_steps_and_words(tmp_path: Path) -> None:
    text, _ = jitter()
    (tmp_path / "t.csv").write_text(text.replace(",,", ",-,"))
    options = (
        "--target y --features y,u --time time --window 4 --epochs 1 --hidden-size 2 "
        "--missing drop --missing-values -,? --step 60min --tolerance 4s -o"
    )
    path = tmp_path / "m.pt"
    got = CliRunner().invoke(
        app, ["train", str(tmp_path / "t.csv"), *shlex.split(options), str(path)]
    )
    assert got.exit_code == 0, got.output
    signature = read_checkpoint(path).model.signature
    assert (signature.time_step, signature.time_tolerance) == (3600, 4)
    assert signature.table_format is not None
    assert signature.table_format.missing_values == ("-", "?")


def test_many_windows_lost_to_gaps_are_warned_of() -> None:
    text, _ = jitter()
    cells = list(csv.reader(io.StringIO(text)))[1:]
    table = {"time": [row[0] for row in cells], "y": [row[1] for row in cells]}
    options = TrainingOptions(
        targets=("y",), features=("y",), window=2, time="time", epochs=1, hidden_size=2,
        split=(1.0, 0.0, 0.0),
    )  # fmt: skip
    warned = [text for text in fit(table, options).warnings if "lost to gaps" in text]
    assert len(warned) == 1
    assert "--tolerance" in warned[0] and "follows 2024-10-2" in warned[0]
