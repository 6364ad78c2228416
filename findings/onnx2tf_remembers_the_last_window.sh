#!/usr/bin/env bash
# The .tflite that onnx2tf makes of an LSTM answers a window as if it went on from the last one.
#
# Behaviour  h and c become variable tensors of the file, which keep their values from one `invoke`
#            to the next: the same window is answered differently each time, the first time rightly.
#            So is a plain RNN; a GRU starts anew. `reset_all_variables` before each call makes it
#            right. A check of the conversion that asks once sees nothing. Also, where a learned
#            initial state stands in the file, Y_h and Y_c are that state and not the last one, and
#            `activations` of an LSTM are not read.
# Expected   each call starts from zero or from initial_h, as ONNX has no state between calls
# Needs      Python 3.12 as `python3.12`
# Seen       onnx2tf 2.6.9, ai-edge-litert 2.1.2, onnxruntime 1.26.0, onnx 1.20.1
#            LSTM: first 3e-08 off, second 4e-02 off, after a reset 3e-08 off
#            RNN: first 2e-07 off, second 1e-01 off, after a reset 2e-07 off
#            GRU: first 6e-08 off, second 6e-08 off, after a reset 6e-08 off
#            initial state in the file: Y 9e-08 off, Y_h 8e-01 off
#            Y_h and Y_c are the initial state: True
#            softsign for the cell: 0.18 off; 1e-07 off from tanh
pins=(onnx2tf==2.6.9 ai-edge-litert==2.1.2 onnxruntime==1.26.0 onnx==1.20.1 numpy==2.2.6)
python3() { python3.12 "$@"; }
. "$(dirname "$0")/fresh_venv.sh"

cat >convert.py <<'EOF'
import onnx2tf

onnx2tf.convert(input_onnx_file_path="model.onnx", output_folder_path=".", non_verbose=True)
EOF

"$python" -W ignore 2>log <<'EOF' || { tail -1 log; exit 1; }
import subprocess
import sys

import numpy as np
import onnx
from ai_edge_litert.interpreter import Interpreter
from onnx import numpy_helper
from tiny_onnx import answers, changed, recurrent

rng = np.random.default_rng(1)
x = rng.normal(size=(6, 1, 3)).astype(np.float32)  # (seq, batch, input_size)
H = rng.normal(size=(1, 1, 4)).astype(np.float32)


def in_litert(model):
    """An interpreter of the model, and what asks it for Y, Y_h and, of an LSTM, Y_c of x."""
    onnx.save(model, "model.onnx")
    with open("convert.log", "w") as log:
        subprocess.run([sys.executable, "convert.py"], stdout=log, stderr=log, check=True)
    interpreter = Interpreter("model_float32.tflite")
    interpreter.allocate_tensors()

    def ask():
        (given,) = interpreter.get_input_details()
        interpreter.set_tensor(given["index"], x.reshape(given["shape"]))
        interpreter.invoke()
        places = interpreter.get_output_details()
        return [interpreter.get_tensor(place["index"]).copy() for place in places]

    return interpreter, ask


def away(a, b):
    return np.abs(a.reshape(b.shape) - b).max()


for op in ("LSTM", "RNN", "GRU"):
    reset = ", linear_before_reset = 1" if op == "GRU" else ""
    model = recurrent(op, seq=6, batch=1, attributes=reset)
    right = answers(model, X=x)[1]
    interpreter, ask = in_litert(model)
    first, second = (away(ask()[1], right) for _ in range(2))
    interpreter.reset_all_variables()
    third = away(ask()[1], right)
    print(f"{op}: first {first:.0e} off, second {second:.0e} off, after a reset {third:.0e} off")
    if max(first, third) > 1e-5 or (second > 1e-3) == (op == "GRU"):
        changed(op)

model = recurrent(seq=6, batch=1, names=", , H, H", inputs=", float[1, 1, 4] H")
model.graph.input.pop()
model.graph.initializer.append(numpy_helper.from_array(H, "H"))
right = answers(model, X=x)
Y, Y_h, Y_c = in_litert(model)[1]()
handed_out = all(away(state, H) < 1e-6 for state in (Y_h, Y_c))
off = [away(answer, expected) for answer, expected in zip((Y, Y_h), right, strict=False)]
print(f"initial state in the file: Y {off[0]:.0e} off, Y_h {off[1]:.0e} off")
print(f"Y_h and Y_c are the initial state: {handed_out}")
if off[0] > 1e-5 or off[1] < 1e-3 or not handed_out:
    changed("a given initial state")

softsign = recurrent(seq=6, batch=1, attributes=', activations = ["Sigmoid", "Tanh", "Softsign"]')
Y = in_litert(softsign)[1]()[0]
off = away(Y, answers(softsign, X=x)[0])
to_tanh = away(Y, answers(recurrent(seq=6, batch=1), X=x)[0])
print(f"softsign for the cell: {off:.2f} off; {to_tanh:.0e} off from tanh")
if off < 1e-2 or to_tanh > 1e-5:
    changed("activations")
EOF
