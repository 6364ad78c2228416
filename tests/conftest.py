"""Models that every test can use, made by torch itself where torch is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_export.model import (
    GRU,
    LSTM,
    Activation,
    Affine,
    Array,
    LastHidden,
    LastStep,
    LayerNorm,
    Linear,
    Model,
    Recurrent,
    Signature,
    Skip,
    Stage,
)


def linear(name: str, input_size: int, output_size: int, random: np.random.Generator, gain: float = 1.0) -> Linear:
    bound = gain / np.sqrt(input_size)
    weight, bias = (random.uniform(-bound, bound, size) for size in ((output_size, input_size), output_size))
    return Linear(name, weight, bias)


def recurrent(  # noqa: PLR0917
    name: str,
    input_size: int,
    hidden_size: int,
    num_layers: int,
    random: np.random.Generator,
    gain: float = 1.0,
    *,
    kind: type[Recurrent] = LSTM,
    bidirectional: bool = False,
    proj_size: int = 0,
    learned: bool = False,
) -> Recurrent:
    """Weights as torch.nn draws them, uniform in ±1/sqrt(hidden_size), times `gain`; learned states in ±1."""
    rows, state = len(kind.gates) * hidden_size, proj_size or hidden_size
    directions = ("", "_reverse") if bidirectional else ("",)
    shapes: dict[str, tuple[int, ...]] = {}
    for k in range(num_layers):
        for suffix in (f"_l{k}{direction}" for direction in directions):
            width = len(directions) * state if k else input_size
            shapes |= {f"weight_ih{suffix}": (rows, width), f"weight_hh{suffix}": (rows, state)}
            shapes |= {f"bias_ih{suffix}": (rows,), f"bias_hh{suffix}": (rows,)}
            shapes |= {f"weight_hr{suffix}": (state, hidden_size)} if proj_size else {}
    bound = gain / np.sqrt(hidden_size)
    weights = {key: random.uniform(-bound, bound, shape) for key, shape in shapes.items()}
    if learned:
        cells = num_layers * len(directions)
        sizes = {"h0": state} | ({"c0": hidden_size} if "c" in kind.states else {})
        weights |= {key: random.uniform(-1, 1, (cells, size)) for key, size in sizes.items()}
    return kind(name, weights)


def lstm(*args: Any, **options: Any) -> LSTM:
    stage = recurrent(*args, **options)
    assert isinstance(stage, LSTM)
    return stage


def gru(*args: Any, **options: Any) -> GRU:
    stage = recurrent(*args, **options, kind=GRU)
    assert isinstance(stage, GRU)
    return stage


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
        "bidirectional": (
            4,
            3,
            (lstm("lstm", 4, 6, 2, random, bidirectional=True), last, linear("fc", 12, 3, random)),
        ),
        "both ends": (
            4,
            3,
            (lstm("rnn", 4, 6, 1, random, bidirectional=True), LastHidden("hidden"), linear("fc", 12, 3, random)),
        ),
        "gru": (5, 2, (gru("gru", 5, 9, 2, random), LastHidden("hidden"), linear("fc", 9, 2, random))),
        "gru both ways": (
            3,
            2,
            (gru("gru", 3, 5, 1, random, bidirectional=True, learned=True), linear("fc", 10, 2, random), last),
        ),
        "learned state": (
            3,
            2,
            (lstm("lstm", 3, 5, 2, random, learned=True), last, linear("fc", 5, 2, random)),
        ),
        "projected": (
            4,
            1,
            (lstm("lstm", 4, 8, 2, random, proj_size=3, learned=True), last, linear("fc", 3, 1, random)),
        ),
        "projected both ways": (
            4,
            2,
            (
                lstm("lstm", 4, 8, 2, random, proj_size=3, bidirectional=True),
                LastHidden("hidden"),
                linear("fc", 6, 2, random),
            ),
        ),
        "activations": (
            3,
            4,
            (
                scaler("input_scaler", 3, random),
                linear("pre", 3, 6, random),
                Activation("silu", "silu"),
                lstm("lstm", 6, 7, 1, random),
                last,
                Activation("relu", "relu"),
                linear("fc1", 7, 6, random),
                Activation("leaky", "leaky_relu", 0.2),
                linear("fc2", 6, 5, random),
                Activation("gelu", "gelu"),
                linear("fc3", 5, 4, random),
                Activation("elu", "elu"),
            ),
        ),
        "every activation": (
            2,
            5,
            (
                lstm("lstm", 2, 8, 1, random),
                Activation("tanh", "tanh"),
                linear("a", 8, 8, random),
                Activation("gelu_tanh", "gelu_tanh"),
                linear("b", 8, 8, random),
                Activation("softplus", "softplus"),
                linear("c", 8, 5, random),
                Activation("sigmoid", "sigmoid"),
            ),
        ),
        "norms": (
            5,
            2,
            (
                lstm("lstm", 5, 8, 1, random),
                last,
                LayerNorm("norm", random.uniform(0.5, 2, 8), random.uniform(-1, 1, 8)),
                linear("fc1", 8, 6, random),
                scaler("bn", 6, random, ratio=3),
                Affine("bn.affine", random.uniform(-1, 1, 6), random.uniform(-2, 2, 6), inverse=True),
                LayerNorm("plain", eps=1e-3),
                linear("fc2", 6, 2, random),
            ),
        ),
        "skip": (
            2,
            1,
            (
                scaler("input_scaler", 2, random),
                lstm("rec", 2, 8, 1, random),
                linear("lin", 8, 1, random),
                Skip("skip", (0,)),
                scaler("output_scaler", 1, random, inverse=True),
            ),
        ),
        "skips": (
            3,
            2,
            (
                gru("gru", 3, 4, 1, random),
                linear("mid", 4, 3, random),
                Skip("skip", (2, 1, 0)),
                lstm("lstm", 3, 6, 1, random),
                last,
                linear("fc", 6, 2, random),
                Skip("skip2", (1,)),
            ),
        ),
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


def redrawn(model: Model) -> Model:
    """Another model of the same shape: every weight a little larger."""
    arrays = {name: array * np.float32(1.01) for name, array in model.arrays.items()}
    return Model.from_record(model.chain_record(), arrays, model.signature)


def drawn(model: Model, batch: int, seq: int, seed: int = 0) -> Array:
    """Inputs of the size that the model's own scaler expects."""
    z = np.random.default_rng(seed).normal(size=(batch, seq, model.signature.input_size))
    first = model.stages[0]
    x = first.offset + first.scale * z if isinstance(first, Affine) else z
    return np.asarray(x, np.float32)
