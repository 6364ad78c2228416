"""Correcting a ridge regression: when that is chosen, and what the model is then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lstm_export
from lstm_export.errors import InputError
from lstm_export.model import Affine, Linear, forward
from lstm_export.training import Epoch, TrainingOptions, fit

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

OPTIONS = TrainingOptions(
    ("v", "w"), window=5, horizon=2, hidden_size=4, epochs=3, predict="correction"
)


def growing(rows: int = 500) -> dict[str, np.ndarray]:
    """Waves that grow by a factor, and leave what training saw; a linear method goes on."""
    step = np.arange(rows)
    noise = np.random.default_rng(0).standard_normal((2, rows))
    wave = np.exp(0.004 * step) * (5 + np.sin(step / 3))
    return {"v": wave + 0.1 * noise[0], "w": 100 - wave + 0.1 * noise[1]}


def least_squares(windows: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Ridge weights, as least squares with a row of the root of the penalty for each weight."""
    columns = windows.shape[1]
    padded = np.vstack([windows, np.eye(columns)])
    wanted = np.vstack([true, np.zeros((columns, true.shape[1]))])
    return np.linalg.lstsq(padded, wanted, rcond=None)[0]


def swinging(rows: int = 500) -> dict[str, np.ndarray]:
    """Two autoregressions of order two: what follows depends on the last two rows alone."""
    noise = np.random.default_rng(1).standard_normal((rows, 2))
    y = np.zeros((rows, 2))
    for row in range(2, rows):
        y[row] = 1.6 * y[row - 1] - 0.8 * y[row - 2] + noise[row]
    return {"v": y[:, 0], "w": y[:, 1]}


@pytest.mark.parametrize(("make", "expected_rows"), [(growing, 5), (swinging, 2)])
def test_the_model_is_the_network_and_a_ridge_regression(
    make: Callable[[], dict[str, np.ndarray]], expected_rows: int
) -> None:
    """The regression is solved again, on as many rows as are best on validation, and the network's
    part is computed by PyTorch."""
    table = make()
    found = fit(table, replace(OPTIONS, quantiles=(0.1, 0.9)))
    y = np.stack([table["v"], table["w"]], axis=1)
    windows = np.stack([y[row : row + 5] for row in range(425 - 6)]).astype(np.float32)
    true = np.stack([y[row : row + 2].T.ravel() for row in range(5, 424)])  # 85 % of 500 rows
    in_training = slice(0, 350 - 6)
    in_validation = slice(345, 419)
    scaler, lstm, _, fc, outputs = found.model.stages[:5]
    assert isinstance(scaler, Affine) and isinstance(fc, Linear) and isinstance(outputs, Affine)
    scaled = (windows - scaler.offset.astype(np.float64)) / scaler.scale
    mean = true[in_training].mean(axis=0)
    by_rows = {}
    for rows in (5, 3, 2, 1):
        design = np.hstack([scaled[:, -rows:].reshape(419, -1), np.ones((419, 1))])
        weights = least_squares(design[in_training], true[in_training] - mean)
        by_rows[rows] = design @ weights + mean
    spread = true[in_validation].reshape(-1, 2, 2).std(axis=(0, 2)).repeat(2)
    errors = {
        rows: np.square((ridge - true) / spread)[in_validation].mean()
        for rows, ridge in by_rows.items()
    }
    best = min(errors, key=lambda rows: errors[rows])
    assert best == expected_rows
    module = torch.nn.LSTM(2, 4, batch_first=True).double()
    module.load_state_dict({name: torch.tensor(array) for name, array in lstm.arrays.items()})
    with torch.no_grad():
        last = module(torch.from_numpy(scaled))[0][:, -1].numpy()
    network = (last @ fc.weight.T + fc.bias) * outputs.scale + outputs.offset
    expected = network + np.tile(by_rows[best], 3)  # the answers, then two quantiles
    # Weights are rounded to float32 once; the answers to one of the tables cross zero
    np.testing.assert_allclose(forward(found.model, windows).y, expected, rtol=1e-5, atol=1e-5)


def test_auto_corrects_a_regression_that_is_better_than_the_network() -> None:
    options = replace(OPTIONS, predict="auto")
    found = fit(growing(), options)
    assert found.choice is not None and found.choice.predict == "correction"
    assert found.model == fit(growing(), OPTIONS).model
    assert found.choice.describe().startswith(
        "predicts what a ridge regression leaves, which the model adds"
    )
    best = min(
        fit(growing(), replace(OPTIONS, predict=predict)).score("test").rmse
        for predict in ("level", "change")
    )
    assert found.score("test").rmse < 0.5 * best
    # What the network adds to the regression after a few epochs is noise here
    assert found.score("test").rmse < 1.05 * found.score("test", "ridge").rmse


def test_a_correction_is_resumed_as_one(tmp_path: Path) -> None:
    """An epoch each for level and change, all of the better, then two of the correction."""
    options = replace(OPTIONS, predict="auto", epochs=4)
    path = tmp_path / "model.pt"
    seen: list[Epoch] = []

    def interrupt(epoch: Epoch) -> None:
        seen.append(epoch)
        if len(seen) == 4 + 2:
            raise KeyboardInterrupt

    begun = lstm_export.train(growing(), path, options, interrupt)
    assert begun.interrupted and len(begun.history) == 2
    unbroken = fit(growing(), options)
    resumed = lstm_export.train(growing(), path, options, resume=path)
    assert resumed.model == unbroken.model
    assert resumed.history == unbroken.history and resumed.choice == unbroken.choice


def test_onnx_holds_it_and_an_interval_around_it(tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
    path = tmp_path / "model.pt"
    found = lstm_export.train(growing(), path, replace(OPTIONS, epochs=1, interval=0.8))
    assert lstm_export.export(path, "onnx").ok
    assert found.windows is not None
    answers, low, high = np.split(forward(found.model, found.windows).y, 3, axis=1)
    np.testing.assert_allclose(answers - low, high - answers, rtol=1e-4)
    for coverage in found.coverage:
        if coverage.part == "validation":
            assert abs(coverage.share - 0.8) <= 2 / coverage.windows


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"group": "g", "pad": True}, "needs whole windows; leave out --pad"),
        (
            {"window": 60, "features": ("v", "w"), "calendar": ("week_hour_onehot",), "time": "t"},
            "a window has 10,200 values",
        ),
    ],
)
def test_what_cannot_be_corrected_is_refused(more: dict[str, object], said: str) -> None:
    time = np.datetime64("2024-01-01", "s") + np.arange(500) * np.timedelta64(3600, "s")
    with pytest.raises(InputError, match=said):
        fit({**growing(), "t": time}, replace(OPTIONS, **more))  # type: ignore[arg-type]
