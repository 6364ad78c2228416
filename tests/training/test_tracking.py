"""What TensorBoard and MLflow read back of a training run."""

from __future__ import annotations

import shlex
import warnings
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from lstm_export.cli import app
from lstm_export.errors import InputError
from lstm_export.series import Table
from lstm_export.training import TrainingOptions, fit
from lstm_export.training.tracking import tracked

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

OPTIONS = TrainingOptions("v", window=4, hidden_size=4, epochs=3, predict="level")


def waves() -> Table:
    step = np.arange(300)
    return Table.of({"v": np.sin(step / 5) + 0.2 * np.random.default_rng(8).standard_normal(300)})


def test_tensorboard_reads_losses_and_errors(tmp_path: Path) -> None:
    reason = 'needs tensorboard: pip install "lstm-export[tracking]"'
    pytest.importorskip("tensorboard", reason=reason)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    waves().write_csv(tmp_path / "data.csv")
    told = CliRunner().invoke(
        app,
        shlex.split(
            f"train {tmp_path}/data.csv --target v --window 4 --hidden-size 4 --epochs 3 "
            f"--predict level --seeds 2 --tensorboard {tmp_path}/log -o {tmp_path}/model.pt"
        ),
    )
    assert told.exit_code == 0, told.output
    result = fit(waves(), OPTIONS)
    first = EventAccumulator(str(tmp_path / "log" / "run1")).Reload()
    for name, losses in (
        ("train", [epoch.train_loss for epoch in result.history]),
        ("validation", [epoch.validation_loss for epoch in result.history]),
    ):
        events = first.Scalars(f"loss/{name}")
        assert [event.step for event in events] == [1, 2, 3]
        assert [event.value for event in events] == pytest.approx(losses, rel=1e-6)  # as float32
    second = EventAccumulator(str(tmp_path / "log" / "run2")).Reload()
    assert len(second.Scalars("loss/train")) == 3
    kept = EventAccumulator(str(tmp_path / "log")).Reload()
    (ridge,) = kept.Scalars("rmse/test/v/ridge")
    assert ridge.value == pytest.approx(result.score("test", "ridge").rmse, rel=1e-6)


def test_mlflow_reads_options_losses_and_errors(tmp_path: Path) -> None:
    reason = 'needs mlflow-skinny: pip install "lstm-export[tracking]"'
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what MLflow itself imports
        tracking = pytest.importorskip("mlflow.tracking", reason=reason)
        uri = f"sqlite:///{tmp_path}/mlflow.db"
        with tracked(OPTIONS, mlflow=uri) as told:
            result = fit(waves(), OPTIONS, told)
            told.result(result)
        with pytest.raises(KeyboardInterrupt), tracked(OPTIONS, mlflow=uri):
            raise KeyboardInterrupt
        client = tracking.MlflowClient(uri)
        experiment = client.get_experiment_by_name("lstm-export").experiment_id
        interrupted, run = client.search_runs([experiment])
        losses = client.get_metric_history(run.info.run_id, "run1/loss/validation")
        said = "cannot be used: .* such as sqlite:///mlflow.db"
        folder = str(tmp_path / "folder")
        with pytest.raises(InputError, match=said), tracked(OPTIONS, mlflow=folder):
            pass
    assert (run.info.status, interrupted.info.status) == ("FINISHED", "KILLED")
    assert run.data.params["hidden_size"] == "4"
    assert run.data.tags["weights_sha256"] == result.model.weights_sha256
    assert run.data.metrics["rmse/test/v/model"] == pytest.approx(result.score("test").rmse)
    assert [loss.value for loss in losses] == [epoch.validation_loss for epoch in result.history]


def test_a_server_that_fails_costs_the_log_and_not_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = 'needs mlflow-skinny: pip install "lstm-export[tracking]"'
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what MLflow itself imports
        tracking = pytest.importorskip("mlflow.tracking", reason=reason)
        exceptions = pytest.importorskip("mlflow.exceptions", reason=reason)
        uri = f"sqlite:///{tmp_path}/mlflow.db"

        def gone(*_: object, **__: object) -> None:
            raise exceptions.MlflowException("the server is gone")

        monkeypatch.setattr(tracking.MlflowClient, "log_metric", gone)
        with warnings.catch_warnings(record=True) as caught, tracked(OPTIONS, mlflow=uri) as told:
            warnings.simplefilter("always")
            result = fit(waves(), OPTIONS, told)
            told.result(result)
    said = [
        str(warning.message) for warning in caught if "no more of this run" in str(warning.message)
    ]
    assert said == ["MLflow takes no more of this run: the server is gone; training goes on"]
    assert len(result.history) == 3


def test_a_file_is_no_folder_of_events(tmp_path: Path) -> None:
    reason = 'needs tensorboard: pip install "lstm-export[tracking]"'
    pytest.importorskip("tensorboard", reason=reason)
    (tmp_path / "log").write_text("")
    with (
        pytest.raises(InputError, match="is a file, expected a folder for TensorBoard's events"),
        tracked(OPTIONS, tmp_path / "log"),
    ):
        pass
