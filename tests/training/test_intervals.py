"""Quantiles and intervals: what they are, what they hold, and that every engine has them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lstm_export
from lstm_export.errors import InputError
from lstm_export.evaluation import evaluate
from lstm_export.model import forward
from lstm_export.series import Table
from lstm_export.training import TrainingOptions, fit

torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')

OPTIONS = TrainingOptions(
    targets=("v", "w"), window=6, horizon=2, hidden_size=6, epochs=4, split=(0.5, 0.25, 0.25)
)


def noisy(rows: int = 1600) -> Table:
    """Waves with noise that is skewed, so that a mean is no median."""
    random = np.random.default_rng(4)
    step = np.arange(rows)
    skewed = random.exponential(0.5, rows)
    return Table.of({"v": np.sin(step / 5) + skewed, "w": 100 * np.cos(step / 7) - 20 * skewed})


def test_an_interval_is_the_conformal_quantile_of_validation_errors() -> None:
    plain = fit(noisy(), OPTIONS)
    found = fit(noisy(), replace(OPTIONS, interval=0.8))
    signature = found.model.signature
    assert signature.quantiles == (pytest.approx(0.1), pytest.approx(0.9))
    assert [column.name for column in signature.outputs[2:6]] == [
        "w[t+1]",
        "w[t+2]",
        "v[t+1] q0.1",
        "v[t+2] q0.1",
    ]
    x = np.random.default_rng(0).standard_normal((3, 6, 2)).astype(np.float32)
    answers, low, high = np.split(forward(found.model, x).y, 3, axis=1)
    np.testing.assert_array_equal(answers, forward(plain.model, x).y)
    np.testing.assert_allclose(answers - low, high - answers, rtol=1e-4)
    # Of validation just the share that is asked for, but for a window at the edge.
    for coverage in found.coverage:
        if coverage.part == "validation":
            assert abs(coverage.share - 0.8) <= 2 / coverage.windows
        if coverage.part == "test":
            assert abs(coverage.share - 0.8) < 0.06
        assert coverage.width > 0


def test_learned_quantiles_lie_where_their_levels_say() -> None:
    levels = (0.1, 0.5, 0.9)
    found = fit(noisy(), replace(OPTIONS, quantiles=levels, epochs=25, learning_rate=0.02))
    answers = found.answers
    for index, level in enumerate(levels):
        quantile = answers.quantiles["model"][:, index]
        share = np.mean(answers.true <= quantile)
        assert abs(share - level) < 0.08, level
    # The noise of v is skewed to the right: its mean lies above its median.
    assert np.mean(answers.predicted["model"][:, 0] - answers.quantiles["model"][:, 1, 0]) > 0.05


@pytest.mark.parametrize("wanted", [{"interval": 0.8}, {"quantiles": (0.2,)}])
def test_every_engine_answers_them(tmp_path: Path, wanted: dict[str, object]) -> None:
    pytest.importorskip("onnx", reason='needs onnx: pip install "lstm-export[export]"')
    options = replace(OPTIONS, epochs=1, **wanted)  # type: ignore[arg-type]
    table = noisy(400)
    lstm_export.train(table, tmp_path / "model.pt", options)
    lstm_export.package(tmp_path / "model.pt", tmp_path / "model.bundle")
    session = lstm_export.load(tmp_path / "model.bundle")
    predicted = session.predict_table(table)
    names = [column.name for column in session.signature.outputs]
    assert list(predicted.names) == ["row", *names]
    model = fit(table, options).model
    runner = {"onnx": lambda x: np.asarray(session(x))}
    judged = evaluate(model, table, artifacts=runner)
    (cost, _) = judged.costs
    assert cost.largest_change < 1e-5
    assert len(judged.coverage) == (2 if "interval" in wanted else 0)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"quantiles": (0.0, 0.5)}, "expected levels between 0 and 1 in rising order"),
        ({"quantiles": (0.9, 0.1)}, "in rising order"),
        ({"quantiles": (0.1,), "interval": 0.9}, "choose one"),
        ({"interval": 1.0}, "expected 0 or more and less than 1"),
        ({"interval": 0.9, "split": (0.8, 0.0, 0.2)}, "give that a share with --split"),
    ],
)
def test_levels_that_mean_nothing_are_refused(wanted: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        replace(OPTIONS, **wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rows", "level", "said"),
    [
        (400, 0.999, "of 99.9% needs a validation part of at least 999 windows"),
        (32, 0.9, "of 90% needs a validation part of at least 9 windows"),
    ],
)
def test_a_level_that_validation_cannot_show_is_refused(rows: int, level: float, said: str) -> None:
    with pytest.raises(InputError, match=said):
        fit(noisy(rows), replace(OPTIONS, epochs=1, interval=level))
