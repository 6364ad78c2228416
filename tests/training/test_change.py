"""Predicting the change: the model is the chain that training saw, and a drift does not beat it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lstm_export
from lstm_export.errors import InputError
from lstm_export.model import forward
from lstm_export.series import Table
from lstm_export.training import TrainingOptions, fit
from lstm_export.training.assembly import assembly_of
from lstm_export.training.core import Core
from lstm_export.training.option_values import Predict
from lstm_export.training.roles import input_signature
from lstm_export.training.tensors import Tensors
from lstm_export.training.windowing import build_samples

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

OPTIONS = TrainingOptions(
    targets=("w", "v"),
    window=6,
    horizon=2,
    hidden_size=8,
    epochs=3,
    predict="change",
    group="g",
    pad=True,
    split_by="time",
)


def drifting(rows: int = 700) -> Table:
    """Two walks far from zero, and an input beside them; a short series, too."""
    random = np.random.default_rng(3)
    walk = np.cumsum(0.1 + random.standard_normal(rows))
    w = 1000 + walk + 3 * np.sin(np.arange(rows) / 4)
    return Table.of(
        {
            "g": np.where(np.arange(rows) < rows - 5, "long", "short"),
            "v": -50 + 0.1 * walk,
            "u": random.standard_normal(rows),
            "w": w,
        }
    )


@pytest.mark.parametrize("more", [{}, {"quantiles": (0.1, 0.9)}, {"scaler": "minmax"}])
def test_training_sees_what_the_model_computes(more: dict[str, object]) -> None:
    """What the loop's core answers to its scaled windows, undone, is what the whole model answers
    to the table's, in windows that are whole and in shorter ones."""
    options = replace(OPTIONS, split=(1.0, 0.0, 0.0), **more)  # type: ignore[arg-type]
    table = drifting()
    signature = input_signature(table, options)
    samples = build_samples(table, signature, options)
    model = fit(table, options).model
    assembly = assembly_of(samples, signature, options)
    core = Core(3, 4, options, torch.device("cpu"))
    for module, stage in ((core.lstm, model.recurrent[0]), (core.fc, model.stages[6])):
        module.load_state_dict({key: torch.tensor(a) for key, a in stage.arrays.items()})
    windows = dict(assembly.windows(samples))["train"]
    part = Tensors.of(windows, torch.device("cpu"))
    starts = samples.parts["train"]
    lengths = samples.lengths(starts)
    assert (lengths < 6).any()
    with torch.no_grad():
        (batch,) = part.batches(len(starts), shuffle=False)
        scaled = core(batch.x, batch.lengths).numpy()
    x = samples.inputs(starts)
    last = x[np.arange(len(x)), lengths - 1][:, [2, 2, 0, 0]]  # w, then v, two steps each
    times = scaled.shape[1] // 4
    offset, scale = (
        np.tile(values, times) for values in (assembly.outputs.offset, assembly.outputs.scale)
    )
    expected = scaled * scale + offset + np.tile(last, times)
    found = np.concatenate([forward(model, x[[k], :length]).y for k, length in enumerate(lengths)])
    # float32 in the loop, on columns that were scaled about their mean
    np.testing.assert_allclose(found, expected, atol=2e-4)
    true = samples.targets(starts)
    wanted = windows.y * scale[:4] + offset[:4] + last
    np.testing.assert_allclose(wanted, true, rtol=1e-6)


def test_a_drift_is_predicted_better_by_its_change_and_auto_finds_out() -> None:
    options = replace(OPTIONS, epochs=8)
    level = fit(drifting(), replace(options, predict="level"))
    change = fit(drifting(), options)
    for target in ("w", "v"):
        rmse = change.score("test", target=target).rmse
        assert rmse < 0.5 * level.score("test", target=target).rmse
        assert rmse < 1.2 * change.score("test", "persistence", target).rmse
    auto = fit(drifting(), replace(options, predict="auto"))
    assert auto.model == change.model
    assert auto.choice is not None
    assert auto.choice.describe().startswith("predicts the change from the last value: after 3")


def test_a_level_that_returns_is_predicted_as_it_is() -> None:
    random = np.random.default_rng(1)
    noise = random.standard_normal(600)
    options = TrainingOptions(targets=("v",), window=6, epochs=4, hidden_size=4, predict="auto")
    found = fit({"v": noise}, options)
    assert found.choice is not None
    assert found.choice.predict == "level"
    assert found.model == fit({"v": noise}, replace(options, predict="level")).model
    for alone in ({"horizon": 0, "features": ("u",)}, {"exclude_past": True}):
        table = {"v": noise, "u": np.roll(noise, 1)}
        unable = fit(table, replace(options, **alone))  # type: ignore[arg-type]
        assert unable.choice is not None
        assert (unable.choice.predict, unable.choice.describe()) == ("level", "")


def test_onnx_holds_it_and_an_interval_around_it(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
    options = replace(OPTIONS, epochs=1, interval=0.8, group=None, pad=False, split_by=None)
    table = drifting(300)
    found = lstm_export.train(table, tmp_path / "model.pt", options)
    assert lstm_export.package(tmp_path / "model.pt", tmp_path / "model.bundle")[0].ok
    session = lstm_export.load(tmp_path / "model.bundle")
    x = np.stack([table.numbers(name) for name in ("v", "u", "w")], axis=1)[np.newaxis, :6]
    low, high = (forward(found.model, x).y[:, k : k + 4] for k in (4, 8))
    np.testing.assert_allclose(session(x)[:, 4:8], low, rtol=1e-5)
    np.testing.assert_allclose(session(x)[:, 8:], high, rtol=1e-5)
    for coverage in found.coverage:
        if coverage.part == "validation":
            assert abs(coverage.share - 0.8) <= 2 / coverage.windows


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"horizon": 0, "features": ("u",)}, "no last value to predict a change from"),
        ({"features": ("u",)}, "name the targets among the --features"),
        ({"exclude_past": True}, "name the targets among the --features"),
    ],
)
def test_a_change_needs_a_last_value(wanted: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        replace(OPTIONS, **wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize(("predict", "seed"), [("change", 0), ("correction", 27)])
def test_a_network_that_adds_nothing_but_noise_is_shrunk(predict: Predict, seed: int) -> None:
    """On walks of which a part of the network is kept. What is left of it has the least squared
    error on validation: what it adds is orthogonal to what is then still wrong."""
    walk = np.cumsum(np.random.default_rng(seed).standard_normal(600))
    options = TrainingOptions("v", window=6, horizon=2, epochs=6, predict=predict)
    table = Table.of({"v": walk})
    signature = input_signature(table, options)
    samples = build_samples(table, signature, options)
    model = fit(table, options).model
    starts = samples.parts["validation"]
    answered = forward(model, samples.inputs(starts)).y
    added = answered - assembly_of(samples, signature, options).base(samples, starts)
    assert np.square(added).sum() > 0
    left = samples.targets(starts) - answered
    # Weights and answers of the linear part are float32
    assert abs(np.sum(added * left)) < 1e-4 * np.sum(np.square(added))
