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
    Concat,
    Divide,
    LastHidden,
    LastStep,
    LayerNorm,
    Linear,
    Model,
    Multiply,
    Pool,
    Signature,
    Skip,
    Slice,
    Stage,
    Subtract,
)

from .builders import gru, linear, lstm, rnn, scaler, without_bias

LAST = LastStep("last")
HIDDEN = LastHidden("hidden")


def sizes(random: np.random.Generator) -> dict[str, Model]:
    """The README's class, scalers around a model, everything of size 1, and no biases."""
    return {
        "seed": _model(10, 1, lstm("lstm", 10, 50, 2, random), LAST, linear("fc", 50, 1, random)),
        "scalers": _model(
            3,
            6,
            scaler("input_scaler", 3, random),
            lstm("lstm", 3, 8, 1, random),
            LAST,
            linear("fc", 8, 6, random),
            scaler("output_scaler", 6, random, inverse=True),
        ),
        "smallest": _model(1, 1, lstm("lstm", 1, 1, 1, random), LAST, linear("fc", 1, 1, random)),
        "no bias": _model(
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
        "every step": _model(5, 2, lstm("model.lstm", 5, 7, 1, random), linear("fc", 7, 2, random)),
        "pick late": _model(5, 2, lstm("lstm", 5, 7, 1, random), linear("fc", 7, 2, random), LAST),
        "two modules": _model(
            5,
            4,
            linear("pre", 5, 3, random),
            lstm("lstm1", 3, 9, 1, random),
            lstm("lstm2", 9, 4, 2, random),
        ),
        "no head": _model(2, 9, lstm("lstm", 2, 9, 1, random), LAST),
    }


def directions(random: np.random.Generator) -> dict[str, Model]:
    """Both directions, read at the last step (where the reverse one has seen a single step) or at
    both ends.
    """
    return {
        "bidirectional": _model(
            4,
            3,
            lstm("lstm", 4, 6, 2, random, bidirectional=True),
            LAST,
            linear("fc", 12, 3, random),
        ),
        "both ends": _model(
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
        "gru": _model(5, 2, gru("gru", 5, 9, 2, random), HIDDEN, linear("fc", 9, 2, random)),
        "gru both ways": _model(
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
        "learned state": _model(
            3,
            2,
            lstm("lstm", 3, 5, 2, random, learned=True),
            LAST,
            linear("fc", 5, 2, random),
        ),
        "projected": _model(
            4,
            1,
            lstm("lstm", 4, 8, 2, random, proj_size=3, learned=True),
            LAST,
            linear("fc", 3, 1, random),
        ),
        "projected both ways": _model(
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
        "activations": _model(
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
        "every activation": _model(
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
        "later activations": _model(
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
        "clamps": _model(
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
        "norms": _model(
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
        "skip": _model(
            2,
            1,
            scaler("input_scaler", 2, random),
            lstm("rec", 2, 8, 1, random),
            linear("lin", 8, 1, random),
            Skip("skip", (0,)),
            scaler("output_scaler", 1, random, inverse=True),
        ),
        "skips": _model(
            3,
            2,
            gru("gru", 3, 4, 1, random),
            linear("mid", 4, 3, random),
            Skip("skip", (2, 1, 0)),
            lstm("lstm", 3, 6, 1, random),
            LAST,
            linear("fc", 6, 2, random),
            Skip("skip2", (1,)),
        ),
    }


def saturated(random: np.random.Generator) -> dict[str, Model]:
    """Weights three times as large as torch.nn draws them, so that gates open and close."""
    return {
        "saturated": _model(
            4,
            1,
            lstm("lstm", 4, 12, 1, random, gain=3.0),
            LAST,
            linear("fc", 12, 1, random, gain=3.0),
        ),
    }


def branches(random: np.random.Generator) -> dict[str, Model]:
    """Values that several stages take: a residual, pools side by side, two heads."""
    return {
        "residual": _model(
            3,
            2,
            lstm("lstm", 3, 4, 1, random),
            linear("mid", 4, 3, random),
            Add("residual", inputs=("mid", "x")),
            lstm("lstm2", 3, 4, 1, random),
            Add("both", inputs=("lstm2", "lstm")),
            LAST,
            linear("fc", 4, 2, random),
        ),
        "pools": _model(
            3,
            4,
            scaler("input_scaler", 3, random),
            lstm("lstm", 3, 5, 1, random, bidirectional=True),
            Pool("mean", "mean"),
            Pool("max", "max", inputs=("lstm",)),
            LastStep("last", inputs=("lstm",)),
            LastHidden("hidden", inputs=("lstm",)),
            Pool("first", "first", inputs=("input_scaler",)),
            Concat("all", inputs=("mean", "max", "last", "hidden", "first")),
            linear("fc", 43, 4, random),
        ),
        "heads": _model(
            2,
            3,
            lstm("lstm", 2, 6, 2, random),
            LastHidden("hidden"),
            linear("head1", 6, 2, random),
            Activation("relu", "relu"),
            linear("head2", 6, 1, random, inputs=("hidden",)),
            Concat("answer", inputs=("relu", "head2")),
        ),
    }


def pools(random: np.random.Generator) -> dict[str, Model]:
    """Pools and read-outs side by side of layers that read forward, which a stream can have."""
    return {
        "running pools": _model(
            3,
            3,
            Slice("order", (2, 0)),
            lstm("lstm", 2, 5, 2, random, learned=True),
            Pool("mean", "mean"),
            Pool("first of x", "first", inputs=("x",)),
            Pool("max", "max", inputs=("lstm",)),
            LastHidden("hidden", inputs=("lstm",)),
            Concat("all", inputs=("mean", "first of x", "max", "hidden")),
            linear("fc", 18, 3, random),
        ),
        "pooled": _model(
            2,
            1,
            gru("gru", 2, 4, 1, random),
            Pool("largest", "max"),
            linear("fc", 4, 1, random),
        ),
    }


def deeper_states(random: np.random.Generator) -> dict[str, Model]:
    """The cell's state and that of lower layers, of one direction and of two, projected or not."""
    return {
        "cell states": _model(
            3,
            2,
            lstm("lstm", 3, 4, 2, random, bidirectional=True, learned=True),
            LastHidden("c", state="c"),
            LastHidden("lower", layer=-2, inputs=("lstm",)),
            LastHidden("lower c", state="c", layer=-2, inputs=("lstm",)),
            LastStep("last", inputs=("lstm",)),
            Concat("all", inputs=("c", "lower", "lower c", "last")),
            linear("fc", 32, 2, random),
        ),
        "lower layer": _model(
            3,
            2,
            gru("gru", 3, 5, 3, random),
            LastHidden("middle", layer=-2),
            linear("fc", 5, 2, random),
        ),
        "projected states": _model(
            3,
            2,
            lstm("lstm", 3, 6, 2, random, proj_size=2),
            LastHidden("c", state="c"),
            LastHidden("lower", layer=-2, inputs=("lstm",)),
            LastHidden("hidden", inputs=("lstm",)),
            Pool("mean", "mean", inputs=("lstm",)),
            Concat("all", inputs=("c", "lower", "hidden", "mean")),
            linear("fc", 12, 2, random),
        ),
    }


def plain_recurrences(random: np.random.Generator) -> dict[str, Model]:
    """nn.RNN, of a tanh and of a relu, of both directions and with a learned state."""
    return {
        "rnn": _model(
            3,
            2,
            rnn("rnn", 3, 6, 2, random, learned=True),
            LAST,
            linear("fc", 6, 2, random),
        ),
        "relu rnn": _model(
            3,
            2,
            rnn("rnn", 3, 4, 1, random, bidirectional=True, nonlinearity="relu"),
            HIDDEN,
            linear("fc", 8, 2, random),
        ),
    }


def windows(random: np.random.Generator) -> dict[str, Model]:
    """A row of the whole window that goes to every step of it, in every way."""
    return {
        "window": _model(
            3,
            3,
            Slice("target", (2, 0, 2)),
            Pool("base", "mean"),
            Subtract("centred", inputs=("x", "base")),
            gru("gru", 3, 4, 1, random),
            Concat("beside", inputs=("gru", "base")),
            linear("gate_in", 7, 3, random),
            Activation("gate", "sigmoid"),
            linear("scale_in", 7, 3, random, gain=0.3, inputs=("beside",)),
            Activation("scale", "softplus"),
            Multiply("gated", inputs=("gate", "target")),
            Divide("scaled", inputs=("gated", "scale")),
            Add("answer", inputs=("scaled", "base", "gate")),
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


def _model(input_size: int, output_size: int, *stages: Stage) -> Model:
    return Model(stages, Signature(input_size, output_size))


def _all_chains() -> dict[str, Model]:
    random = np.random.default_rng(5)
    chains: dict[str, Model] = {}
    for group in GROUPS:
        chains |= group(random)
    return chains


CHAINS = _all_chains()
# Models that not every target holds: graphs, and stages that came later.
GRAPHS = {
    **branches(np.random.default_rng(6)),
    **windows(np.random.default_rng(7)),
    **pools(np.random.default_rng(8)),
    **plain_recurrences(np.random.default_rng(9)),
    **deeper_states(np.random.default_rng(10)),
}
