"""The graphs that tests run through: values that several stages take, and stages that came later.

Each group is drawn from a generator of its own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lstm_export.model import (
    Activation,
    Add,
    Affine,
    Concat,
    Divide,
    Flatten,
    LastHidden,
    LastStep,
    LastSteps,
    Model,
    Multiply,
    Pool,
    PReLU,
    Replace,
    RMSNorm,
    Slice,
    Subtract,
)

from .builders import gru, linear, lstm, model_of, rnn, scaler


def branches(random: np.random.Generator) -> dict[str, Model]:
    """Values that several stages take: a residual, pools side by side, two heads."""
    return {
        "residual": model_of(
            3,
            2,
            lstm("lstm", 3, 4, 1, random),
            linear("mid", 4, 3, random),
            Add("residual", inputs=("mid", "x")),
            lstm("lstm2", 3, 4, 1, random),
            Add("both", inputs=("lstm2", "lstm")),
            LastStep("last"),
            linear("fc", 4, 2, random),
        ),
        "pools": model_of(
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
        "heads": model_of(
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
        "running pools": model_of(
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
        "pooled": model_of(
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
        "cell states": model_of(
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
        "lower layer": model_of(
            3,
            2,
            gru("gru", 3, 5, 3, random),
            LastHidden("middle", layer=-2),
            linear("fc", 5, 2, random),
        ),
        "projected states": model_of(
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
        "rnn": model_of(
            3,
            2,
            rnn("rnn", 3, 6, 2, random, learned=True),
            LastStep("last"),
            linear("fc", 6, 2, random),
        ),
        "relu rnn": model_of(
            3,
            2,
            rnn("rnn", 3, 4, 1, random, bidirectional=True, nonlinearity="relu"),
            LastHidden("hidden"),
            linear("fc", 8, 2, random),
        ),
    }


def windows(random: np.random.Generator) -> dict[str, Model]:
    """A row of the whole window that goes to every step of it, in every way."""
    return {
        "window": model_of(
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


def forecasts(random: np.random.Generator) -> dict[str, Model]:
    """The last steps of a sequence, each a step ahead: target by target, one of them beside x."""
    return {
        "last steps": model_of(
            3,
            6,
            lstm("lstm", 3, 5, 1, random),
            LastSteps("horizon", 3),
            linear("fc1", 5, 4, random),
            Activation("relu", "relu"),
            linear("fc2", 4, 2, random),
            Flatten("row"),
            Slice("by target", (0, 2, 4, 1, 3, 5)),
        ),
        "last steps beside": model_of(
            3,
            4,
            gru("gru", 3, 4, 1, random, bidirectional=True),
            LastSteps("horizon", 4),
            LastSteps("of x", 4, inputs=("x",)),
            Slice("target", (1,)),
            LastStep("last", inputs=("gru",)),
            Concat("beside", inputs=("horizon", "last")),
            linear("fc", 16, 1, random),
            Add("sum", inputs=("fc", "target")),
            Flatten("row"),
        ),
    }


def small_stages(random: np.random.Generator) -> dict[str, Model]:
    """A sentinel, norms by the root of the mean square, and slopes that were learned."""
    return {
        "small stages": model_of(
            3,
            4,
            Replace("no value", -999.0, 0.25),
            RMSNorm("norm", random.uniform(0.5, 2, 3)),
            linear("pre", 3, 5, random),
            PReLU("slopes", random.uniform(0.1, 0.5, 5)),
            lstm("lstm", 5, 4, 1, random),
            RMSNorm("plain", eps=1e-6),
            LastStep("last"),
            linear("fc", 4, 4, random),
            PReLU("slope", np.array([0.25])),
        ),
    }


def deviations(random: np.random.Generator) -> dict[str, Model]:
    """A window by its own mean and deviation, and the answer in its units again; sums of steps."""
    return {
        "deviation": model_of(
            2,
            2,
            Pool("level", "mean"),
            Subtract("centred", inputs=("x", "level")),
            Multiply("squares", inputs=("centred", "centred")),
            Pool("variance", "mean"),
            Affine("eps", np.full(2, 1e-5), np.ones(2), inverse=True),
            Activation("std", "sqrt"),
            Divide("normalised", inputs=("centred", "std")),
            gru("gru", 2, 4, 1, random),
            LastStep("last"),
            linear("fc", 4, 2, random),
            Multiply("scaled", inputs=("fc", "std")),
            Add("answer", inputs=("scaled", "level")),
        ),
        "sums": model_of(
            3,
            2,
            lstm("lstm", 3, 4, 1, random),
            Pool("sum", "sum"),
            Pool("sum of x", "sum", inputs=("x",)),
            Concat("both", inputs=("sum", "sum of x")),
            linear("fc", 7, 2, random),
        ),
    }


def unbiased(random: np.random.Generator) -> dict[str, Model]:
    """The same with an unbiased variance, which takes two steps."""
    biased = deviations(random)["deviation"]
    stages = [
        replace(stage, correction=1) if stage.name == "variance" else stage
        for stage in biased.stages
    ]
    return {"unbiased deviation": model_of(2, 2, *stages)}


# Models that are no chains.
GRAPHS = {
    **branches(np.random.default_rng(6)),
    **windows(np.random.default_rng(7)),
    **pools(np.random.default_rng(8)),
    **plain_recurrences(np.random.default_rng(9)),
    **deeper_states(np.random.default_rng(10)),
    **small_stages(np.random.default_rng(11)),
    **deviations(np.random.default_rng(13)),
}
# Models that need more than one step, and take no lengths.
FORECASTS = {
    **forecasts(np.random.default_rng(12)),
    **unbiased(np.random.default_rng(14)),
}
