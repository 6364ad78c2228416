"""LSTM regressors as people write them, told apart by what stands around the LSTM."""

# ruff: noqa: RUF059 - as users write it

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn


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
        self.num_layers = 1
        self.hidden = 11
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
        self.num_layers = 1
        self.hidden_size = 6
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


class Extract(nn.Module):
    def forward(self, x):
        return x[0][:, -1, :]


def sequential() -> nn.Module:
    return nn.Sequential(
        nn.LSTM(5, 10, batch_first=True), Extract(), nn.Linear(10, 4), nn.ReLU(), nn.Linear(4, 1)
    )
