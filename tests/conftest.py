"""Models that every test can use, made by torch itself where torch is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lstm_export.model import LSTM, Affine, Array, LastStep, Linear, Model, Signature, Stage


def linear(name: str, input_size: int, output_size: int, random: np.random.Generator, gain: float = 1.0) -> Linear:
    bound = gain / np.sqrt(input_size)
    weight, bias = (random.uniform(-bound, bound, size) for size in ((output_size, input_size), output_size))
    return Linear(name, weight, bias)


def lstm(  # noqa: PLR0917
    name: str, input_size: int, hidden_size: int, num_layers: int, random: np.random.Generator, gain: float = 1.0
) -> LSTM:
    """Weights as torch.nn.LSTM draws them, uniform in ±1/sqrt(hidden_size), times `gain`."""
    bound, gates, weights = gain / np.sqrt(hidden_size), 4 * hidden_size, {}
    for k in range(num_layers):
        shapes = {"weight_ih": (gates, hidden_size if k else input_size), "weight_hh": (gates, hidden_size)}
        shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}
        weights |= {f"{key}_l{k}": random.uniform(-bound, bound, shape) for key, shape in shapes.items()}
    return LSTM(name, weights)


def without_bias(stage: LSTM) -> LSTM:
    return LSTM(stage.name, {key: array for key, array in stage.arrays.items() if key.startswith("weight")})


def scaler(name: str, size: int, random: np.random.Generator, inverse: bool = False, ratio: float = 30.0) -> Affine:
    """Offsets up to `ratio` standard deviations from zero."""
    scale = np.exp(random.uniform(-3, 3, size))
    return Affine(name, scale * random.uniform(-ratio, ratio, size), scale, inverse)


def chains() -> dict[str, Model]:
    """Every stage, in every place where it means something else for a graph."""
    random = np.random.default_rng(5)
    last = LastStep("last")
    stages: dict[str, tuple[int, int, tuple[Stage, ...]]] = {
        "seed": (10, 1, (lstm("lstm", 10, 50, 2, random), last, linear("fc", 50, 1, random))),
        "scalers": (
            3,
            6,
            (
                scaler("input_scaler", 3, random),
                lstm("lstm", 3, 8, 1, random),
                last,
                linear("fc", 8, 6, random),
                scaler("output_scaler", 6, random, inverse=True),
            ),
        ),
        "smallest": (1, 1, (lstm("lstm", 1, 1, 1, random), last, linear("fc", 1, 1, random))),
        "no bias": (4, 2, (without_bias(lstm("lstm", 4, 6, 3, random)), last, Linear("fc", np.ones((2, 6))))),
        "every step": (5, 2, (lstm("model.lstm", 5, 7, 1, random), linear("fc", 7, 2, random))),
        "pick late": (5, 2, (lstm("lstm", 5, 7, 1, random), linear("fc", 7, 2, random), last)),
        "two modules": (
            5,
            4,
            (linear("pre", 5, 3, random), lstm("lstm1", 3, 9, 1, random), lstm("lstm2", 9, 4, 2, random)),
        ),
        "no head": (2, 9, (lstm("lstm", 2, 9, 1, random), last)),
        "saturated": (4, 1, (lstm("lstm", 4, 12, 1, random, gain=3.0), last, linear("fc", 12, 1, random, gain=3.0))),
    }
    return {name: Model(chain, Signature(width, out)) for name, (width, out, chain) in stages.items()}


CHAINS = chains()


@pytest.fixture(params=CHAINS, ids=lambda name: name.replace(" ", "-"))
def model(request: pytest.FixtureRequest) -> Model:
    """Every chain in turn."""
    return CHAINS[request.param]


@pytest.fixture
def seed_model() -> Model:
    """The chain of the README's class: LSTM(10, 50, num_layers=2), last step, Linear(50, 1)."""
    return CHAINS["seed"]


@pytest.fixture
def seed_checkpoint(tmp_path: Path, seed_model: Model) -> Path:
    """`model.pt` as a user saves it: `torch.save(model.state_dict())`."""
    torch = pytest.importorskip("torch", reason='needs torch: pip install "lstm-export[export]"')
    path = tmp_path / "model.pt"
    torch.save({name: torch.tensor(array) for name, array in seed_model.arrays.items()}, path)
    return path


def drawn(model: Model, batch: int, seq: int, seed: int = 0) -> Array:
    """Inputs of the size that the model's own scaler expects."""
    z = np.random.default_rng(seed).normal(size=(batch, seq, model.signature.input_size))
    first = model.stages[0]
    x = first.offset + first.scale * z if isinstance(first, Affine) else z
    return np.asarray(x, np.float32)
