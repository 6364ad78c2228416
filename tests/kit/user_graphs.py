"""LSTM regressors as people write them whose forward is no chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from .user_windows import LessLast, LessMean, RevIN, Standardised


class ResidualLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(4, 8)
        self.lstm1 = nn.LSTM(8, 8, batch_first=True)
        self.lstm2 = nn.LSTM(8, 8, batch_first=True)
        self.fc = nn.Linear(8, 1)

    def forward(self, x):
        x = self.embed(x)
        x = x + self.lstm1(x)[0]
        x = x + self.lstm2(x)[0]
        return self.fc(x[:, -1])


class ResidualHead(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 8, batch_first=True)
        self.fc1 = nn.Linear(8, 8)
        self.fc2 = nn.Linear(8, 1)

    def forward(self, x):
        h = self.lstm(x)[0][:, -1]
        return self.fc2(h + F.relu(self.fc1(h)))


class PooledGRU(nn.Module):
    """Two heads over a mean."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(5, 8, batch_first=True)
        self.mean = nn.Linear(8, 2)
        self.log_var = nn.Linear(8, 2)

    def forward(self, x):
        pooled = self.gru(x)[0].mean(dim=1)
        return self.mean(pooled), self.log_var(pooled)


class MeanPool(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 8, batch_first=True)
        self.fc = nn.Linear(8, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out.mean(1))


class MaxPool(MeanPool):
    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out.max(dim=1)[0])


class FirstStep(MeanPool):
    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(out[:, 0])


class CellState(MeanPool):
    def forward(self, x):
        _, (_, c) = self.lstm(x)
        return self.fc(c[-1])


class ConcatPools(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 6, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(36, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.fc(torch.cat([out[:, -1], out.mean(1), out.max(1).values], dim=1))


class AllHidden(nn.Module):
    """The final state of every layer."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 6, num_layers=3, batch_first=True)
        self.fc = nn.Linear(18, 2)

    def forward(self, x):
        _, (h, _) = self.lstm(x)
        return self.fc(h.permute(1, 0, 2).reshape(x.size(0), -1))


class LastSix(nn.Module):
    """A forecast of six steps, one from each of the last outputs."""

    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(3, 8, batch_first=True)
        self.V = nn.Linear(8, 2)

    def forward(self, x):
        out, _ = self.rnn(x)
        return self.V(out[:, -6:])


class CappedOutput(MeanPool):
    def forward(self, x):
        out, _ = self.lstm(x)
        return torch.clamp(self.fc(out[:, -1]), 0.0, 125.0)


class Sentinel(MeanPool):
    def forward(self, x):
        x = torch.where(x == -999, torch.zeros_like(x), x)
        return self.fc(self.lstm(x)[0][:, -1])


class RawUnits(nn.Module):
    """Mean and deviation in buffers, the answer in units."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 8, batch_first=True)
        self.fc = nn.Linear(8, 1)
        self.register_buffer("mean", torch.tensor([20.0, 1013.0, 5.0]))
        self.register_buffer("std", torch.tensor([5.0, 10.0, 0.5]))

    def forward(self, x):
        out, _ = self.lstm((x - self.mean) / self.std)
        return self.fc(out[:, -1]) * 12.5 + 300


class SumOfSteps(MeanPool):
    def forward(self, x):
        return self.fc(self.lstm(x)[0].sum(dim=1))


class HeadsOfADict(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 8, batch_first=True)
        self.heads = nn.ModuleDict({"rul": nn.Linear(8, 1), "fault": nn.Linear(8, 3)})

    def forward(self, x):
        h = self.lstm(x)[0][:, -1]
        return {name: head(h) for name, head in self.heads.items()}


class Horizon(nn.Module):
    """`(batch, horizon, targets)`."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 8, batch_first=True)
        self.fc = nn.Linear(8, 12 * 2)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1]).view(-1, 12, 2)


class StaticFeatures(nn.Module):
    """The last two features do not change; they go round the LSTM."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 8, batch_first=True)
        self.fc = nn.Linear(10, 1)

    def forward(self, x):
        h = self.lstm(x[..., :3])[0][:, -1]
        return self.fc(torch.cat([h, x[:, 0, 3:]], dim=-1))


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(4, 8, batch_first=True)
        self.gate = nn.Linear(8, 8)
        self.fc = nn.Linear(8, 1)

    def forward(self, x):
        h = self.lstm(x)[0][:, -1]
        return self.fc(h * torch.sigmoid(self.gate(h)))


class ElmanRNN(nn.Module):
    def __init__(self, nonlinearity="tanh"):
        super().__init__()
        self.rnn = nn.RNN(3, 8, 2, nonlinearity=nonlinearity, batch_first=True)
        self.fc = nn.Linear(8, 1)

    def forward(self, x):
        return self.fc(self.rnn(x)[0][:, -1])


class ReluRNN(ElmanRNN):
    def __init__(self):
        super().__init__("relu")


class CellLoop(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(3, 8)
        self.fc = nn.Linear(8, 1)

    def forward(self, x):
        h = x.new_zeros(x.size(0), 8)
        c = x.new_zeros(x.size(0), 8)
        for t in range(x.size(1)):
            h, c = self.cell(x[:, t], (h, c))
        return self.fc(h)


class NewNorms(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 8, batch_first=True)
        self.norm = nn.RMSNorm(8)
        self.act = nn.Mish()
        self.fc = nn.Linear(8, 1)

    def forward(self, x):
        h = self.act(self.norm(self.lstm(x)[0][:, -1]))
        return F.softplus(self.fc(h), beta=2)


class GroupedNorm(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 8, batch_first=True)
        self.norm = nn.GroupNorm(2, 8)
        self.fc = nn.Linear(8, 1)

    def forward(self, x):
        return self.fc(F.softsign(self.norm(self.lstm(x)[0][:, -1])))


class BothDirectionsSummed(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 8, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(8, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        out = out[:, :, :8] + out[:, :, 8:]
        return self.fc(out[:, -1])


@dataclass(frozen=True)
class GraphModule:
    """One of them.

    Attributes:
        make: its class.
        forward: what it computes, as `--forward` reads it.
        bare: what the doubts or the refusal of its weights alone have to name; empty where the
            weights tell all.
    """

    make: Any
    forward: str
    bare: str = ""


HEADS = "are two heads"
READ_OUT = "a mean, a sum or a maximum over the steps"
GRAPH_MODULES: dict[str, GraphModule] = {
    "residual LSTM": GraphModule(
        ResidualLSTM,
        "a = embed(x); a2 = a + lstm1(a); y = fc(last(a2) + last(lstm2(a2)))",
        "no residual or gate over `lstm1`, or `lstm2`",
    ),
    "residual in the head": GraphModule(
        ResidualHead,
        "a = last(lstm(x)); y = fc2(a + relu(fc1(a)))",
        "no residual or gate over `fc1`",
    ),
    "pooled GRU with two heads": GraphModule(
        PooledGRU, "a = @mean(gru(x)); y = concat(mean(a), log_var(a))", HEADS
    ),
    "mean over the steps": GraphModule(MeanPool, "lstm, mean, fc", READ_OUT),
    "maximum over the steps": GraphModule(MaxPool, "lstm, max, fc", READ_OUT),
    "first step": GraphModule(FirstStep, "lstm, first, fc", "the first step"),
    "cell state": GraphModule(CellState, "lstm, cell, fc", "the cell state"),
    "read-outs side by side": GraphModule(
        ConcatPools,
        "h = lstm(x); y = fc(concat(last(h), mean(h), max(h)))",
        "fc takes 36, which none of the others yields",
    ),
    "h of all layers": GraphModule(
        AllHidden,
        "h = lstm(x); y = fc(concat(hidden(h, -3), hidden(h, -2), last(h)))",
        "fc takes 18, which none of the others yields",
    ),
    "last six steps": GraphModule(LastSix, "rnn, last(6), V, flatten", "several last ones"),
    "capped output": GraphModule(
        CappedOutput, "lstm, last, fc, clamp(0, 125)", "no activation assumed .* after `fc`"
    ),
    "sentinel": GraphModule(Sentinel, "replace(-999, 0), lstm, last, fc", "no sentinel"),
    "scaler in buffers": GraphModule(
        RawUnits,
        "normalize(20 1013 5, 5 10 0.5), lstm, last, fc, denormalize(300, 12.5)",
        r"stands mean: a tensor \(3,\)",
    ),
    "last value taken off": GraphModule(
        LessLast,
        "a = last(x); y = fc(last(lstm(x - a))) + a[0, 0, 0, 0, 0, 0]",
        "no window that is centred",
    ),
    "mean taken off": GraphModule(
        LessMean, "a = mean(x); y = fc(last(lstm(x - a))) + a", "no window that is centred"
    ),
    "window by its deviation": GraphModule(
        Standardised,
        "a = mean(x); a2 = x - a; a3 = denormalize(sqrt(mean(a2 * a2, 1)), 1e-06, 1); "
        "y = fc(last(lstm(a2 / a3))) * a3 + a",
        "no window that is centred or divided by its deviation",
    ),
    "RevIN": GraphModule(
        RevIN,
        "a = mean(x); a2 = x - a; a3 = sqrt(denormalize(mean(a2 * a2), 1e-05, 1)); "
        "y = normalize(fc(last(lstm(denormalize(a2 / a3, 0.25 -0.5, 1.5 0.5)))), "
        "0.25 -0.5 0.25 -0.5 0.25 -0.5, 1.5 0.5 1.5 0.5 1.5 0.5) * a3[0, 1, 0, 1, 0, 1] "
        "+ a[0, 1, 0, 1, 0, 1]",
        "stands norm",
    ),
    "sum of the steps": GraphModule(SumOfSteps, "lstm, sum, fc", READ_OUT),
    "heads in a dict": GraphModule(
        HeadsOfADict, "a = last(lstm(x)); y = concat(heads.rul(a), heads.fault(a))", HEADS
    ),
    "horizon of targets": GraphModule(Horizon, "lstm, last, fc"),
    "static features": GraphModule(
        StaticFeatures,
        "y = fc(concat(last(lstm(x[0:3])), first(x)[3:5]))",
        "fc takes 10, which none of the others yields",
    ),
    "gate": GraphModule(
        Gated, "a = last(lstm(x)); y = fc(a * sigmoid(gate(a)))", "no residual or gate over `gate`"
    ),
    "RNN with tanh": GraphModule(ElmanRNN, "rnn, last, fc"),
    "RNN with relu": GraphModule(ReluRNN, "rnn(relu), last, fc", r"rnn\(relu\)"),
    "LSTMCell's loop": GraphModule(CellLoop, "cell, last, fc"),
    "RMSNorm, Mish, Softplus": GraphModule(
        NewNorms,
        "lstm, last, norm(rms_norm), mish, fc, denormalize(0, 2), softplus, normalize(0, 2)",
        r"norm\(rms_norm\)",
    ),
    "GroupNorm, Softsign": GraphModule(
        GroupedNorm,
        "a = last(lstm(x)); "
        "y = fc(softsign(concat(layer_norm(a[0:4], 1e-05), layer_norm(a[4:8], 1e-05))))",
        "taken as a LayerNorm",
    ),
    "both directions summed": GraphModule(
        BothDirectionsSummed,
        "a = last(lstm(x)); y = fc(a[0:8] + a[8:16])",
        "fc takes 8, which none of the others yields",
    ),
}


def make_graph(name: str) -> nn.Module:
    """The module with torch's own random weights, in evaluation mode."""
    torch.manual_seed(sum(map(ord, name)))
    return GRAPH_MODULES[name].make().eval()
