"""Baselines against their definitions, computed one window at a time."""

from dataclasses import replace

import numpy as np
import pytest

from lstm_export.model import Signature
from lstm_export.series import Table
from lstm_export.training import TrainingOptions
from lstm_export.training.baselines import baselines, season
from lstm_export.training.roles import input_signature
from lstm_export.training.samples import Samples
from lstm_export.training.windowing import build_samples

HOUR = np.timedelta64(3600, "s")


def hours(weeks: int = 5, off_by: int = 0) -> tuple[Table, Samples, Signature]:
    """Rows an hour apart by a clock that is off by so many seconds at most."""
    random = np.random.default_rng(1)
    kept = np.delete(np.arange(168 * weeks), [200, 201, 600])
    late = np.random.default_rng(2).integers(-off_by, off_by + 1, len(kept))
    table = Table.of(
        {
            "time": np.datetime64("2024-01-01", "s") + kept * HOUR + late,
            "a": random.standard_normal(len(kept)),
            "b": random.standard_normal(len(kept)),
        }
    )
    options = TrainingOptions(("a", "b"), ("a",), window=6, horizon=3, time="time")
    if off_by:
        options = replace(options, step=3600.0, tolerance=2.0 * off_by)
    signature = input_signature(table, options)
    return table, build_samples(table, signature, options), signature


@pytest.mark.parametrize("off_by", [0, 9])
def test_persistence_and_season(off_by: int) -> None:
    table, samples, signature = hours(off_by=off_by)
    found = baselines(samples, signature)
    assert list(found) == ["persistence", "same time last week", "ridge"]
    starts = samples.parts["test"]
    persistence, seasonal = (found[name](starts) for name in ("persistence", "same time last week"))
    meant = (table["time"] + HOUR / 2).astype("datetime64[h]")  # the nearest whole hours
    row_at = {hour: row for row, hour in enumerate(meant)}
    for index, begin in enumerate(starts):
        for column, name in enumerate(("a", "b")):
            for step in range(3):
                assert persistence[index, 3 * column + step] == table[name][begin + 5]
                ago = row_at.get(meant[begin + 6 + step] - 168)
                expected = np.nan if ago is None else table[name][ago]
                np.testing.assert_equal(seasonal[index, 3 * column + step], expected)
    assert np.isnan(seasonal).any() and np.isfinite(seasonal).any()


def test_ridge_agrees_with_least_squares() -> None:
    _, samples, signature = hours()
    train, test = (
        samples.inputs(samples.parts[part])[:, :, 0].astype(np.float64)
        for part in ("train", "test")
    )
    rows = np.concatenate([*samples.inputs_of("train")])[:, 0]
    train, test = ((x - np.float32(rows.mean())) / np.float32(rows.std()) for x in (train, test))
    y = samples.targets(samples.parts["train"])
    mean = y.mean(axis=0)
    # The penalty of 1 as seven more rows that ask every weight to be zero.
    design = np.vstack([np.column_stack([train, np.ones(len(train))]), np.eye(7)])
    weight = np.linalg.lstsq(design, np.vstack([y - mean, np.zeros((7, 6))]), rcond=None)[0]
    expected = np.column_stack([test, np.ones(len(test))]) @ weight + mean
    got = baselines(samples, signature)["ridge"](samples.parts["test"])
    # Normal equations of a well-conditioned system
    np.testing.assert_allclose(got, expected, atol=1e-10)


def test_without_a_horizon_the_training_mean_stands_in() -> None:
    table, _, _ = hours()
    options = TrainingOptions(("b",), ("a",), window=6, horizon=0, time="time")
    signature = input_signature(table, options)
    samples = build_samples(table, signature, options)
    found = baselines(samples, signature)
    assert list(found) == ["training mean", "ridge"]
    mean = samples.targets(samples.parts["train"]).mean()
    assert (found["training mean"](samples.parts["test"]) == mean).all()


@pytest.mark.parametrize(
    ("step", "name", "days"),
    [
        (3600.0, "same time last week", 7),
        (900.0, "same time last week", 7),
        (86400.0, "same weekday last year", 364),
        (7 * 86400.0, "same weekday last year", 364),
        (7000.0, "same time last week", 0),
        (30 * 86400.0, "same weekday last year", 0),
        (None, "same time last week", 0),
    ],
)
def test_a_season_is_a_whole_number_of_steps(step: float | None, name: str, days: int) -> None:
    period = np.timedelta64(days, "D") if days else None
    assert season(Signature(1, 1, time_step=step)) == (name, period)
