"""A search over options: judged on validation alone, repeatable, ended by a budget or by Ctrl-C."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from lstm_export.cli import app
from lstm_export.errors import InputError
from lstm_export.model import forward
from lstm_export.series import Table
from lstm_export.training import Epoch, Search, TrainingOptions, fit, trials
from tests.kit.html_reader import Reader

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
pytest.importorskip("optuna", reason='needs optuna: pip install "lstm-export[search]"')

OPTIONS = TrainingOptions(("v",), window=4, hidden_size=4, epochs=2, batch_size=32, seed=3)
EVERYTHING = ("window", "hidden_size", "batch_size", "learning_rate", "num_layers", "dropout")


def waves(rows: int = 400) -> dict[str, np.ndarray]:
    """Noisy waves at times with one gap, in the middle of the validation part."""
    step = np.arange(rows)
    noise = np.random.default_rng(8).standard_normal(rows)
    time = step + np.where(step >= round(0.78 * rows), 5, 0)
    return {"t": time, "v": np.sin(step / 5) + 0.2 * noise}


def test_the_best_trial_is_the_model_that_its_options_train() -> None:
    options = replace(OPTIONS, time="t", predict="level")
    found = fit(waves(), options, search=Search(trials=4, over=EVERYTHING))
    search = found.search
    assert search is not None and len(search.trials) == 4
    given = {name: vars(options)[name] for name in EVERYTHING}
    assert search.trials[0].options == given
    assert min(trial.rmse or 9.0 for trial in search.trials) == search.trials[search.best].rmse
    best = search.trials[search.best]
    assert best.options != given
    alone = fit(waves(), replace(options, **best.options))
    assert alone.model == found.model and alone.metrics == found.metrics
    again = fit(waves(), options, search=Search(trials=4, over=EVERYTHING))
    assert again.search == search and again.model == found.model
    other = fit(waves(), replace(options, seed=4), search=Search(trials=2, over=EVERYTHING))
    assert other.search is not None and other.search.trials[1].options != search.trials[1].options


def test_trials_are_judged_on_the_windows_that_all_have() -> None:
    """Of the 60 rows of validation 8 have no window of 8 rows without the gap, and 16, more than a
    tenth, none of 16. The model's equations in float64 say what its error on the 52 others is."""
    table = waves()
    found = fit(table, replace(OPTIONS, time="t"), search=Search(trials=4))
    assert found.search is not None
    assert found.search.windows == 52
    assert {trial.options["window"] for trial in found.search.trials} <= {2, 4, 8}
    window = int(found.search.trials[found.search.best].options["window"])
    rows = np.array([row for row in range(280, 340) if not 312 <= row < 320])
    v = table["v"]
    x = np.stack([v[row - window : row] for row in rows])[..., np.newaxis].astype(np.float32)
    error = forward(found.model, x).y[:, 0] - v[rows]
    expected = np.sqrt(np.mean(error**2)) / v[rows].std()
    assert found.search.trials[found.search.best].rmse == pytest.approx(expected, rel=1e-5)


def test_a_window_that_shares_groups_out_otherwise_is_not_compared() -> None:
    """Every other group of 7 rows holds a window of 4 rows and none of 8."""
    lengths = np.tile([60, 7], 12)
    names = np.repeat([f"g{number}" for number in range(24)], lengths).astype(object)
    table = {"g": names, "v": waves(len(names))["v"]}
    options = replace(OPTIONS, window=8, group="g", split_by="group", epochs=1, predict="level")
    found = fit(table, options, search=Search(trials=6, over=("window",)))
    assert found.search is not None
    failures = {trial.options["window"]: trial.failure for trial in found.search.trials}
    assert "with window 4 other groups hold a window" in failures[4]
    assert failures[8] == ""


def test_the_test_part_has_no_say() -> None:
    table = waves()
    changed = {**table, "v": np.where(np.arange(400) < 340, table["v"], 50.0)}
    search = Search(trials=3)
    assert fit(table, OPTIONS, search=search).search == fit(changed, OPTIONS, search=search).search


def test_a_budget_ends_the_trial_that_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Epoch] = []
    monkeypatch.setattr(trials.time, "monotonic", lambda: float(len(seen)))
    options = replace(OPTIONS, epochs=5, predict="level")
    found = fit(waves(), options, seen.append, search=Search(budget=7))
    assert found.search is not None
    assert [trial.epochs for trial in found.search.trials] == [5, 2]
    assert not found.interrupted and found.unfinished is None
    seen.clear()
    short = fit(waves(), options, seen.append, search=Search(budget=3))
    assert short.best_epoch <= 3 and len(short.history) == 3
    assert not short.interrupted  # the budget was spent in the first trial


@pytest.mark.parametrize(("at", "kept"), [(3, [4]), (6, [4, 2])])
def test_ctrl_c_keeps_the_best_so_far(at: int, kept: list[int]) -> None:
    calls = []

    def interrupt(_: Epoch) -> None:
        calls.append(1)
        if len(calls) == at:
            raise KeyboardInterrupt

    options = replace(OPTIONS, epochs=4, predict="level")
    found = fit(waves(), options, interrupt, search=Search(trials=9))
    assert found.search is not None
    assert found.interrupted and found.unfinished is None
    assert [trial.epochs for trial in found.search.trials] == (kept if at > 4 else [3])


def test_options_that_give_no_model_are_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    real = trials.fit_table
    calls = []

    def fails_at_times(*arguments: object, **more: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise InputError("training diverged")
        return real(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(trials, "fit_table", fails_at_times)
    found = fit(waves(), OPTIONS, search=Search(trials=3))
    assert found.search is not None
    second = found.search.trials[1]
    assert (second.rmse, second.failure) == (None, "training diverged")
    assert found.search.trials[2].rmse is not None


@pytest.mark.parametrize(
    ("options", "search", "said"),
    [
        ({}, {}, "a search needs an end: give --budget or --trials"),
        ({}, {"budget": 0.0}, "budget is 0 s, expected more than 0"),
        ({}, {"trials": 0}, "trials is 0, expected 1 to 10,000"),
        ({}, {"trials": 2, "over": ("size",)}, "search over 'size': expected each at most once"),
        ({}, {"trials": 2, "over": ()}, "a search over nothing"),
        ({"seeds": 2}, {"trials": 2}, "search first, then give --seeds"),
        ({"split": (0.8, 0.0, 0.2)}, {"trials": 2}, "judges on the validation part"),
    ],
)
def test_searches_that_cannot_be_are_refused(
    options: dict[str, object], search: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        fit(waves(), replace(OPTIONS, **options), search=Search(**search))  # type: ignore[arg-type]


def test_the_command_tells_of_every_trial(tmp_path: Path) -> None:
    Table.of(waves()).write_csv(tmp_path / "data.csv")
    page = tmp_path / "report.html"
    command = ["train", str(tmp_path / "data.csv"), "--target", "v", "--window", "4"]
    command += ["--epochs", "1", "--trials", "2", "--search", "hidden_size,learning_rate"]
    command += ["-o", str(tmp_path / "model.pt"), "--report", str(page)]
    told = CliRunner().invoke(app, command)
    assert told.exit_code == 0, told.output
    assert "search: 2 trials, the first as given; RMSE on 60 validation windows" in told.stdout
    assert "hidden_size   learning_rate   epochs" in told.stdout
    assert "Search" in Reader(page.read_bytes()).text
    record = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert record["search"]["trials"][0]["options"]["hidden_size"] == 32
    refused = CliRunner().invoke(app, [*command, "--budget", "soon"])
    assert refused.exit_code == 1
    assert "--budget is 'soon', expected a time such as" in refused.stderr
