#!/usr/bin/env bash
# emx-onnx-cgen writes C whose backward LSTM answers every step with that of another one.
#
# Behaviour  the steps of a backward layer stand in Y in the order in which they were computed, the
#            last step first. So in a bidirectional LSTM a step's forward half lies beside the
#            backward half of the step as far from the other end. Y_h and Y_c are right, and so is
#            the forward half; `compile` says nothing. (`verify` of the same tool fails the file.)
# Expected   Y[t] is step t in both directions, as PyTorch and ONNX Runtime have it
# Needs      a C compiler
# Seen       emx-onnx-cgen 1.4.0, onnxruntime 1.32.0, onnx 1.23.2
#            Y, forward half: 6e-08 off
#            Y, backward half: 0.45 off; 6e-08 off with its steps reversed
#            Y_h: 6e-08 off
pins=(emx-onnx-cgen==1.4.0 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

cat > run.py <<'EOF'
import ctypes

import numpy as np
import onnx
from tiny_onnx import answers, changed

x = np.random.default_rng(1).normal(size=(6, 2, 3)).astype(np.float32)  # (seq, batch, input_size)
right = answers(onnx.load("layer.onnx"), X=x)
shapes = ((6, 2, 2, 4), (2, 2, 4), (2, 2, 4))  # of Y, Y_h and Y_c: (directions, batch, hidden_size)
outputs = [np.zeros(shape, np.float32) for shape in shapes]
arrays = [x, *outputs]
ctypes.CDLL("./layer.so").layer(*(ctypes.c_void_p(array.ctypes.data) for array in arrays))


def away(a, b):
    return np.abs(a - b).max()


forward = away(outputs[0][:, 0], right[0][:, 0])
backward = away(outputs[0][:, 1], right[0][:, 1])
flipped = away(outputs[0][::-1, 1], right[0][:, 1])
states = away(outputs[1], right[1])
print(f"Y, forward half: {forward:.0e} off")
print(f"Y, backward half: {backward:.2f} off; {flipped:.0e} off with its steps reversed")
print(f"Y_h: {states:.0e} off")
if max(forward, flipped, states) > 1e-5 or backward < 1e-2:
    changed("the order of the backward steps")
EOF
"$python" <<'EOF'
import onnx
from tiny_onnx import recurrent

onnx.save(recurrent(seq=6, batch=2, directions=2), "layer.onnx")
EOF
compile=(venv/bin/emx-onnx-cgen compile layer.onnx layer.c --model-name layer)
"${compile[@]}" >log 2>&1 || { tail -1 log; exit 1; }
cc -std=c99 -O1 -shared -fPIC -o layer.so layer.c -lm
"$python" run.py
