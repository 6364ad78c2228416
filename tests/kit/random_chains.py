"""Random chains for the parity study: stages, sizes and weights beyond what training yields.

Weights are drawn as torch.nn draws them, uniform in ±1/sqrt(fan), times a gain of 1, 3 or 10; a
gain of 10 makes most recurrent models chaotic. The same seed and index give the same chain on every
machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from lstm_export.model import (
    GRU,
    LSTM,
    Activation,
    Affine,
    Clamp,
    LastHidden,
    LastStep,
    LayerNorm,
    Linear,
    Model,
    Recurrent,
    Shape,
    Signature,
    Stage,
)
from lstm_export.model.skip import origin_of, skip
from lstm_export.model.stages import ACTIVATIONS

GAINS = (1.0, 3.0, 10.0)
LARGEST_HIDDEN = 512
LARGEST_WINDOW = 200
LARGEST_RATIO = 1e5  # of a feature's mean to its standard deviation


FIRST = list(ACTIVATIONS)[:9]  # those that the first studies drew from
SECOND = list(ACTIVATIONS)[9:14]  # those that came next, of any value
LATER = 0.25  # share of the activations that came later


@dataclass
class _Draw:
    """One chain in the making.

    Attributes:
        random: where every choice comes from.
        gain: what weights are multiplied by.
        largest_hidden: hidden sizes are log-uniform from 1 to this.
        width: columns of the answer of the stages so far.
        stages: the chain so far.
        is_sequence: whether no step was picked yet.
        later: where choices come from that were added later, so that all others stay what they
            were.
    """

    random: np.random.Generator
    gain: float
    largest_hidden: int
    width: int
    stages: list[Stage] = field(default_factory=list)
    is_sequence: bool = True
    later: np.random.Generator = field(default_factory=np.random.default_rng)

    def chance(self, share: float) -> bool:
        return bool(self.random.random() < share)

    def size(self, largest: int) -> int:
        """Log-uniform from 1 to `largest`."""
        return int(np.exp(self.random.uniform(0, np.log(largest + 1))))

    def name(self, kind: str) -> str:
        return f"{kind}{len(self.stages)}"

    def add(self, stage: Stage) -> None:
        self.stages.append(stage)
        self.width = stage.output_size(self.width)
        self.is_sequence = self.is_sequence and stage.steps != "reduce"

    def uniform(self, bound: float, *shape: int) -> np.ndarray:
        return self.random.uniform(-bound, bound, shape)


def random_chain(
    seed: int, index: int, *, largest_hidden: int = LARGEST_HIDDEN
) -> tuple[Model, float]:
    """The chain of this seed and index, and its gain."""
    random = np.random.default_rng([seed, index])
    gain = float(random.choice(GAINS))
    input_size = int(random.integers(1, 17))
    draw = _Draw(random, gain, largest_hidden, width=input_size)
    draw.later = np.random.default_rng([seed, index, 1])
    window = draw.size(LARGEST_WINDOW)
    if draw.chance(0.5):
        _scaler(draw, inverse=False)
    if draw.chance(0.2):
        _head(draw, int(random.integers(1, 3)))
    layers = int(random.integers(1, 5))
    modules = min(layers, int(random.choice([1, 2, 3], p=[0.75, 0.2, 0.05])))
    for module in range(modules):
        if module and draw.chance(0.4):
            _between(draw)
        _recurrent(draw, layers // modules)
    _read_out(draw, "right away")
    _head(draw, int(random.choice([0, 1, 2, 3], p=[0.1, 0.5, 0.25, 0.15])))
    if draw.chance(0.15):
        _skip(draw, input_size)
    if draw.chance(0.4):
        _scaler(draw, inverse=True)
    _read_out(draw, "late")
    signature = Signature(input_size, draw.width, window=window)
    return Model(tuple(draw.stages), signature), gain


def _skip(draw: _Draw, input_size: int) -> None:
    """A feature added to the answer, or one to each of its columns."""
    every = draw.width <= 4 and draw.chance(0.5)
    features = draw.random.integers(0, input_size, draw.width if every else 1)
    shape = Shape(draw.width, draw.is_sequence)
    value = draw.stages[-1].name
    origin = origin_of(draw.stages)
    draw.stages += skip(draw.name("skip"), tuple(features.tolist()), value, shape, origin)


def _scaler(draw: _Draw, inverse: bool) -> None:
    """Means up to 1e5 standard deviations from zero, now and then a feature that never varied."""
    scale = np.exp(draw.uniform(4, draw.width))
    ratio = 10 ** draw.random.uniform(0, np.log10(LARGEST_RATIO))
    offset = scale * draw.uniform(ratio, draw.width)
    draw.add(Affine(draw.name("scaler"), offset, scale, inverse))


def _recurrent(draw: _Draw, layers: int) -> None:
    kind: type[Recurrent] = LSTM if draw.chance(0.6) else GRU
    hidden = draw.size(draw.largest_hidden)
    proj_size = 0
    if kind is LSTM and hidden > 1 and draw.chance(0.15):
        proj_size = int(draw.random.integers(1, hidden))
    state_size = proj_size or hidden
    biases = () if draw.chance(0.1) else ("bias_ih", "bias_hh")
    directions = ("", "_reverse") if draw.chance(0.25) else ("",)
    rows = len(kind.gates) * hidden
    bound = draw.gain / np.sqrt(hidden)
    weights: dict[str, np.ndarray] = {}
    width = draw.width
    for k in range(layers):
        for direction in directions:
            suffix = f"_l{k}{direction}"
            weights[f"weight_ih{suffix}"] = draw.uniform(bound, rows, width)
            weights[f"weight_hh{suffix}"] = draw.uniform(bound, rows, state_size)
            for bias in biases:
                weights[f"{bias}{suffix}"] = draw.uniform(bound, rows)
            if proj_size:
                weights[f"weight_hr{suffix}"] = draw.uniform(bound, proj_size, hidden)
        width = len(directions) * state_size
    if draw.chance(0.2):
        cells = layers * len(directions)
        weights["h0"] = draw.uniform(1, cells, state_size)
        if kind is LSTM:
            weights["c0"] = draw.uniform(1, cells, hidden)
    draw.add(kind(draw.name("rnn"), weights))


def _read_out(draw: _Draw, when: str) -> None:
    """A step is picked right after the recurrence in 65 % of the chains, at the end in 10 %, never
    in 25 %.
    """
    if when == "right away" and draw.chance(0.65):
        if draw.chance(0.3):
            draw.add(LastHidden("hidden"))
        else:
            if draw.chance(0.2):
                _between(draw)
            draw.add(LastStep("last"))
    elif when == "late" and draw.is_sequence and draw.chance(0.3):
        draw.add(LastStep("last"))


def _head(draw: _Draw, linears: int) -> None:
    for _ in range(linears):
        if draw.chance(0.3):
            _between(draw)
        bound = draw.gain / np.sqrt(draw.width)
        outputs = draw.size(64 if draw.chance(0.5) else 8)
        bias = draw.uniform(bound, outputs) if draw.chance(0.9) else None
        draw.add(Linear(draw.name("fc"), draw.uniform(bound, outputs, draw.width), bias))
        if draw.chance(0.5):
            _activation(draw)
    if not linears and draw.chance(0.3):
        _activation(draw)


def _between(draw: _Draw) -> None:
    """A normalisation or an activation."""
    choice = draw.random.choice(["layer norm", "batch norm", "activation"])
    if choice == "layer norm":
        weight = draw.random.uniform(0.5, 2, draw.width)
        bias = draw.uniform(1, draw.width)
        is_plain = draw.chance(0.2)
        norm = LayerNorm(
            draw.name("norm"), None if is_plain else weight, None if is_plain else bias
        )
        draw.add(norm)
    elif choice == "batch norm":
        spread = np.exp(draw.uniform(2, draw.width))
        name = draw.name("bn")
        draw.add(Affine(name, spread * draw.uniform(3, draw.width), spread))
        weight = draw.random.uniform(0.5, 2, draw.width)
        bias = draw.uniform(1, draw.width)
        draw.add(Affine(f"{name}.affine", bias, weight, inverse=True))
    else:
        _activation(draw)


def _activation(draw: _Draw) -> None:
    function = str(draw.random.choice(FIRST))
    parameter = None if ACTIVATIONS[function] is None else float(draw.random.uniform(0.01, 1.5))
    if draw.later.random() < LATER:
        _later_activation(draw)
    else:
        draw.add(Activation(draw.name(function), function, parameter))


def _later_activation(draw: _Draw) -> None:
    function = str(draw.later.choice([*SECOND, "clamp"]))
    if function == "clamp":
        low, high = np.sort(draw.later.uniform(-1, 1, 2))
        draw.add(Clamp(draw.name(function), float(low), float(high)))
        return
    parameter = None if ACTIVATIONS[function] is None else float(draw.later.uniform(0.1, 1.5))
    draw.add(Activation(draw.name(function), function, parameter))
