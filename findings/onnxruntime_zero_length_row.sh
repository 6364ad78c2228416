#!/usr/bin/env bash
# A row of length 0 loses its initial state in ONNX Runtime.
#
# Behaviour  where `sequence_lens` is 0 for a row, its Y_h and Y_c are 0 and not the initial state
#            that it was given. So a sensor without a new sample in this batch forgets its past.
# Expected   no step changes no state: Y_h = initial_h, Y_c = initial_c
# Seen       onnxruntime 1.32.0, onnx 1.23.2
#            LSTM: initial_h -1.23 -0.68 -0.07 -0.94, Y_h 0 0 0 0
#            GRU: initial_h -1.23 -0.68 -0.07 -0.94, Y_h 0 0 0 0
#            RNN: initial_h -1.23 -0.68 -0.07 -0.94, Y_h 0 0 0 0
pins=(onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF'
import numpy as np
from tiny_onnx import answers, changed, recurrent

rng = np.random.default_rng(1)
x = rng.normal(size=(6, 2, 3)).astype(np.float32)  # (seq, batch, input_size)
state = rng.normal(size=(1, 2, 4)).astype(np.float32)  # (1, batch, hidden_size)
lengths = np.array([6, 0], np.int32)
for op in ("LSTM", "GRU", "RNN"):
    names = ", lengths, h"
    inputs = ", int32[batch] lengths, float[1, batch, 4] h"
    feed = {"X": x, "lengths": lengths, "h": state}
    if op == "LSTM":
        names += ", c"
        inputs += ", float[1, batch, 4] c"
        feed["c"] = state
    states = answers(recurrent(op, names=names, inputs=inputs), **feed)[1:]
    given = " ".join(f"{value:.2f}" for value in state[0, 1])
    kept = " ".join(f"{value:g}" for value in states[0][0, 1])
    print(f"{op}: initial_h {given}, Y_h {kept}")
    if any(array[0, 1].any() for array in states):
        changed(f"{op} keeps something of a row of length 0")
EOF
