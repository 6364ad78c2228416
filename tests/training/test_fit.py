"""Training: what it yields, what it must not see, and that it can be repeated and interrupted."""

import datetime
import hashlib
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export.errors import InputError
from lstm_export.model import LSTM, Affine, Linear, forward
from lstm_export.series import Table
from lstm_export.training import Epoch, TrainingOptions, TrainingResult, fit, loop
from lstm_export.training.roles import input_signature
from lstm_export.training.scaling import fit_scaler
from lstm_export.training.windowing import build_samples

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
nn = torch.nn

OPTIONS = TrainingOptions(
    targets=("load",),
    features=("load", "temp"),
    window=12,
    horizon=2,
    time="time",
    calendar=("hour",),
    units={"load": "kW", "temp": "°C"},
    hidden_size=8,
    epochs=3,
    batch_size=32,
    predict="level",
)


def daily(rows: int = 900) -> dict[str, object]:
    """A daily wave with noise, far from zero, as hours of a sensor."""
    random = np.random.default_rng(2)
    hour = np.arange(rows)
    wave = np.sin(2 * np.pi * hour / 24)
    return {
        "time": np.datetime64("2024-01-01", "s") + hour * np.timedelta64(3600, "s"),
        "load": 5000 + 800 * wave + 80 * random.standard_normal(rows),
        "temp": 12 - 6 * wave + random.standard_normal(rows),
        "rain": np.where(hour % 300 == 7, 4.0, 0.0),
        "label": ["x"] * rows,
    }


@pytest.fixture(scope="module")
def result() -> TrainingResult:
    return fit(daily(), OPTIONS)


def test_the_model_describes_its_data(result: TrainingResult) -> None:
    model = result.model
    data = daily()
    signature = model.signature
    stages = " ".join(stage.name for stage in model.stages)
    assert stages == "input_scaler lstm last fc output_scaler"
    features = " ".join(column.name for column in signature.features)
    assert features == "load temp hour_sin hour_cos"
    assert [column.name for column in signature.outputs] == ["load[t+1]", "load[t+2]"]
    units = [column.unit for column in (*signature.measured, *signature.targets)]
    assert units == ["kW", "°C", "kW"]
    assert (signature.window, signature.horizon) == (12, 2)
    assert (signature.time, signature.time_step) == ("time", 3600.0)
    # The training part ends at row 630; its last window reads rows up to 627, for it predicts 628
    # and 629.
    load = np.asarray(data["load"])
    assert signature.features[0].low == np.float32(load[:628].min())
    assert (signature.targets[0].low, signature.targets[0].high) == (
        load[12:630].min(),
        load[12:630].max(),
    )
    assert result.windows is not None
    assert result.windows.shape == (32, 12, 4)
    assert result.windows.dtype == np.float32
    assert model.origin == "stored"
    assert not result.interrupted
    (beaten,) = result.warnings  # a few epochs on an easy series
    assert beaten.startswith("ridge predicts load better than the model on the test part")


def test_the_chain_is_the_trained_network_between_its_scalers(result: TrainingResult) -> None:
    assert result.windows is not None
    inputs, lstm, _, fc, outputs = result.model.stages
    assert isinstance(inputs, Affine) and isinstance(outputs, Affine)
    assert isinstance(lstm, LSTM) and isinstance(fc, Linear)
    module = nn.LSTM(4, 8, batch_first=True).double()
    head = nn.Linear(8, 2).double()
    module.load_state_dict({name: torch.tensor(array) for name, array in lstm.arrays.items()})
    head.load_state_dict({name: torch.tensor(array) for name, array in fc.arrays.items()})
    scaled = (result.windows.astype(np.float64) - inputs.offset) / inputs.scale
    with torch.no_grad():
        core = head(module(torch.from_numpy(scaled))[0][:, -1]).numpy()
    expected = core * outputs.scale + outputs.offset
    # Float64 both
    np.testing.assert_allclose(forward(result.model, result.windows).y, expected, rtol=1e-12)


def test_scores_are_those_of_the_chain_in_the_targets_units(result: TrainingResult) -> None:
    table = Table.of(daily())
    samples = build_samples(table, input_signature(table, OPTIONS), OPTIONS)
    starts = samples.parts["test"]
    errors = forward(result.model, samples.inputs(starts)).y - samples.targets(starts)
    score = result.score("test")
    assert score.windows == len(starts)
    # The score is taken in float32: a few eps of a load of 5000 on errors of about 100.
    assert score.rmse == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-4)
    assert score.mae == pytest.approx(np.mean(np.abs(errors)), rel=1e-4)
    assert result.score("test").rmse < 0.9 * result.score("test", "persistence").rmse
    assert {s.predictor for s in result.metrics} == {
        "model",
        "persistence",
        "same time last week",
        "ridge",
    }
    assert {s.part for s in result.metrics} == {"train", "validation", "test"}
    with pytest.raises(KeyError, match="no score of magic"):
        result.score("test", "magic")


def test_the_same_seed_gives_the_same_weights(result: TrainingResult) -> None:
    torch.manual_seed(7)  # the global generator plays no part
    again = fit(daily(), OPTIONS)
    assert again.model == result.model and again.metrics == result.metrics
    assert fit(daily(), replace(OPTIONS, seed=1)).model != result.model


def test_nothing_after_the_training_and_validation_rows_reaches_the_model(
    result: TrainingResult,
) -> None:
    changed = daily()
    for name in ("load", "temp"):
        # The test part begins at row 765
        changed[name] = np.where(np.arange(900) < 765, changed[name], 1e6)
    got = fit(changed, OPTIONS)
    assert got.model == result.model
    assert any("leaves its training range" in warning for warning in got.warnings)
    validation = daily()
    validation["load"] = np.where(np.arange(900) < 630, validation["load"], 1e6)
    got = fit(validation, OPTIONS)
    assert got.model.signature == result.model.signature
    assert (
        got.model.stages[0].arrays["offset"].tobytes()
        == result.model.stages[0].arrays["offset"].tobytes()
    )


def test_ctrl_c_keeps_the_best_epoch(
    result: TrainingResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(epoch: Epoch) -> None:
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    got = fit(daily(), OPTIONS, interrupt)
    assert got.interrupted and len(got.history) == 2 and got.history == result.history[:2]
    assert got.best_epoch == 2 and got.model != result.model

    def at_once(*_: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "_pass", at_once)
    with pytest.raises(KeyboardInterrupt):
        fit(daily(), OPTIONS)


def test_the_best_epoch_is_kept_and_training_stops_when_it_no_longer_helps() -> None:
    # Noise: the validation loss only gets worse once the noise is learnt
    random = np.random.default_rng(0)
    noise = {"a": random.standard_normal(400), "b": random.standard_normal(400)}
    options = TrainingOptions(
        ("b",), ("a",), window=8, epochs=60, patience=3, batch_size=16, learning_rate=0.02
    )
    got = fit(noise, options)
    losses = [epoch.validation_loss for epoch in got.history]
    assert all(loss is not None for loss in losses)
    assert got.best_epoch == 1 + losses.index(min(losses))  # type: ignore[type-var]
    assert len(got.history) == got.best_epoch + 3 < 60
    assert got.model == fit(noise, replace(options, patience=2)).model


@pytest.mark.parametrize("loss", ["mse", "mae", "huber"])
@pytest.mark.parametrize("scaler", ["standard", "minmax"])
def test_every_loss_and_scaler_learns_without_validation(loss: str, scaler: str) -> None:
    options = replace(
        OPTIONS,
        loss=loss,
        scaler=scaler,
        split=(0.8, 0.0, 0.2),
        num_layers=2,
        dropout=0.1,
        epochs=8,
    )  # type: ignore[arg-type]
    got = fit(daily(400), options)
    assert got.best_epoch == 8 and got.history[-1].validation_loss is None
    assert {score.part for score in got.metrics} == {"train", "test"}
    assert got.score("test").rmse < 500  # the wave alone has 566
    assert got.windows is not None


def test_facts_tell_where_the_model_came_from(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    Table.of(daily(200)).write_csv(path)
    got = fit(path, replace(OPTIONS, epochs=1, real_windows=False))
    assert got.windows is None
    assert got.facts["data"] == {
        "rows": 200,
        "file": "data.csv",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    assert got.facts["seed"] == 0 and got.facts["versions"]["torch"] == torch.__version__
    assert got.to_record()["metrics"][0] == asdict(got.metrics[0])


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ({}, ["load", "temp", "rain"]),
        ({"exclude_past": True}, ["temp", "rain"]),
        ({"horizon": 0}, ["temp", "rain"]),
        ({"features": ("rain",)}, ["rain"]),
    ],
)
def test_features_are_every_numeric_column_by_default(
    chosen: dict[str, Any], names: list[str]
) -> None:
    options = replace(OPTIONS, **{"features": None, "calendar": (), "epochs": 1} | chosen)
    got = fit(daily(300), options)
    assert [column.name for column in got.model.signature.features] == names


def walk(rows: int, drift: float) -> dict[str, object]:
    """A random walk, which the value before predicts best; it rises by `drift` a row."""
    random = np.random.default_rng(3)
    steps = random.standard_normal(rows) + drift
    return {"load": np.cumsum(steps), "temp": random.standard_normal(rows)}


@pytest.mark.parametrize(
    ("rows", "drift", "chosen", "cause"),
    [
        (500, 0.0, {"exclude_past": True}, "the past of load is no input: .* --exclude-past"),
        (900, 0.5, {}, "load drifts, from a mean of .* --predict change"),
        (100, 0.0, {}, "5[0-9] windows are few to learn from"),
        (900, 0.0, {}, "the last of 1 epochs was the best: give more --epochs"),
    ],
)
def test_a_model_that_loses_says_why(
    rows: int, drift: float, chosen: dict[str, Any], cause: str
) -> None:
    options = TrainingOptions(
        targets=("load",),
        window=12,
        horizon=2,
        epochs=1,
        hidden_size=4,
        predict="level",
        **chosen,
    )
    data = walk(rows, drift)
    warned = " ".join(fit(data, options).warnings)
    assert re.search(f"predicts load better than the model .*: .*{cause}", warned), warned


@pytest.mark.parametrize(
    ("first", "season", "times", "name", "calendar"),
    [
        ("2024-01-01T00", 168, 8, "same time last week", "hour,weekday"),
        ("2020-01-01", 364, 4, "same weekday last year", "weekday,yearday"),
        ("2000-01", 12, 24, "same month last year", "month_onehot"),
    ],
)
def test_a_model_that_loses_to_a_season_is_told_of_the_calendar(
    first: str, season: int, times: int, name: str, calendar: str
) -> None:
    """Every row of a season has a load of its own, which a short window does not tell."""
    time = (np.datetime64(first) + np.arange(times * season)).astype("datetime64[s]")
    load = np.tile(np.random.default_rng(0).standard_normal(season), times)
    load += 0.01 * np.random.default_rng(1).standard_normal(times * season)
    options = TrainingOptions("load", window=2, time="time", epochs=1, hidden_size=2)
    warned = " ".join(fit({"time": time, "load": load}, options).warnings)
    assert f"{name} predicts load better than the model" in warned
    assert f"the calendar is no input: give --calendar {calendar}" in warned


def test_a_model_that_loses_for_none_of_these_reasons_is_told_no_other() -> None:
    options = replace(OPTIONS, epochs=30, patience=2, learning_rate=0.05)
    (warning,) = fit(daily(), options).warnings
    assert "is no input" not in warning
    assert "drifts" not in warning
    assert "are few" not in warning
    assert warning.endswith("use the simpler method, or a larger --hidden-size")


@pytest.mark.parametrize(("horizon", "shift"), [(0, 0), (1, 1)])
def test_an_input_that_is_the_answer_is_named(horizon: int, shift: int) -> None:
    table = daily(400)
    load = np.asarray(table["load"])
    table["kilo"] = np.roll(load, -shift) / 1000
    options = replace(OPTIONS, features=("temp", "kilo"), horizon=horizon, window=12, epochs=1)
    told = [text for text in fit(table, options).warnings if "all but tells" in text]
    assert len(told) == 1
    assert told[0].startswith("kilo all but tells load by itself")
    # Of a walk that hardly moves every later value is all but told; that is no leak.
    slow = {"load": np.arange(400) + 0.0, "temp": np.arange(400) + 1.0}
    plain = TrainingOptions(targets=("load",), window=3, epochs=1, hidden_size=2)
    assert not any("all but tells" in text for text in fit(slow, plain).warnings)


@pytest.mark.parametrize(
    ("rows", "chosen", "said"),
    [
        (900, {"features": ("temp", "rain")}, "rain is 0 in 99"),
        (900, {"features": ("temp",)}, "the past of load is no input: name it in --features"),
        (900, {"predict": "level"}, "load drifts, from a mean of .* --predict change"),
        (100, {}, "5[0-9] windows are few to learn from"),
    ],
)
def test_what_can_be_known_before_is_told_before_training(
    rows: int, chosen: dict[str, Any], said: str
) -> None:
    data = {**walk(rows, 0.5), "rain": np.where(np.arange(rows) % 300 == 7, 4.0, 0.0)}
    options = TrainingOptions("load", window=12, horizon=2, epochs=1, hidden_size=2)
    told: list[str] = []
    fit(data, replace(options, **chosen), lambda _: told.append("an epoch"), notice=told.append)
    before = told[: told.index("an epoch")]
    assert any(re.search(said, text) for text in before), before
    assert all(text == "an epoch" for text in told[len(before) :])


def test_columns_that_hardly_vary_are_named() -> None:
    table = {**daily(), "still": np.full(900, 3.0)}
    got = fit(table, replace(OPTIONS, features=("load", "rain", "still"), epochs=1))
    assert len(got.warnings) == 3  # the last says that ridge is better
    assert "rain is 0 in 99." in got.warnings[0] and "nearly constant" in got.warnings[0]
    assert got.warnings[1].startswith("still is 3 throughout the training part")
    assert got.model.stages[0].arrays["scale"][2] == 1


def test_a_target_that_never_changes_is_refused() -> None:
    for values in (np.full(900, 5.0), np.where(np.arange(900) < 700, 5.0, 6.0)):
        with pytest.raises(
            InputError, match="target 'load' is 5 in all 618 rows of the training part"
        ):
            fit({**daily(), "load": values}, OPTIONS)


def test_unknown_devices_and_divergence_are_refused() -> None:
    with pytest.raises(InputError, match="device 'warp' cannot be used here"):
        fit(daily(200), replace(OPTIONS, device="warp"))
    with pytest.raises(InputError, match="training diverged"):
        fit(daily(200), replace(OPTIONS, learning_rate=1e30, clip=0.0, epochs=20))


def test_scalers_survive_columns_without_spread() -> None:
    random = np.random.default_rng(0)
    values = np.column_stack(
        [np.full(1000, 0.1), 1e5 + random.standard_normal(1000), np.linspace(3, 7, 1000)]
    )
    offset, scale = fit_scaler([values], "standard")
    assert offset.dtype == scale.dtype == np.float32
    np.testing.assert_array_equal(offset, values.mean(axis=0).astype(np.float32))
    # Float32
    np.testing.assert_allclose(scale, [1, values[:, 1].std(), values[:, 2].std()], rtol=1e-6)
    offset, scale = fit_scaler([values], "minmax")
    # Float32
    np.testing.assert_allclose(
        (values[:, 2] - offset[2]) / scale[2], np.linspace(-1, 1, 1000), atol=1e-6
    )


def test_times_may_be_datetimes() -> None:
    table = daily(200)
    first = datetime.datetime(2024, 1, 1)
    table["time"] = [first + datetime.timedelta(hours=hour) for hour in range(200)]
    assert (
        fit(table, replace(OPTIONS, epochs=1)).model
        == fit(daily(200), replace(OPTIONS, epochs=1)).model
    )


def test_options_that_are_none_are_refused() -> None:
    with pytest.raises(InputError, match="options is None, expected a TrainingOptions, such as"):
        fit(daily(), None)  # type: ignore[arg-type]
