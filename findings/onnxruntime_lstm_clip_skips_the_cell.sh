#!/usr/bin/env bash
# ONNX Runtime's LSTM clips what enters the gates, and not what enters the cell's tanh.
#
# Behaviour  the operator's text has `clip` applied to the input of the activations, of which there
#            are three, f, g and h. The runtime clips the inputs of f and g; the cell state goes
#            into h as it is. OpenVINO does the same.
# Expected   h, too, sees no input beyond the threshold
# Seen       onnxruntime 1.32.0, onnx 1.23.2
#            largest cell state 0.76, threshold 0.5
#            difference to gates clipped 2e-06, to gates and cell clipped 0.63
pins=(onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF'
import numpy as np
from tiny_onnx import answers, changed, recurrent, weights

CLIP = 0.5
model = recurrent(attributes=f", clip = {CLIP}", scale=1.0, hidden_size=64)
x = np.ones((30, 1, 3), np.float32)  # (seq, batch, input_size): constant, so that the cell fills up


def sigmoid(v):
    return 1 / (1 + np.exp(-v))


def clipped(v):
    return np.clip(v, -CLIP, CLIP)


def forward(clip_cell):
    """The equations of the operator in float64: the last h and c, (batch, hidden_size)."""
    arrays = weights(model)
    bias = arrays["B"][0, :256] + arrays["B"][0, 256:]
    h = c = np.zeros((1, 64))
    for x_t in x:
        gates = clipped(x_t @ arrays["W"][0].T + h @ arrays["R"][0].T + bias)
        i, o, f, g = np.split(gates, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(clipped(c) if clip_cell else c)
    return h, c


answer = answers(model, X=x)[1][0]
gates, cell = forward(clip_cell=False)
both, _ = forward(clip_cell=True)
to_gates = np.abs(answer - gates).max()
to_both = np.abs(answer - both).max()
print(f"largest cell state {np.abs(cell).max():.2f}, threshold {CLIP}")
print(f"difference to gates clipped {to_gates:.0e}, to gates and cell clipped {to_both:.2f}")
if to_gates > 1e-5 or to_both < 1e-2:
    changed("what clip clips")
EOF
