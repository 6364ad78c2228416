"""A model with all that a device has to handle: names, units, ranges, a window, times."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_export.model import LSTM, Affine, Array, Column, LastStep, Linear, Model, Signature, Stage


def lstm_weights(
    random: np.random.Generator, input_size: int, hidden_size: int, num_layers: int
) -> dict[str, Array]:
    """Weights of an LSTM under their state_dict names, of ordinary size."""
    weights = {}
    for k in range(num_layers):
        shapes = {"weight_ih": (4 * hidden_size, input_size if k == 0 else hidden_size)}
        shapes |= {"weight_hh": (4 * hidden_size, hidden_size), "bias_ih": (4 * hidden_size,)}
        shapes |= {"bias_hh": (4 * hidden_size,)}
        weights |= {f"{name}_l{k}": random.normal(0, 0.3, shape) for name, shape in shapes.items()}
    return weights


@pytest.fixture(scope="session")
def traffic_model() -> Model:
    """Two layers between scalers, a window of 5 and two steps of horizon."""
    random = np.random.default_rng(0)
    volume = ("volume", "veh/h", 0.0, 7000.0)
    temp = ("temp", "°C", -20.0, 38.0)
    clouds = ("clouds", "%", 0.0, 100.0)
    stages: tuple[Stage, ...] = (
        Affine("scale", np.array([3000.0, 9.0, 50.0]), np.array([2000.0, 12.0, 30.0])),
        LSTM("lstm", lstm_weights(random, 3, 8, 2)),
        LastStep("last"),
        Linear("fc", random.normal(0, 0.3, (2, 8)), random.normal(0, 0.3, 2)),
        Affine("unscale", np.array([3000.0, 3000.0]), np.array([2000.0, 2000.0]), inverse=True),
    )
    features = (Column(*volume), Column(*temp), Column(*clouds))
    targets = (Column(*volume),)
    signature = Signature(
        3, 2, features, targets, window=5, horizon=2, time="hour", time_step=3600.0, group="station"
    )
    return Model(stages, signature, origin="stored")


@pytest.fixture(scope="session")
def every_step_model() -> Model:
    """One layer without names that answers at every step."""
    random = np.random.default_rng(1)
    weights = lstm_weights(random, 2, 4, 1)
    return Model(
        (LSTM("lstm", weights), Linear("fc", random.normal(0, 0.3, (1, 4)), None)), Signature(2, 1)
    )
