"""The chains that tests run through: every stage, wherever it means something else.

All are drawn from one generator, in the order of `GROUPS`; golden bundles and pages hold what they
compute. Add a chain at the end: one that is added before others changes their weights.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lstm_export.model import (
    Activation,
    Add,
    Affine,
    Clamp,
    LastHidden,
    LastStep,
    LayerNorm,
    Linear,
    Model,
    Slice,
)

from .builders import gru, linear, lstm, model_of, scaler, without_bias
from .graphs import GRAPHS

LAST = LastStep("last")
HIDDEN = LastHidden("hidden")


def sizes(random: np.random.Generator) -> dict[str, Model]:
    """The README's class, scalers around a model, everything of size 1, and no biases."""
    return {
        "seed": model_of(10, 1, lstm("lstm", 10, 50, 2, random), LAST, linear("fc", 50, 1, random)),
        "scalers": model_of(
            3,
            6,
            scaler("input_scaler", 3, random),
            lstm("lstm", 3, 8, 1, random),
            LAST,
            linear("fc", 8, 6, random),
            scaler("output_scaler", 6, random, inverse=True),
        ),
        "smallest": model_of(1, 1, lstm("lstm", 1, 1, 1, random), LAST, linear("fc", 1, 1, random)),
        "no bias": model_of(
            4,
            2,
            without_bias(lstm("lstm", 4, 6, 3, random)),
            LAST,
            Linear("fc", np.ones((2, 6))),
        ),
    }


def read_outs(random: np.random.Generator) -> dict[str, Model]:
    """Every step answered, the last step read after the head, two recurrences, and no head."""
    return {
        "every step": model_of(
            5, 2, lstm("model.lstm", 5, 7, 1, random), linear("fc", 7, 2, random)
        ),
        "pick late": model_of(
            5, 2, lstm("lstm", 5, 7, 1, random), linear("fc", 7, 2, random), LAST
        ),
        "two modules": model_of(
            5,
            4,
            linear("pre", 5, 3, random),
            lstm("lstm1", 3, 9, 1, random),
            lstm("lstm2", 9, 4, 2, random),
        ),
        "no head": model_of(2, 9, lstm("lstm", 2, 9, 1, random), LAST),
    }


def directions(random: np.random.Generator) -> dict[str, Model]:
    """Both directions, read at the last step (where the reverse one has seen a single step) or at
    both ends.
    """
    return {
        "bidirectional": model_of(
            4,
            3,
            lstm("lstm", 4, 6, 2, random, bidirectional=True),
            LAST,
            linear("fc", 12, 3, random),
        ),
        "both ends": model_of(
            4,
            3,
            lstm("rnn", 4, 6, 1, random, bidirectional=True),
            HIDDEN,
            linear("fc", 12, 3, random),
        ),
    }


def gated_units(random: np.random.Generator) -> dict[str, Model]:
    """GRUs, of several layers and of both directions."""
    return {
        "gru": model_of(5, 2, gru("gru", 5, 9, 2, random), HIDDEN, linear("fc", 9, 2, random)),
        "gru both ways": model_of(
            3,
            2,
            gru("gru", 3, 5, 1, random, bidirectional=True, learned=True),
            linear("fc", 10, 2, random),
            LAST,
        ),
    }


def states(random: np.random.Generator) -> dict[str, Model]:
    """Learned initial states, and states that are projected to fewer numbers than the cell has."""
    return {
        "learned state": model_of(
            3,
            2,
            lstm("lstm", 3, 5, 2, random, learned=True),
            LAST,
            linear("fc", 5, 2, random),
        ),
        "projected": model_of(
            4,
            1,
            lstm("lstm", 4, 8, 2, random, proj_size=3, learned=True),
            LAST,
            linear("fc", 3, 1, random),
        ),
        "projected both ways": model_of(
            4,
            2,
            lstm("lstm", 4, 8, 2, random, proj_size=3, bidirectional=True),
            HIDDEN,
            linear("fc", 6, 2, random),
        ),
    }


def activations(random: np.random.Generator) -> dict[str, Model]:
    """Every activation function, before and after the recurrent stage and at the end."""
    return {
        "activations": model_of(
            3,
            4,
            scaler("input_scaler", 3, random),
            linear("pre", 3, 6, random),
            Activation("silu", "silu"),
            lstm("lstm", 6, 7, 1, random),
            LAST,
            Activation("relu", "relu"),
            linear("fc1", 7, 6, random),
            Activation("leaky", "leaky_relu", 0.2),
            linear("fc2", 6, 5, random),
            Activation("gelu", "gelu"),
            linear("fc3", 5, 4, random),
            Activation("elu", "elu"),
        ),
        "every activation": model_of(
            2,
            5,
            lstm("lstm", 2, 8, 1, random),
            Activation("tanh", "tanh"),
            linear("a", 8, 8, random),
            Activation("gelu_tanh", "gelu_tanh"),
            linear("b", 8, 8, random),
            Activation("softplus", "softplus"),
            linear("c", 8, 5, random),
            Activation("sigmoid", "sigmoid"),
        ),
    }


def later_activations(random: np.random.Generator) -> dict[str, Model]:
    """Those that came later, and values kept between bounds: drawn after all others, whose weights
    stay what they were.
    """
    return {
        "later activations": model_of(
            3,
            4,
            linear("pre", 3, 6, random),
            Activation("mish", "mish"),
            lstm("lstm", 6, 7, 1, random),
            LAST,
            Activation("selu", "selu"),
            linear("fc1", 7, 6, random),
            Activation("celu", "celu", 0.5),
            linear("fc2", 6, 6, random),
            Activation("hardswish", "hardswish"),
            linear("fc3", 6, 4, random),
            Activation("hardsigmoid", "hardsigmoid"),
        ),
        "clamps": model_of(
            2,
            2,
            linear("pre", 2, 6, random),
            Clamp("from below", low=-0.5),
            lstm("lstm", 6, 7, 1, random),
            linear("fc1", 7, 6, random),
            Clamp("relu6", 0, 0.25),
            linear("fc2", 6, 2, random),
            Clamp("cap", high=0.1),
        ),
    }


def norms(random: np.random.Generator) -> dict[str, Model]:
    """Layer norm with weights and without, and a batch norm as a checkpoint's reader folds it: two
    affine stages.
    """
    return {
        "norms": model_of(
            5,
            2,
            lstm("lstm", 5, 8, 1, random),
            LAST,
            LayerNorm("norm", random.uniform(0.5, 2, 8), random.uniform(-1, 1, 8)),
            linear("fc1", 8, 6, random),
            scaler("bn", 6, random, ratio=3),
            Affine("bn.affine", random.uniform(-1, 1, 6), random.uniform(-2, 2, 6), inverse=True),
            LayerNorm("plain", eps=1e-3),
            linear("fc2", 6, 2, random),
        ),
    }


def skips(random: np.random.Generator) -> dict[str, Model]:
    """The last inputs added to the answer: to every step's within scalers, and twice in a chain,
    out of order.
    """
    return {
        "skip": model_of(
            2,
            1,
            scaler("input_scaler", 2, random),
            lstm("rec", 2, 8, 1, random),
            linear("lin", 8, 1, random),
            Slice("skip.features", (0,), inputs=("input_scaler",)),
            Add("skip", inputs=("lin", "skip.features")),
            scaler("output_scaler", 1, random, inverse=True),
        ),
        "skips": model_of(
            3,
            2,
            gru("gru", 3, 4, 1, random),
            linear("mid", 4, 3, random),
            Slice("skip.features", (2, 1, 0), inputs=("x",)),
            Add("skip", inputs=("mid", "skip.features")),
            lstm("lstm", 3, 6, 1, random),
            LAST,
            linear("fc", 6, 2, random),
            Slice("skip2.features", (1, 1), inputs=("x",)),
            LastStep("skip2.last"),
            Add("skip2", inputs=("fc", "skip2.last")),
        ),
    }


def saturated(random: np.random.Generator) -> dict[str, Model]:
    """Weights three times as large as torch.nn draws them, so that gates open and close."""
    return {
        "saturated": model_of(
            4,
            1,
            lstm("lstm", 4, 12, 1, random, gain=3.0),
            LAST,
            linear("fc", 12, 1, random, gain=3.0),
        ),
    }


Group = Callable[[np.random.Generator], dict[str, Model]]
GROUPS: tuple[Group, ...] = (
    sizes,
    read_outs,
    directions,
    gated_units,
    states,
    activations,
    norms,
    skips,
    saturated,
    later_activations,
)


def _all_chains() -> dict[str, Model]:
    random = np.random.default_rng(5)
    chains: dict[str, Model] = {}
    for group in GROUPS:
        chains |= group(random)
    return chains


CHAINS = _all_chains()
MODELS = {**CHAINS, **GRAPHS}
