"""LSTM regressors as people write them, told apart by layers, directions, states and layouts."""

# ruff: noqa: RUF059 - as users write it

from __future__ import annotations

import torch
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


class AudioSkip(nn.Module):
    def __init__(self):
        super().__init__()
        self.rec = nn.LSTM(1, 16, batch_first=True)
        self.lin = nn.Linear(16, 1)

    def forward(self, x):
        y, _ = self.rec(x)
        return self.lin(y) + x[:, :, 0:1]


class HeadDefinedFirst(nn.Module):
    """Attributes in another order than the forward's."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(9, 1)
        self.lstm = nn.LSTM(4, 9, batch_first=True)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])


class Wrapped(nn.Module):
    """A regressor in a task, with a loss that has a weight."""

    def __init__(self):
        super().__init__()
        self.model = LSTMModel(4, 8, 1, 2)
        self.loss_fn = nn.BCEWithLogitsLoss(pos_weight=torch.tensor([2.0, 1.0]))

    def forward(self, x):
        return self.model(x)
