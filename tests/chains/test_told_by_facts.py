"""What plain values beside the weights tell, and what an offered scaler fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lstm_export.chains import read_checkpoint
from lstm_export.chains.told_by_facts import with_steps
from lstm_export.cli import app
from lstm_export.errors import UnsupportedModel

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
