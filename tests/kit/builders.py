"""Stages with random weights, drawn as torch.nn draws them, and inputs for a model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from lstm_export.model import (
    GRU,
    LSTM,
    RNN,
    Affine,
    Array,
    Linear,
    Model,
    Recurrent,
    Signature,
    Stage,
)


def linear(
    name: str,
    input_size: int,
    output_size: int,
    random: np.random.Generator,
    gain: float = 1.0,
    *,
    inputs: tuple[str, ...] = (),
) -> Linear:
    """Weights uniform in ±1/sqrt(input_size), times `gain`."""
    bound = gain / np.sqrt(input_size)
    weight = random.uniform(-bound, bound, (output_size, input_size))
    bias = random.uniform(-bound, bound, output_size)
    return Linear(name, weight, bias, inputs=inputs)


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
    """Weights uniform in ±1/sqrt(hidden_size), times `gain`; learned states uniform in ±1."""
    rows = len(kind.gates) * hidden_size
    state_size = proj_size or hidden_size
    directions = ("", "_reverse") if bidirectional else ("",)
    shapes: dict[str, tuple[int, ...]] = {}
    for k in range(num_layers):
        width = len(directions) * state_size if k else input_size
        for direction in directions:
            suffix = f"_l{k}{direction}"
            shapes[f"weight_ih{suffix}"] = (rows, width)
            shapes[f"weight_hh{suffix}"] = (rows, state_size)
            shapes[f"bias_ih{suffix}"] = (rows,)
            shapes[f"bias_hh{suffix}"] = (rows,)
            if proj_size:
                shapes[f"weight_hr{suffix}"] = (proj_size, hidden_size)
    bound = gain / np.sqrt(hidden_size)
    weights = {key: random.uniform(-bound, bound, shape) for key, shape in shapes.items()}
    if learned:
        cells = num_layers * len(directions)
        weights["h0"] = random.uniform(-1, 1, (cells, state_size))
        if "c" in kind.states:
            weights["c0"] = random.uniform(-1, 1, (cells, hidden_size))
    return kind(name, weights)


def lstm(*args: Any, **options: Any) -> LSTM:
    """`recurrent`, as an LSTM."""
    stage = recurrent(*args, **options)
    assert isinstance(stage, LSTM)
    return stage


def gru(*args: Any, **options: Any) -> GRU:
    """`recurrent`, as a GRU."""
    stage = recurrent(*args, **options, kind=GRU)
    assert isinstance(stage, GRU)
    return stage


def rnn(*args: Any, nonlinearity: str = "tanh", **options: Any) -> RNN:
    """`recurrent`, as an RNN."""
    stage = recurrent(*args, **options, kind=RNN)
    assert isinstance(stage, RNN)
    return replace(stage, nonlinearity=nonlinearity)


def without_bias(stage: LSTM) -> LSTM:
    """The same stage as `bias=False` makes it."""
    weights = {key: array for key, array in stage.arrays.items() if key.startswith("weight")}
    return LSTM(stage.name, weights)


def scaler(
    name: str,
    size: int,
    random: np.random.Generator,
    inverse: bool = False,
    ratio: float = 30.0,
) -> Affine:
    """Offsets up to `ratio` standard deviations from zero."""
    scale = np.exp(random.uniform(-3, 3, size))
    offset = scale * random.uniform(-ratio, ratio, size)
    return Affine(name, offset, scale, inverse)


def model_of(input_size: int, output_size: int, *stages: Stage) -> Model:
    """A model of these stages, without names."""
    return Model(stages, Signature(input_size, output_size))


def redrawn(model: Model) -> Model:
    """Another model of the same shape: every weight a little larger."""
    arrays = {name: array * np.float32(1.01) for name, array in model.arrays.items()}
    return Model.from_record(model.chain_record(), arrays, model.signature)


def drawn(model: Model, batch: int, seq: int, seed: int = 0) -> Array:
    """Inputs (batch, seq, input_size) of the size that the model's own scaler expects."""
    z = np.random.default_rng(seed).normal(size=(batch, seq, model.signature.input_size))
    first = model.stages[0]
    x = first.offset + first.scale * z if isinstance(first, Affine) else z
    return np.asarray(x, np.float32)
