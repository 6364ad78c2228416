"""Windows against an endless stream, in the target's units, against a plain loop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_export.errors import InputError
from lstm_export.model import Column, Model, Signature, forward
from lstm_export.parity.endless import on_data, on_windows
from lstm_export.series import Table
from tests.kit.builders import drawn
from tests.kit.chains import CHAINS

METRICS = [{"predictor": "lstm", "target": "v", "part": "test", "rmse": 2.0}]


def named(name: str = "scalers", horizon: int = 2) -> Model:
    """Three features, the first of which is a target too, three targets two steps ahead, windows of
    6.
    """
    model = CHAINS[name]
    features = tuple(map(Column, ("v", "u", "w")))
    targets = (Column("v", "kW"), Column("u"), Column("w"))
    signature = Signature(3, 6, features, targets, window=6, horizon=horizon, group="unit")
    return replace(model, signature=signature)


def table(model: Model, lengths: tuple[int, ...], path: Path) -> Path:
    x = drawn(model, 1, sum(lengths))[0]
    unit = np.repeat([f"s{k}" for k in range(len(lengths))], lengths)
    Table.of({"unit": unit, "v": x[:, 0], "u": x[:, 1], "w": x[:, 2]}).write_csv(path)
    return path


def test_a_table_agrees_with_a_loop_over_steps(tmp_path: Path) -> None:
    model = named()
    path = table(model, (20, 5, 11), tmp_path / "t.csv")
    report = on_data(model, path, METRICS)
    x = np.stack([Table.of(path).numbers(name) for name in ("v", "u", "w")], axis=1).astype(
        np.float32
    )
    differences = []
    errors = []
    for start, length in ((0, 20), (25, 11)):  # the second series is shorter than a window
        for end in range(6, length + 1):
            stream = forward(model, x[np.newaxis, start : start + end]).y[0]
            window = forward(model, x[np.newaxis, start + end - 6 : start + end]).y[0]
            differences.append((stream - window)[:2])  # target by target: v at t+1 and t+2
            ahead = x[start + end : start + min(end + 2, length), 0]
            errors += [*(window[: len(ahead)] - ahead)]
    assert (report.predictions, report.window, report.longest) == (21, 6, 20)
    column = report.columns[0]
    assert (column.name, column.unit, column.known_rmse) == ("v", "kW", 2.0)
    assert column.rmse == pytest.approx(float(np.sqrt(np.mean(np.square(differences)))))
    assert column.largest == pytest.approx(float(np.abs(differences).max()))
    assert column.window_rmse == pytest.approx(float(np.sqrt(np.mean(np.square(errors)))))
    assert column.stream_rmse is not None
    assert f"v: the answers differ by {column.rmse:.4g} kW RMSE, at most" in report.text()
    assert "the model's own error was 2, so that is" in report.text()
    assert "error against this data" in report.text()
    assert report.to_record()["columns"][0]["unit"] == "kW"


def test_windows_are_streamed_one_after_the_other() -> None:
    model = named()
    windows = drawn(model, 5, 6)
    report = on_windows(model, windows)
    on_end = windows.reshape(1, -1, 3)
    differences = [
        forward(model, on_end[:, : 6 * (k + 1)]).y[0] - forward(model, windows[k : k + 1]).y[0]
        for k in range(1, 5)
    ]
    got = [column.rmse for column in report.columns]
    expected = np.sqrt(np.mean(np.square(differences).reshape(4, 3, 2), axis=(0, 2)))
    np.testing.assert_allclose(got, expected, rtol=1e-9)
    assert all(
        column.window_rmse is None and column.known_rmse is None for column in report.columns
    )


@pytest.mark.parametrize(
    "name", ["every step", "gru", "learned state", "projected", "skips", "pick late"]
)
def test_every_chain_that_can_stream_is_measured(name: str) -> None:
    report = on_windows(CHAINS[name], drawn(CHAINS[name], 4, 7))
    assert all(np.isfinite(column.rmse) and column.rmse > 0 for column in report.columns)


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lstm is bidirectional"):
        on_windows(CHAINS["bidirectional"], drawn(CHAINS["bidirectional"], 4, 7))
    with pytest.raises(InputError, match="no two windows"):
        on_windows(named(), drawn(named(), 1, 6))
    path = table(named(), (6, 4), tmp_path / "t.csv")
    with pytest.raises(InputError, match="no unbroken run of more than the window's 6 rows"):
        on_data(named(), path)
    with pytest.raises(InputError, match="stores no window"):
        on_data(CHAINS["scalers"], path)
