"""What plain values beside the weights tell, and what an offered scaler fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lstm_export.chains import ReadingOptions, read_checkpoint
from lstm_export.chains.told_by_facts import with_steps
from lstm_export.cli import app
from lstm_export.errors import UnsupportedModel
from lstm_export.model import forward

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

from tests.kit.checkpoint_files import model, saved, state  # noqa: E402


@pytest.mark.parametrize(
    ("beside", "window", "horizon"),
    [
        ({"hyper_parameters": {"seq_len": 24, "pred_len": 2}}, 24, 2),
        ({"config": {"window_size": 48}}, 48, None),
        ({"lookback": 12, "horizon": 5}, 12, None),  # y has 2 values
        ({"window": 12, "config": {"seq_len": 24}}, None, None),  # which of them is not told
        ({"hyper_parameters": {"seq_len": -1, "horizon": True}}, None, None),
        ({"hyper_parameters": {"seq_len": "24"}}, None, None),
    ],
)
def test_window_and_horizon_are_taken_where_they_are_told(
    beside: dict[str, Any], window: int | None, horizon: int | None, tmp_path: Path
) -> None:
    (tmp_path / "m.pt").write_bytes(saved({"state_dict": state(), **beside}))
    found = read_checkpoint(tmp_path / "m.pt")
    assert (found.model.signature.window, found.model.signature.horizon) == (window, horizon)
    notes = "; ".join(found.notes)
    assert ("the window, " in notes) == (window is not None)
    assert ("the horizon, " in notes) == (horizon is not None)


@pytest.mark.parametrize(("hidden_size", "notes"), [(4, 0), (64, 1)])
def test_a_size_that_the_weights_do_not_have_is_noted(
    hidden_size: int, notes: int, tmp_path: Path
) -> None:
    (tmp_path / "m.pt").write_bytes(saved(state()))
    found = read_checkpoint(tmp_path / "m.pt").model
    _, said = with_steps(found, {"config": {"hidden_size": hidden_size}})
    expected = (f"the file says hidden_size {hidden_size}, its weights have 4",)
    assert said == expected[:notes]


def test_a_framework_is_named_where_the_chain_is_refused(tmp_path: Path) -> None:
    weights = state(**{"decoder.attention.weight": torch.zeros(2, 4)})
    whole = {
        "state_dict": weights,
        "hyper_parameters": {"model_kwargs": {}, "lr": 1, "patience": 2},
    }
    (tmp_path / "m.ckpt").write_bytes(saved(whole))
    with pytest.raises(
        UnsupportedModel, match="attention.*; the file comes from GluonTS and leaves"
    ):
        read_checkpoint(tmp_path / "m.ckpt")


@pytest.mark.parametrize(
    ("parameters", "key"),
    [
        ({"input_chunk_length": 9, "output_chunk_length": 3}, "output_chunk_length"),
        ({"h": 3, "input_size": 9, "scaler_type": "robust"}, "h"),
    ],
)
def test_the_readout_that_a_file_of_forecasts_proposes_gives_the_forecast(
    parameters: dict[str, Any], key: str, tmp_path: Path
) -> None:
    """darts and neuralforecast make each of 3 steps from one of the last 3 outputs."""
    net = model()
    whole = {"pytorch-lightning_version": "2.5", "state_dict": net.state_dict()}
    path = tmp_path / "m.ckpt"
    path.write_bytes(saved({**whole, "hyper_parameters": parameters}))
    advice = f"--readout all: the forecast is the last 3 of the steps that it answers ({key})"
    assert advice in "; ".join(read_checkpoint(path).notes)
    found = read_checkpoint(path, ReadingOptions(readout="all"))
    x = np.random.default_rng(0).normal(size=(2, 9, 3)).astype(np.float32)
    with torch.no_grad():
        forecast = net.fc(net.lstm(torch.tensor(x))[0][:, -3:]).numpy()
    # torch rounds to float32 at every operation
    np.testing.assert_allclose(forward(found.model, x).y[:, -3:], forecast, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("horizon", [1, True, None, "6", 2.5])
def test_no_readout_is_proposed_for_a_single_step(horizon: Any, tmp_path: Path) -> None:
    parameters = {"input_chunk_length": 9, "output_chunk_length": horizon}
    (tmp_path / "m.ckpt").write_bytes(
        saved({"state_dict": state(), "hyper_parameters": parameters})
    )
    assert "--readout all" not in "; ".join(read_checkpoint(tmp_path / "m.ckpt").notes)


class StandardScaler:
    """What scikit-learn's leaves in a pickle: its class's name and these attributes."""

    def __init__(self, columns: int) -> None:
        self.with_mean = True
        self.with_std = True
        self.mean_ = np.zeros(columns)
        self.scale_ = np.ones(columns)


StandardScaler.__module__ = "sklearn.preprocessing._data"


@pytest.mark.parametrize(
    ("columns", "offer"),
    [
        (3, "put it in front with --input-scaler scaler"),
        (2, "undo it at the end with --output-scaler scaler"),
        (7, "it fits neither end, x has 3 columns and y 2"),
    ],
)
def test_a_scaler_is_offered_for_what_it_fits(
    columns: int, offer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys
    import types

    package = types.ModuleType("sklearn.preprocessing._data")
    package.StandardScaler = StandardScaler  # type: ignore[attr-defined]
    for name in ("sklearn", "sklearn.preprocessing", "sklearn.preprocessing._data"):
        monkeypatch.setitem(sys.modules, name, package)
    whole = {"model": model().state_dict(), "scaler": StandardScaler(columns)}
    (tmp_path / "m.pt").write_bytes(saved(whole))
    done = CliRunner().invoke(app, ["inspect", str(tmp_path / "m.pt")])
    assert done.exit_code == 0
    words = " ".join(done.stdout.split())
    assert f"scaler, a StandardScaler of {columns} columns: {offer}" in words
    assert words.count("-scaler scaler") == (0 if columns == 7 else 1)
