"""LSTM regressors as people write them that take every window by itself."""

from __future__ import annotations

import torch
from torch import nn


class LessLast(nn.Module):
    """The last value taken off, and added back to every step of the horizon."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 8, batch_first=True)
        self.fc = nn.Linear(8, 6)

    def forward(self, x):
        last = x[:, -1:, :]
        out, _ = self.lstm(x - last)
        return self.fc(out[:, -1]) + last[:, 0]


class LessMean(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, 8, batch_first=True)
        self.fc = nn.Linear(8, 2)

    def forward(self, x):
        mean = x.mean(dim=1, keepdim=True)
        out, _ = self.lstm(x - mean)
        return self.fc(out[:, -1]) + mean.squeeze(1)


class Standardised(LessMean):
    """Every window by its own mean and deviation, and the answer in its units again."""

    def forward(self, x):
        mean = x.mean(dim=1)
        std = x.std(dim=1) + 1e-6
        out, _ = self.lstm((x - mean.unsqueeze(1)) / std.unsqueeze(1))
        return self.fc(out[:, -1]) * std + mean


class ReversibleNorm(nn.Module):
    """RevIN: its statistics stay on the module until the answer gets them back."""

    eps = 1e-5

    def __init__(self):
        super().__init__()
        self.gain = nn.Parameter(torch.tensor([1.5, 0.5]))
        self.shift = nn.Parameter(torch.tensor([0.25, -0.5]))

    def normalise(self, x):
        self.mean = x.mean(dim=1, keepdim=True).detach()
        self.std = torch.sqrt(x.var(dim=1, keepdim=True, unbiased=False) + self.eps).detach()
        return (x - self.mean) / self.std * self.gain + self.shift

    def restore(self, y):
        return (y - self.shift) / (self.gain + self.eps**2) * self.std + self.mean


class RevIN(nn.Module):
    """A horizon of three steps for each of two series."""

    def __init__(self):
        super().__init__()
        self.norm = ReversibleNorm()
        self.lstm = nn.LSTM(2, 8, batch_first=True)
        self.fc = nn.Linear(8, 6)

    def forward(self, x):
        out, _ = self.lstm(self.norm.normalise(x))
        return self.norm.restore(self.fc(out[:, -1]).view(-1, 3, 2))
