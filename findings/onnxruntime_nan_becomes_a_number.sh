#!/usr/bin/env bash
# A NaN in the input of an LSTM or GRU comes out of ONNX Runtime as an ordinary number.
#
# Behaviour  after one NaN in X all of that row's answers are finite and look plausible; nothing
#            shows that a sensor failed. A plain RNN node answers NaN, as torch does for all three.
# Expected   NaN in, NaN out
# Seen       onnxruntime 1.32.0, onnx 1.23.2
#            LSTM: 0 of 4 outputs are NaN: -0.05 0.25 0.36 0.58
#            GRU: 0 of 4 outputs are NaN: 0.62 -0.88 -0.10 0.85
#            RNN: 4 of 4 outputs are NaN: nan nan nan nan
pins=(onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF'
import numpy as np
from tiny_onnx import answers, changed, recurrent

x = np.random.default_rng(1).normal(size=(6, 2, 3)).astype(np.float32)
x[2, 1, 0] = np.nan  # the third step of the second row
for op, lost in (("LSTM", 0), ("GRU", 0), ("RNN", 4)):
    last = answers(recurrent(op), X=x)[1][0, 1]
    count = np.isnan(last).sum()
    print(f"{op}: {count} of 4 outputs are NaN: {' '.join(f'{value:.2f}' for value in last)}")
    if count != lost:
        changed(f"a NaN in the input of a {op}")
EOF
