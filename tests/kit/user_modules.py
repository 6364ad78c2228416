"""LSTM regressors as people write them, each with the chain that its forward is."""

# ruff: noqa: RUF059 - as users write it

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn


class LSTMModel(nn.Module):
    def __init__(
        self, input_size: int = 10, hidden_size: int = 50, num_layers: int = 2, output_size: int = 1
    ) -> None:
        super().__init__()
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.lstm = nn.LSTM(input_size, hidden_size, num_layers, batch_first=True)
        self.fc = nn.Linear(hidden_size, output_size)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1, :])


class HiddenDim(nn.Module):
    """Explicit zero states, and `hidden_dim`."""

    def __init__(self, input_dim=5, hidden_dim=12, layer_dim=1, output_dim=2):
        super().__init__()
        self.hidden_dim = hidden_dim
        self.layer_dim = layer_dim
        self.lstm = nn.LSTM(input_dim, hidden_dim, layer_dim, batch_first=True)
        self.fc = nn.Linear(hidden_dim, output_dim)

    def forward(self, x):
        h0 = torch.zeros(self.layer_dim, x.size(0), self.hidden_dim).requires_grad_()
        c0 = torch.zeros(self.layer_dim, x.size(0), self.hidden_dim).requires_grad_()
        out, (hn, cn) = self.lstm(x, (h0.detach(), c0.detach()))
        return self.fc(out[:, -1, :])


class FinalHidden(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(input_size=4, hidden_size=9, num_layers=2, batch_first=True, dropout=0.3)
        self.linear = nn.Linear(9, 3)

    def forward(self, x):
        _, (h_n, _) = self.rnn(x)
        return self.linear(h_n[-1])


class BiLast(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 8, num_layers=2, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(8 * 2, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, -1, :])


class BiHidden(BiLast):
    def forward(self, x):
        _, (h_n, _) = self.lstm(x)
        h = torch.cat((h_n[-2], h_n[-1]), dim=1)
        return self.fc(h)


class StackedWidths(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm1 = nn.LSTM(3, 16, batch_first=True)
        self.lstm2 = nn.LSTM(16, 8, batch_first=True)
        self.lstm3 = nn.LSTM(8, 4, batch_first=True)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(4, 1)

    def forward(self, x):
        x, _ = self.lstm1(x)
        x = self.dropout(x)
        x, _ = self.lstm2(x)
        x = self.dropout(x)
        x, _ = self.lstm3(x)
        return self.fc(x[:, -1])


class TwoLinears(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(5, 10, batch_first=True)
        self.fc1 = nn.Linear(10, 7)
        self.fc2 = nn.Linear(7, 2)

    def forward(self, x):
        out, _ = self.lstm(x)
        out = F.relu(self.fc1(out[:, -1, :]))
        return self.fc2(out)


class ThreeLinears(nn.Module):
    def __init__(self):
        super().__init__()
        self.num_layers, self.hidden = 1, 11
        self.lstm = nn.LSTM(4, self.hidden, self.num_layers, batch_first=True)
        self.lin1 = nn.Linear(11, 8)
        self.lin2 = nn.Linear(8, 6)
        self.lin3 = nn.Linear(6, 1)
        self.relu = nn.ReLU()

    def forward(self, x):
        out, _ = self.lstm(x)
        out = out[:, -1]
        out = self.relu(self.lin1(out))
        out = self.relu(self.lin2(out))
        return self.lin3(out)


class TanhHead(TwoLinears):
    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc2(torch.tanh(self.fc1(out[:, -1, :])))


class ReluBetween(nn.Module):
    """The activation between LSTM and head that leaves no trace."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(10, 20, batch_first=True)
        self.relu = nn.ReLU()
        self.fc = nn.Linear(20, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(self.relu(out[:, -1]))


class TutorialHead(nn.Module):
    """The hidden state, and ReLU twice."""

    def __init__(self):
        super().__init__()
        self.num_layers, self.hidden_size = 1, 6
        self.lstm = nn.LSTM(input_size=5, hidden_size=6, num_layers=1, batch_first=True)
        self.fc_1 = nn.Linear(6, 16)
        self.fc = nn.Linear(16, 1)
        self.relu = nn.ReLU()

    def forward(self, x):
        h_0 = torch.zeros(self.num_layers, x.size(0), self.hidden_size)
        c_0 = torch.zeros(self.num_layers, x.size(0), self.hidden_size)
        output, (hn, cn) = self.lstm(x, (h_0, c_0))
        hn = hn.view(-1, self.hidden_size)
        out = self.relu(hn)
        out = self.fc_1(out)
        out = self.relu(out)
        return self.fc(out)


class GapHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(7, 14, 2, batch_first=True)
        self.head = nn.Sequential(nn.Linear(14, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 1))

    def forward(self, x):
        return self.head(self.lstm(x)[0][:, -1])


class GeluHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(7, 14, batch_first=True)
        self.regressor = nn.Sequential(nn.Linear(14, 8), nn.GELU(), nn.Linear(8, 3))

    def forward(self, x):
        return self.regressor(self.lstm(x)[0][:, -1])


class DropoutFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 9, batch_first=True)
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(9, 2))

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.head(out[:, -1, :])


class BatchNormHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 12, batch_first=True)
        self.bn = nn.BatchNorm1d(12)
        self.fc = nn.Linear(12, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(self.bn(out[:, -1, :]))


class DenseBatchNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 12, 2, batch_first=True)
        self.dense_layers = nn.Sequential(
            nn.Linear(12, 10), nn.BatchNorm1d(10), nn.ReLU(), nn.Dropout(0.3), nn.Linear(10, 1)
        )

    def forward(self, x):
        _, (hidden, _) = self.lstm(x)
        return self.dense_layers(hidden[-1])


class LayerNormHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 10, batch_first=True)
        self.layer_norm = nn.LayerNorm(10)
        self.fc = nn.Linear(10, 2)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(self.layer_norm(out)[:, -1])


class InputProjection(nn.Module):
    def __init__(self):
        super().__init__()
        self.input_proj = nn.Linear(3, 8)
        self.lstm = nn.LSTM(8, 16, batch_first=True)
        self.output = nn.Linear(16, 1)

    def forward(self, x):
        x = self.input_proj(x)
        x, _ = self.lstm(x)
        return self.output(x[:, -1])


class InputRelu(InputProjection):
    def forward(self, x):
        x = torch.relu(self.input_proj(x))
        x, _ = self.lstm(x)
        return self.output(x[:, -1])


class DropoutSqueeze(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, 7, batch_first=True)
        self.dropout = nn.Dropout(0.5)
        self.fc = nn.Linear(7, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(self.dropout(out[:, -1])).squeeze(-1)


class AudioSkip(nn.Module):
    def __init__(self):
        super().__init__()
        self.rec = nn.LSTM(1, 16, batch_first=True)
        self.lin = nn.Linear(16, 1)

    def forward(self, x):
        y, _ = self.rec(x)
        return self.lin(y) + x[:, :, 0:1]


class LearnedState(nn.Module):
    def __init__(self):
        super().__init__()
        self.h0 = nn.Parameter(torch.randn(2, 1, 8) * 0.5)
        self.c0 = nn.Parameter(torch.randn(2, 1, 8) * 0.5)
        self.lstm = nn.LSTM(3, 8, num_layers=2, batch_first=True)
        self.fc = nn.Linear(8, 1)

    def forward(self, x):
        batch = x.shape[0]
        state = (
            self.h0.expand(-1, batch, -1).contiguous(),
            self.c0.expand(-1, batch, -1).contiguous(),
        )
        out, _ = self.lstm(x, state)
        return self.fc(out[:, -1])


class GRUModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(5, 13, 2, batch_first=True)
        self.fc = nn.Linear(13, 1)

    def forward(self, x):
        out, _ = self.gru(x)
        return self.fc(out[:, -1, :])


class BiGRU(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(4, 6, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(12, 2)

    def forward(self, x):
        _, h = self.gru(x)
        return self.fc(torch.cat([h[0], h[1]], dim=-1))


class GRUWithLSTMName(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.GRU(4, 6, batch_first=True)
        self.fc_out = nn.Linear(6, 1)

    def forward(self, x):
        return self.fc_out(self.lstm(x)[1][-1])


class Projected(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 12, batch_first=True, proj_size=5)
        self.fc = nn.Linear(5, 1)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])


class NoBias(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 6, batch_first=True, bias=False)
        self.fc = nn.Linear(6, 1, bias=False)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])


class Tiny(nn.Module):
    """Every size is 1."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 1, batch_first=True)
        self.fc = nn.Linear(1, 1)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])


class TimeFirst(nn.Module):
    """torch's default layout, (seq, batch, input_size)."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 10)
        self.linear = nn.Linear(10, 2)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.linear(out[-1])


class EveryStep(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 10, batch_first=True)
        self.fc = nn.Linear(10, 2)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out)


class EveryStepTimeFirst(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 10)
        self.fc = nn.Linear(10, 2)

    def forward(self, x):
        return self.fc(self.lstm(x)[0])


class NoHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(6, 4, batch_first=True)

    def forward(self, x):
        out, _ = self.lstm(x)
        return out[:, -1]


class WithState(nn.Module):
    """Takes and returns a state."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 6, batch_first=True)
        self.fc = nn.Linear(6, 1)

    def forward(self, x, hidden):
        out, hidden = self.lstm(x, hidden)
        return self.fc(out[:, -1]), hidden


class SigmoidEnd(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 16, batch_first=True)
        self.fc = nn.Linear(16, 1)

    def forward(self, x):
        return torch.sigmoid(self.fc(self.lstm(x)[0][:, -1]))


class LeakyNorms(nn.Module):
    """Norm in front, LeakyReLU, a Linear before, named as in a Kaggle notebook."""

    def __init__(self):
        super().__init__()
        self.norm_in = nn.LayerNorm(5)
        self.encoder = nn.Linear(5, 6)
        self.rnn = nn.GRU(6, 9, batch_first=True)
        self.head = nn.Sequential(nn.Linear(9, 7), nn.LeakyReLU(0.1), nn.Linear(7, 2))

    def forward(self, x):
        x = self.encoder(self.norm_in(x))
        return self.head(self.rnn(x)[0][:, -1])


class Wrapped(nn.Module):
    """A regressor in a task, with a loss that has a weight."""

    def __init__(self):
        super().__init__()
        self.model = LSTMModel(4, 8, 1, 2)
        self.loss_fn = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0, 1.0]))

    def forward(self, x):
        return self.model(x)


class ListHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 8, batch_first=True)
        self.layers = nn.ModuleList([nn.Linear(8, 6), nn.Linear(6, 5)])
        self.out = nn.Linear(5, 1)

    def forward(self, x):
        x = self.lstm(x)[0][:, -1]
        for layer in self.layers:
            x = F.relu(layer(x))
        return self.out(x)


class HeadDefinedFirst(nn.Module):
    """Attributes in another order than the forward's."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(9, 1)
        self.lstm = nn.LSTM(4, 9, batch_first=True)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])


class Extract(nn.Module):
    def forward(self, x):
        return x[0][:, -1, :]


def sequential() -> nn.Module:
    return nn.Sequential(
        nn.LSTM(5, 10, batch_first=True), Extract(), nn.Linear(10, 4), nn.ReLU(), nn.Linear(4, 1)
    )


@dataclass(frozen=True)
class UserModule:
    """One of them.

    Attributes:
        make: makes it.
        forward: the chain that it computes, as `--forward` reads it.
        plain: whether it has one recurrent module and one Linear, read out at the last step and nothing traceless.
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
        doubt="`head.0` and `head.3`: two parameterless modules between them, taken as ReLU, Dropout",
    ),
    "GELU head": UserModule(
        GeluHead,
        "lstm, last, regressor.0, gelu, regressor.2",
        assumed="lstm, last, regressor.0, relu, regressor.2",
        doubt="`regressor.0` and `regressor.2`: one parameterless module between them, taken as ReLU",
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
    """The module with torch's own random weights, and norms that are not the identity, in evaluation mode."""
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
