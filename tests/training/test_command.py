"""`lstm-export train`: the library's options, a table as output, errors of one line."""

import dataclasses
import inspect
import json
import shlex
import signal
import sys
from enum import Enum
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from lstm_export.cli import app
from lstm_export.cli.train import train
from lstm_export.cli.training_arguments import CALENDAR_STEPS
from lstm_export.model import calendar_steps
from lstm_export.series import Table
from lstm_export.training import TrainingOptions
from tests.kit.html_reader import Reader, assert_fetches_nothing

OPTIONS = shlex.split(
    "--target load --features load,temp --window 6 --horizon 2 "
    "--time time --calendar hour --epochs 2"
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
    random = np.random.default_rng(0)
    hour = np.arange(300)
    load = np.sin(2 * np.pi * hour / 24) + 0.1 * random.standard_normal(300)
    time = np.datetime64("2024-01-01", "s") + hour * np.timedelta64(3600, "s")
    Table.of({"time": time, "load": load, "temp": random.standard_normal(300)}).write_csv(
        tmp_path / "data.csv"
    )
    return tmp_path / "data.csv"


def test_defaults_are_those_of_the_library() -> None:
    written = {"calendar": "", "split": "0.7,0.15,0.15", "units": None}
    written |= {"missing_values": "", "quantiles": "", "categorical": ""}
    parameters = inspect.signature(train).parameters
    for field in dataclasses.fields(TrainingOptions):
        if field.name in ("targets", "calendar_step"):
            continue
        default = parameters[field.name].default
        if field.name in written:
            assert default == written[field.name]
        else:
            assert (default.value if isinstance(default, Enum) else default) == field.default
    assert CALENDAR_STEPS == calendar_steps.CALENDAR_STEPS


def test_it_prints_the_model_beside_its_baselines(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "model.pt"
    page = tmp_path / "report.html"
    written = ["-o", str(output), "--report", str(page)]
    got = CliRunner().invoke(app, ["train", str(data), *OPTIONS, "--units", "load=kW", *written])
    assert got.exit_code == 0, got.output
    assert output.is_file()
    assert_fetches_nothing(page.read_bytes())
    shown = Reader(page.read_bytes()).text
    assert shown.startswith("Not clearly better than a baseline model.pt")
    assert ", a difference within the noise." in shown
    assert "What was noticed" not in shown
    for told in ("Loss", "by step", f"lstm-export train {data} --target load"):
        assert told in shown
    assert "error of load in kW, RMSE / MAE" in got.stdout
    rows = [line.split("  ")[0] for line in got.stdout.splitlines()]
    models = ["model", "persistence", "same time last week", "ridge"]
    assert [row for row in rows[1:] if row in models] == models
    windows = next(line for line in got.stdout.splitlines() if line.startswith("windows"))
    assert len(windows.split()) == 4
    # No bar where stderr is no terminal; what shows before training
    (few,) = got.stderr.splitlines()
    assert few.startswith("warning: 203 windows are few to learn from")


def test_it_warns_of_a_baseline_that_is_better(data: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    written = ["-o", str(tmp_path / "model.pt"), "--report", str(page), "--predict", "change"]
    got = CliRunner().invoke(app, ["train", str(data), *OPTIONS, *written])
    assert got.exit_code == 0, got.output
    shown = Reader(page.read_bytes()).text
    assert shown.startswith("A baseline is better model.pt")
    assert "What was noticed" in shown
    better = got.stderr.splitlines()[-1]
    assert better.startswith("warning: ridge predicts load better than the model on the test part")


def test_charts_are_drawn_as_png(data: Path, tmp_path: Path) -> None:
    image = pytest.importorskip("matplotlib.image", reason='needs "lstm-export[plot]"')
    folder = tmp_path / "figures"
    written = ["-o", str(tmp_path / "model.pt"), "--figures", str(folder)]
    for _ in range(2):  # into a folder that is new, and into what it holds
        got = CliRunner().invoke(app, ["train", str(data), *OPTIONS, *written])
        assert got.exit_code == 0, got.output
    assert sorted(path.name for path in folder.iterdir()) == ["loss.png", "target1.png"]
    for path in folder.iterdir():
        assert np.ptp(image.imread(path)[..., 0]) > 0.5  # it is not blank
    before = (tmp_path / "model.pt").stat().st_mtime_ns
    refused = CliRunner().invoke(app, ["train", str(data), *OPTIONS, *written[:-1], str(data)])
    assert refused.exit_code == 1
    assert f"{data} is a file, expected a folder for the figures" in refused.stderr
    assert (tmp_path / "model.pt").stat().st_mtime_ns == before  # told before training


def test_json_holds_every_score(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "model.pt"
    got = CliRunner().invoke(app, ["train", str(data), *OPTIONS, "--json", "-o", str(output)])
    record = json.loads(got.stdout)
    (group,) = record["windows"]["groups"]
    assert group["rows"] == record["windows"]["rows"] == 300
    assert sum(group["windows"].values()) == 300 - 6 - 2 + 1
    assert record["path"] == str(output) and record["options"]["window"] == 6
    assert {score["part"] for score in record["metrics"]} == {"train", "validation", "test"}


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no signals that a program can end cleanly on"
)
@pytest.mark.parametrize(
    ("name", "code", "word"), [("SIGINT", 130, "interrupted"), ("SIGTERM", 143, "terminated")]
)
def test_a_signal_writes_the_best_so_far(  # noqa: PLR0917
    name: str, code: int, word: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lstm_export.training import loop

    real = loop._pass
    calls = []

    def interrupted(*arguments: object) -> float:
        calls.append(1)
        if len(calls) == 2:
            signal.raise_signal(getattr(signal, name))
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "_pass", interrupted)
    output = tmp_path / "model.pt"
    level = [*OPTIONS, "--predict", "level", "-o", str(output)]
    got = CliRunner().invoke(app, ["train", str(data), *level])
    assert got.exit_code == code and output.is_file()
    assert f"{word}: kept the best of epoch 1\n" in got.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--target", "volume"], "data.csv has no column 'volume'; it has time, load, temp"),
        (["--features", "time"], "cannot be a feature and the time or group column"),
        (["--window", "400"], "window 400 with horizon 2 needs 402"),
        (["--split", "half"], "--split is 'half', expected three shares"),
        (["--units", "kW"], "--units is 'kW', expected COL=UNIT"),
        (["-o", "DATA"], "is the input itself"),
        (["-o", "no/such/folder/model.pt"], "does not exist"),
    ],
)
def test_bad_input_gets_one_line(
    change: list[str], message: str, data: Path, tmp_path: Path
) -> None:
    before = data.read_bytes()
    change = [str(data) if word == "DATA" else word for word in change]
    arguments = ["train", str(data), "-o", str(tmp_path / "model.pt"), *OPTIONS, *change]
    got = CliRunner().invoke(app, arguments)
    assert got.exit_code == 1
    assert message in got.stderr and len(got.stderr.splitlines()) == 1
    assert data.read_bytes() == before and not (tmp_path / "model.pt").exists()
