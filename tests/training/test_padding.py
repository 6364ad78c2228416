"""Learning from groups shorter than a window: padding changes no loss and is never read."""

from __future__ import annotations

import shlex
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from lstm_export.chains import read_checkpoint
from lstm_export.cli import app
from lstm_export.device import InputRangeWarning, Session
from lstm_export.errors import InputError
from lstm_export.model import Signature, forward
from lstm_export.series import Table
from lstm_export.training import TrainingOptions, fit
from lstm_export.training.baselines import baselines
from lstm_export.training.roles import input_signature
from lstm_export.training.windowing import build_samples

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
from lstm_export.training.core import Core  # noqa: E402
from lstm_export.training.tensors import Tensors, Windows  # noqa: E402

LENGTHS = {"a": 30, "b": 3, "c": 9, "d": 40, "e": 5, "f": 2, "g": 35, "h": 6}
OPTIONS: dict[str, Any] = {
    "targets": ("v",),
    "features": ("v", "u"),
    "window": 8,
    "group": "unit",
    "pad": True,
}
OPTIONS |= {"hidden_size": 4, "epochs": 2, "batch_size": 16}


def table() -> Table:
    random = np.random.default_rng(4)
    rows = sum(LENGTHS.values())
    unit = np.repeat(list(LENGTHS), list(LENGTHS.values()))
    return Table.of(
        {
            "unit": unit,
            "v": 100 + 10 * random.standard_normal(rows),
            "u": random.standard_normal(rows),
        }
    )


@pytest.mark.parametrize("horizon", [0, 1, 2])
def test_windows_agree_with_a_naive_loop(horizon: int) -> None:
    options = TrainingOptions(
        **OPTIONS | {"horizon": horizon, "features": ("u",), "split": (1.0, 0.0, 0.0)}
    )
    samples = build_samples(table(), input_signature(table(), options), options)
    v = table().numbers("v")
    u = table().numbers("u").astype(np.float32)
    naive = []
    start = 0
    for rows in LENGTHS.values():
        length = min(8, rows - horizon)
        for begin in range(start, start + rows - length - horizon + 1) if length > 0 else ():
            end = begin + length
            naive.append(
                (begin, u[begin:end], [v[end - 1]] if horizon == 0 else v[end : end + horizon])
            )
        start += rows
    starts = samples.parts["train"]
    assert starts.tolist() == [begin for begin, _, _ in naive]
    for (_, x, y), got, length, target in zip(
        naive, samples.inputs(starts), samples.lengths(starts), samples.targets(starts), strict=True
    ):
        np.testing.assert_array_equal(got[:length, 0], x)
        assert not got[length:].any()
        np.testing.assert_array_equal(target, y)
    assert np.concatenate([*samples.target_rows("train")]).tolist() == sorted(
        {int(row) for row in samples.target_index(starts).ravel()}
    )


def test_a_padded_rows_loss_and_gradient_are_the_unpadded() -> None:
    """One window of 3 rows among rows of others, against the same 3 rows alone."""
    options = TrainingOptions(**OPTIONS)
    torch.manual_seed(0)
    core = Core(2, 1, options, torch.device("cpu"))
    random = np.random.default_rng(0)
    x = random.normal(size=(20, 2)).astype(np.float32)
    y = random.normal(size=(3, 1)).astype(np.float32)
    # The last one stands at the table's end
    windows = Windows(x, y, np.array([0, 5, 17]), 8, np.array([8, 3, 3]))

    def step(x: Any, y: Any, lengths: Any = None) -> tuple[float, list[Any]]:
        for parameter in core.parameters:
            parameter.grad = None
        loss = core.loss(core(x, lengths), y)
        loss.backward()
        return float(loss.detach()), [parameter.grad.clone() for parameter in core.parameters]

    ((batch, answers, lengths, _),) = Tensors.of(windows, torch.device("cpu")).batches(
        8, shuffle=False
    )
    for row, (start, length) in enumerate(zip(windows.starts, [8, 3, 3], strict=True)):
        padded = step(batch[row : row + 1], answers[row : row + 1], lengths[row : row + 1])
        alone = step(torch.from_numpy(x[start : start + length])[None], answers[row : row + 1])
        assert padded[0] == pytest.approx(alone[0], rel=1e-6)
        for got, expected in zip(padded[1], alone[1], strict=True):
            torch.testing.assert_close(got, expected, rtol=1e-5, atol=1e-7)
    poisoned = batch.clone()
    poisoned[1:, 3:] = 1e6
    assert step(poisoned, answers, lengths)[0] == pytest.approx(
        step(batch, answers, lengths)[0], rel=1e-6
    )


def test_without_the_lengths_the_loss_is_another() -> None:
    """So that the test above can fail."""
    torch.manual_seed(0)
    core = Core(2, 1, TrainingOptions(**OPTIONS), torch.device("cpu"))
    x = torch.randn(2, 8, 2)
    assert not torch.allclose(core(x, torch.tensor([3, 8]))[0], core(x)[0])


def test_a_model_learns_from_short_groups_and_answers_them() -> None:
    result = fit(table(), TrainingOptions(**OPTIONS))
    signature = result.model.signature
    assert signature.shortest is not None
    assert 1 <= signature.shortest < 8
    assert Signature.from_record(signature.to_record()) == signature
    assert result.facts["options"]["pad"] is True
    assert not any("groups are not used" in warning for warning in result.warnings)
    whole = fit(table(), TrainingOptions(**OPTIONS | {"pad": False}))
    assert whole.model.signature.shortest is None
    assert "shortest" not in whole.model.signature.to_record()
    assert any(
        "groups are not used: they have no 9 rows without a gap; --pad learns" in text
        for text in whole.warnings
    )
    counted = {part: result.score(part).windows for part in ("train", "validation", "test")}
    longer = sum(max(rows - 8, 1 if rows > 1 else 0) for rows in LENGTHS.values())
    assert sum(counted.values()) == longer
    session = Session(lambda x: forward(result.model, x).y.astype(np.float32), signature)
    with warnings.catch_warnings():
        # The other parts hold what training never saw
        warnings.simplefilter("ignore", InputRangeWarning)
        answered = set(session.predict_table(table())["unit"])
    assert answered == {name for name, rows in LENGTHS.items() if rows >= signature.shortest}


def test_scores_are_those_of_each_window_alone() -> None:
    options = TrainingOptions(**OPTIONS)
    result = fit(table(), options)
    samples = build_samples(table(), input_signature(table(), options), options)
    for part, starts in samples.parts.items():
        errors = [
            forward(result.model, samples.inputs(starts[[k]])[:, :length]).y[0]
            - samples.targets(starts[[k]])[0]
            for k, length in enumerate(samples.lengths(starts))
        ]
        assert result.score(part).rmse == pytest.approx(
            float(np.sqrt(np.mean(np.square(errors)))), rel=1e-4
        )


def test_baselines_see_no_row_of_another_group() -> None:
    """Persistence repeats the last row of each window; ridge moves with nothing but the window's
    own rows.
    """
    options = TrainingOptions(**OPTIONS)
    table_ = table()
    samples = build_samples(table_, input_signature(table_, options), options)
    found = baselines(samples, input_signature(table_, options))
    starts = np.flatnonzero(samples.shorter) if samples.shorter is not None else np.empty(0, int)
    assert len(starts) >= 3
    last = samples.y[starts + samples.lengths(starts) - 1]
    np.testing.assert_array_equal(found["persistence"](starts), last)
    before = found["ridge"](starts[:1])
    own = np.arange(starts[0], starts[0] + samples.lengths(starts[:1])[0])
    samples.x[np.setdiff1d(np.arange(len(samples.x)), own)] += 1e3
    np.testing.assert_allclose(found["ridge"](starts[:1]), before)


def test_padding_needs_groups() -> None:
    with pytest.raises(InputError, match="no column tells groups apart; name it with --group"):
        TrainingOptions(**OPTIONS | {"group": None})


def test_the_command_line_pads(tmp_path: Path) -> None:
    table().write_csv(tmp_path / "t.csv")
    words = shlex.split("--target v --window 8 --group unit --pad --epochs 1 --hidden-size 2 -o")
    done = CliRunner().invoke(
        app, ["train", str(tmp_path / "t.csv"), *words, str(tmp_path / "m.pt")]
    )
    assert done.exit_code == 0, done.output
    assert read_checkpoint(tmp_path / "m.pt").model.signature.shortest
