#!/usr/bin/env bash
# A .nam file of an LSTM does not hold the initial state that was learned.
#
# Behaviour  Neural Amp Modeler's LSTM trains an initial h and c. Its export writes, in their
#            place, the state that the network reaches after 48,000 zeros, a second of silence. A
#            player of the file and the PyTorch module of the same checkpoint therefore start
#            apart, and answer the first samples differently. The biases are stored summed.
# Expected   the exported state is the parameter that was learned
# Seen       neural-amp-modeler 0.13.0, torch 2.13.0
#            learned h 0.90 0.90 0.90, exported h 0.26 -0.16 0.10
#            exported state is the one after 48,000 zeros: True
#            first sample: 0.34 apart
pins=(neural-amp-modeler==0.13.0 torch==2.13.0)
. "$(dirname "$0")/fresh_venv.sh"

"$python" -W ignore 2>log <<'EOF' || { tail -1 log; exit 1; }
import json
from pathlib import Path

import numpy as np
import torch
from nam.models.recurrent import LSTM

HIDDEN = 3
torch.manual_seed(0)
model = LSTM(hidden_size=HIDDEN, num_layers=1).eval()
with torch.no_grad():
    model._initial_hidden.fill_(0.9)  # what training might have found
    model._initial_cell.fill_(-0.9)
model.sample_rate = 48000
model.export(Path())
flat = np.array(json.loads(Path("model.nam").read_text())["weights"], np.float32)

# [W_ih, W_hh] of every gate row, the summed bias, h, c, then the head's weight and bias.
start = 4 * HIDDEN * (1 + HIDDEN) + 4 * HIDDEN
h = flat[start : start + HIDDEN]
c = flat[start + HIDDEN : start + 2 * HIDDEN]
lstm = model._core
with torch.no_grad():
    _, settled = lstm(torch.zeros(1, 48_000, 1))
    is_settled = all(
        np.allclose(a, b[0, 0], atol=1e-5) for a, b in zip((h, c), settled, strict=True)
    )
    x = torch.zeros(1, 1, 1)
    exported = tuple(torch.from_numpy(state.copy())[None, None] for state in (h, c))
    learned = (model._initial_hidden[:, None], model._initial_cell[:, None])
    apart = (
        (model._head(lstm(x, exported)[0]) - model._head(lstm(x, learned)[0])).abs().max().item()
    )


def shown(values):
    return " ".join(f"{value:.2f}" for value in values)


print(f"learned h {shown(model._initial_hidden[0].tolist())}, exported h {shown(h)}")
print(f"exported state is the one after 48,000 zeros: {is_settled}")
print(f"first sample: {apart:.2f} apart")
if not is_settled or apart < 1e-2:
    raise SystemExit("changed: which state a .nam file holds")
EOF
