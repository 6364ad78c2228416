"""Runs that are interrupted and resumed, of several seeds, and back from several points in time."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import lstm_export
from lstm_export.cli import app
from lstm_export.errors import InputError
from lstm_export.evaluation import evaluate
from lstm_export.model import forward
from lstm_export.series import Table
from lstm_export.training import Epoch, TrainingOptions, fit, rescue
from lstm_export.training.option_values import SplitBy
from lstm_export.training.ranks import Ranks
from lstm_export.verification.subject import read
from tests.kit.html_reader import Reader

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

OPTIONS = TrainingOptions(
    targets=("v",),
    window=5,
    hidden_size=6,
    num_layers=2,
    dropout=0.2,
    epochs=5,
    batch_size=32,
    predict="level",
)


class FirstOfTwo:
    """This process as one that another trains along with."""

    @staticmethod
    def here() -> Ranks:
        return Ranks(0, 2)


def waves(rows: int = 400) -> Table:
    random = np.random.default_rng(8)
    step = np.arange(rows)
    return Table.of({"v": np.sin(step / 5) + 0.2 * random.standard_normal(rows), "u": step % 7})


def interrupted_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Ctrl-C after so many steps of Adam."""
    from lstm_export.training.core import Core

    real = Core.update_average
    steps = []

    def update_average(core: Core) -> None:
        real(core)
        steps.append(1)
        if len(steps) == step:
            raise KeyboardInterrupt

    monkeypatch.setattr(Core, "update_average", update_average)


@pytest.mark.parametrize("step", [12, 19, 27])  # an epoch has 9 steps
def test_a_resumed_run_is_the_unbroken_run_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    path = tmp_path / "model.pt"
    unbroken = fit(waves(), OPTIONS)
    with monkeypatch.context() as patched:
        interrupted_at(patched, step)
        begun = lstm_export.train(waves(), path, OPTIONS)
    assert begun.interrupted
    assert len(begun.history) == (step - 1) // 9
    assert read(path).model == begun.model  # what it left is a model like any other
    seen: list[Epoch] = []
    resumed = lstm_export.train(waves(), path, OPTIONS, seen.append, resume=path)
    assert resumed.model == unbroken.model
    assert resumed.history == unbroken.history
    assert len(seen) == 5 - len(begun.history)
    with pytest.raises(InputError, match="it holds no interrupted run"):
        fit(waves(), OPTIONS, resume=path)


def test_a_run_is_resumed_only_as_it_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.pt"
    with monkeypatch.context() as patched:
        interrupted_at(patched, 12)
        lstm_export.train(waves(), path, OPTIONS)
    with pytest.raises(InputError, match="was begun with epochs 5, got 9; resume with"):
        fit(waves(), replace(OPTIONS, epochs=9), resume=path)
    with pytest.raises(InputError, match="on another table"):
        fit(waves(401), OPTIONS, resume=path)
    with pytest.raises(InputError, match="leave out --seeds, --backtest and a search"):
        fit(waves(), replace(OPTIONS, seeds=2), resume=path)
    (tmp_path / "text.pt").write_text("no checkpoint")
    for other in (tmp_path / "text.pt", tmp_path / "absent.pt"):
        with pytest.raises(InputError, match="it is no checkpoint from train"):
            fit(waves(), OPTIONS, resume=other)


@pytest.mark.parametrize("split_by", ["time", "group"])
def test_the_best_seed_on_validation_is_kept(split_by: SplitBy) -> None:
    """Of seeds that have the same groups in validation, where whole groups are shared out."""
    table = Table.of({**waves().columns, "machine": np.arange(400) // 40})
    options = replace(OPTIONS, epochs=2, group="machine", split_by=split_by)
    found = fit(table, replace(options, seeds=3, seed=4))
    alone = {seed: fit(table, replace(options, seed=seed, split_seed=4)) for seed in (4, 5, 6)}
    losses = {
        seed: min(epoch.validation_loss or 9.0 for epoch in result.history)
        for seed, result in alone.items()
    }
    best = min(losses, key=lambda seed: losses[seed])
    assert found.model == alone[best].model
    assert [(run.seed, run.validation_loss) for run in found.seeds] == [*losses.items()]
    for run in found.seeds:
        assert run.scores == (alone[run.seed].score("test"),)
    # the groups of the test part are drawn again as they were
    judged = evaluate(found.model, table, facts=found.facts, part="test").answers
    np.testing.assert_array_equal(judged.true, found.answers.true)
    np.testing.assert_array_equal(judged.groups, found.answers.groups)


def test_a_backtest_never_sees_what_it_is_judged_on() -> None:
    options = replace(OPTIONS, epochs=1, split=(0.6, 0.2, 0.2), backtest=2)
    found = fit(waves(), options)
    # Of 60 and 80 % of 400 rows the last fifth; a table from memory counts its rows from 1.
    assert [(origin.first, origin.last) for origin in found.backtest] == [
        ("193", "240"),
        ("257", "320"),
    ]
    later = waves()
    changed = {name: np.where(np.arange(400) < 320, later[name], 9.0) for name in later.names}
    assert fit(Table.of(changed), options).backtest == found.backtest
    with pytest.raises(InputError, match="would train on 20% of the rows"):
        fit(waves(), replace(options, backtest=4))


@pytest.mark.parametrize("backtest", [0, 1])
def test_an_interrupted_backtest_leaves_no_model_of_earlier_rows(
    backtest: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor where processes that train together write before they judge."""
    path = tmp_path / "model.pt"
    monkeypatch.setattr(rescue, "Ranks", FirstOfTwo)
    interrupted_at(monkeypatch, 12)
    options = replace(OPTIONS, backtest=backtest)
    ended = pytest.raises(KeyboardInterrupt) if backtest else nullcontext()
    with ended:
        fit(waves(), options, output=path)
    assert path.exists() != bool(backtest)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"seeds": 2, "split": (0.8, 0.0, 0.2)}, "chosen on validation"),
        ({"backtest": 1, "split": (0.8, 0.2, 0.0)}, "judges on test parts"),
        ({"seeds": 0}, "seeds is 0, expected 1 to 1000"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(wanted: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        replace(OPTIONS, **wanted)  # type: ignore[arg-type]


def test_the_command_tells_of_every_run(tmp_path: Path) -> None:
    waves().write_csv(tmp_path / "data.csv")
    small = ["--target", "v", "--window", "5", "--epochs", "1", "-o", str(tmp_path / "model.pt")]
    page = tmp_path / "report.html"
    several = ["--seeds", "2", "--backtest", "1", "--interval", "0.8", "--report", str(page)]
    done = CliRunner().invoke(app, ["train", str(tmp_path / "data.csv"), *small, *several])
    assert done.exit_code == 0, done.output
    assert "seeds 0, 1: RMSE" in done.stdout
    assert "RMSE of runs on the rows before alone" in done.stdout
    assert "q0.1 to q0.9 hold" in done.stdout
    shown = Reader(page.read_bytes()).text
    for told in ("Intervals", "is meant to hold", "Other runs", "seed 1", "judged on"):
        assert told in shown


@pytest.mark.parametrize("more", [{"predict": "change"}, {"quantiles": (0.1, 0.9)}])
def test_an_ensemble_answers_the_mean_of_its_members_in_one_file(
    tmp_path: Path, more: dict[str, object]
) -> None:
    pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
    small = replace(OPTIONS, epochs=2, num_layers=1, dropout=0.0)
    options = replace(small, **more)  # type: ignore[arg-type]
    together = replace(options, seeds=3, seed=4, ensemble=True)
    path = tmp_path / "model.pt"
    found = lstm_export.train(waves(), path, together)
    alone = [fit(waves(), replace(options, seed=seed)) for seed in (4, 5, 6)]
    assert found.windows is not None
    answers = [forward(result.model, found.windows).y for result in alone]
    # The Linear's weights are divided in float32
    mean = np.mean(answers, axis=0)
    np.testing.assert_allclose(forward(found.model, found.windows).y, mean, rtol=1e-5, atol=1e-6)
    for run, result in zip(found.seeds, alone, strict=True):
        assert run.scores == (result.score("test"),)
    assert lstm_export.export(path, "onnx").ok
    with pytest.raises(InputError, match="say how many with --seeds"):
        replace(options, ensemble=True)
    rows = waves(300)
    no_validation = fit(rows, replace(together, split=(0.8, 0.0, 0.2), seeds=2))
    assert [run.validation_loss for run in no_validation.seeds] == [None, None]


def test_an_interrupted_ensemble_keeps_the_members_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    interrupted_at(monkeypatch, 9 * 5 + 4)  # in the first epoch of the second member
    found = fit(waves(), replace(OPTIONS, seeds=3, ensemble=True))
    assert found.interrupted and found.unfinished is None
    assert found.model == fit(waves(), OPTIONS).model
