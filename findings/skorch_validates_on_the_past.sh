#!/usr/bin/env bash
# skorch validates a regressor on the earliest fifth of a series, and trains on what comes after
# it.
#
# Behaviour  NeuralNetRegressor's default split takes the first 20 % of the rows, in order. For
#            windows cut from a series in order of time, early stopping so judges the model on the
#            past of its training data, with windows that overlap the training part at the seam.
# Expected   a random fifth, or the last one
# Seen       skorch 1.4.0, torch 2.13.0
#            100 windows in order of time: validated on 0 to 19, trained on 20 to 99
pins=(skorch==1.4.0 torch==2.13.0 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF'
import numpy as np
from skorch import NeuralNetRegressor
from torch import nn

seen = {True: set(), False: set()}  # training or not -> the windows that the module was given


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 2, batch_first=True)
        self.fc = nn.Linear(2, 1)

    def forward(self, x):
        seen[self.training].update(x[:, 0, 0].int().tolist())
        return self.fc(self.lstm(x)[0][:, -1])


starts = np.arange(100, dtype=np.float32)
windows = starts[:, None, None] + np.arange(8, dtype=np.float32)[None, :, None]  # (windows, seq, 1)
NeuralNetRegressor(Model, max_epochs=1, verbose=0).fit(windows, starts[:, None])
trained = sorted(seen[True])
validated = sorted(seen[False])
print(
    f"100 windows in order of time: validated on {validated[0]} to {validated[-1]}, "
    f"trained on {trained[0]} to {trained[-1]}"
)
if validated != list(range(20)) or trained != list(range(20, 100)):
    raise SystemExit("changed: which windows validate")
EOF
