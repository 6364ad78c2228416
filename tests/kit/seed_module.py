"""The class of the README as a live module, with the one thing that a state_dict cannot show."""

from __future__ import annotations

from typing import Any

from torch import nn


class LSTMModel(nn.Module):
    """Two layers, the last step, something without weights, and a Linear."""

    def __init__(self, hidden: Any = None) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 6, 2, batch_first=True)
        self.fc = nn.Linear(6, 2)
        self.hidden = hidden or nn.Identity()

    def forward(self, x: Any) -> Any:
        return self.fc(self.hidden(self.lstm(x)[0][:, -1, :]))
