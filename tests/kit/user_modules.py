"""LSTM regressors as people write them, each with the chain that its forward is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from .user_heads import (
    BatchNormHead,
    DenseBatchNorm,
    DropoutFirst,
    DropoutSqueeze,
    GapHead,
    GeluHead,
    InputProjection,
    InputRelu,
    LayerNormHead,
    LeakyNorms,
    ListHead,
    ReluBetween,
    SigmoidEnd,
    TanhHead,
    ThreeLinears,
    TutorialHead,
    TwoLinears,
    sequential,
)
from .user_recurrences import (
    AudioSkip,
    BiGRU,
    BiHidden,
    BiLast,
    EveryStep,
    EveryStepTimeFirst,
    FinalHidden,
    GRUModel,
    GRUWithLSTMName,
    HeadDefinedFirst,
    HiddenDim,
    LearnedState,
    LSTMModel,
    NoBias,
    NoHead,
    Projected,
    StackedWidths,
    TimeFirst,
    Tiny,
    WithState,
    Wrapped,
)


@dataclass(frozen=True)
class UserModule:
    """One of them.

    Attributes:
        make: makes it.
        forward: the chain that it computes, as `--forward` reads it.
        plain: whether it has one recurrent module and one Linear, read out at the last step and
            nothing traceless.
        assumed: the chain that names and shapes suggest, where it is another.
        doubt: what the doubts have to name where the assumed chain is another, or rests on a guess.
        options: of reading, beside a chain.
    """

    make: Callable[[], nn.Module]
    forward: str
    plain: bool = False
    assumed: str = ""
    doubt: str = ""
    options: dict[str, Any] = field(default_factory=dict)


LAST = "lstm, last, fc"
BETWEEN = "no activation assumed between `lstm` and `fc`"
MODULES: dict[str, UserModule] = {
    "seed": UserModule(LSTMModel, LAST, plain=True),
    "hidden_dim": UserModule(HiddenDim, LAST, plain=True),
    "h_n[-1]": UserModule(FinalHidden, "rnn, last, linear", plain=True),
    "bidirectional last": UserModule(
        BiLast, LAST, plain=True, doubt=r"cat\(h_n\[-2\], h_n\[-1\]\)"
    ),
    "bidirectional hidden": UserModule(
        BiHidden, "lstm, hidden, fc", assumed=LAST, doubt=r"cat\(h_n\[-2\], h_n\[-1\]\)"
    ),
    "stacked widths": UserModule(StackedWidths, "lstm1, lstm2, lstm3, last, fc"),
    "two linears": UserModule(
        TwoLinears, "lstm, last, fc1, relu, fc2", doubt="`fc1` and `fc2`.*taken as ReLU"
    ),
    "three linears": UserModule(
        ThreeLinears,
        "lstm, last, lin1, relu, lin2, relu, lin3",
        doubt="`lin2` and `lin3`.*taken as ReLU",
    ),
    "tanh head": UserModule(
        TanhHead,
        "lstm, last, fc1, tanh, fc2",
        assumed="lstm, last, fc1, relu, fc2",
        doubt="`fc1` and `fc2`: what stands between them left no trace",
    ),
    "relu between": UserModule(ReluBetween, "lstm, last, relu, fc", assumed=LAST, doubt=BETWEEN),
    "tutorial head": UserModule(
        TutorialHead,
        "lstm, last, relu, fc_1, relu, fc",
        assumed="lstm, last, fc_1, relu, fc",
        doubt="no activation assumed between `lstm` and `fc_1`",
    ),
    "Sequential with gap": UserModule(
        GapHead,
        "lstm, last, head.0, relu, dropout, head.3",
        doubt="`head.0` and `head.3`: two parameterless .* taken as ReLU, Dropout",
    ),
    "GELU head": UserModule(
        GeluHead,
        "lstm, last, regressor.0, gelu, regressor.2",
        assumed="lstm, last, regressor.0, relu, regressor.2",
        doubt="`regressor.0` and `regressor.2`: one parameterless .* taken as ReLU",
    ),
    "dropout first": UserModule(
        DropoutFirst,
        "lstm, last, dropout, head.1",
        plain=True,
        doubt="one parameterless module.*taken as Dropout",
    ),
    "BatchNorm1d": UserModule(BatchNormHead, "lstm, last, bn, fc", doubt="`bn`: its eps"),
    "dense BatchNorm1d": UserModule(
        DenseBatchNorm,
        "lstm, last, dense_layers.0, dense_layers.1, relu, dropout, dense_layers.4",
        doubt="taken as ReLU, Dropout",
    ),
    "LayerNorm": UserModule(
        LayerNormHead, "lstm, last, layer_norm, fc", doubt="`layer_norm` is taken as a LayerNorm"
    ),
    "Linear before": UserModule(InputProjection, "input_proj, lstm, last, output"),
    "Linear and ReLU before": UserModule(
        InputRelu,
        "input_proj, relu, lstm, last, output",
        assumed="input_proj, lstm, last, output",
        doubt="no activation assumed between `input_proj` and `lstm`",
    ),
    "dropout, squeeze": UserModule(DropoutSqueeze, LAST, plain=True),
    "audio skip": UserModule(
        AudioSkip,
        "rec, lin, skip(0)",
        assumed="rec, last, lin",
        doubt="every step.*would have the same weights",
    ),
    "learned state": UserModule(
        LearnedState, LAST, doubt="`h0` is taken as the learned initial h of `lstm`"
    ),
    "GRU": UserModule(GRUModel, "gru, last, fc", plain=True),
    "bidirectional GRU": UserModule(
        BiGRU, "gru, hidden, fc", assumed="gru, last, fc", doubt="bidirectional"
    ),
    "GRU called lstm": UserModule(GRUWithLSTMName, "lstm, last, fc_out", plain=True),
    "proj_size": UserModule(Projected, LAST, plain=True),
    "no bias": UserModule(NoBias, LAST, plain=True),
    "every size 1": UserModule(Tiny, LAST, plain=True),
    "time first": UserModule(TimeFirst, "lstm, last, linear", plain=True),
    "every step": UserModule(
        EveryStep, "lstm, fc", assumed=LAST, doubt="every step.*would have the same weights"
    ),
    "every step, time first": UserModule(
        EveryStepTimeFirst,
        "lstm, fc",
        assumed=LAST,
        doubt="every step.*would have the same weights",
    ),
    "no head": UserModule(NoHead, "lstm, last"),
    "state as argument": UserModule(WithState, LAST, plain=True),
    "sigmoid at the end": UserModule(
        SigmoidEnd, "lstm, last, fc, sigmoid", assumed=LAST, doubt="after `fc`"
    ),
    "norm in front": UserModule(
        LeakyNorms,
        "norm_in, encoder, rnn, last, head.0, leaky_relu(0.1), head.2",
        assumed="norm_in, encoder, rnn, last, head.0, relu, head.2",
        doubt="taken as ReLU",
    ),
    "wrapped, with a loss": UserModule(Wrapped, "model.lstm, last, model.fc", plain=True),
    "ModuleList": UserModule(
        ListHead, "lstm, last, layers.0, relu, layers.1, relu, out", doubt="taken as ReLU"
    ),
    "head defined first": UserModule(HeadDefinedFirst, LAST, plain=True),
    "Sequential": UserModule(
        sequential, "0, last, 2, relu, 4", doubt="`2` and `4`: one parameterless module"
    ),
}


# Modules whose forward takes more than x, which torch.jit.trace is not told about here.
NOT_TRACED = ("state as argument",)


def make(name: str) -> nn.Module:
    """The module with torch's own random weights, and norms that are not the identity, in
    evaluation mode.
    """
    torch.manual_seed(sum(map(ord, name)))
    module = MODULES[name].make()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d):
            part.running_mean.uniform_(-0.3, 0.3)
            part.running_var.uniform_(0.05, 0.5)
        if isinstance(part, nn.BatchNorm1d | nn.LayerNorm):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.uniform_(part.bias, -0.5, 0.5)
    return module.eval()
