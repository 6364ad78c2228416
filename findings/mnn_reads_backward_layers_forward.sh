#!/usr/bin/env bash
# MNN runs a backward LSTM forward, a relu RNN as a tanh RNN, and rows through their padding.
#
# Behaviour  the converter reads neither direction "reverse" (it does read "bidirectional") nor
#            `clip`, `input_forget`, and the `activations` of RNN and GRU. `sequence_lens` is not
#            an input of the converted model: a short row is answered as if its padding were data;
#            for an LSTM one line of the log says so. Each conversion ends as a success.
#            `activations` and peepholes of an LSTM are refused.
# Expected   what the operator defines, or a refusal as for peepholes
# Seen       mnn 3.6.1, onnxruntime 1.32.0, onnx 1.23.2
#            LSTM, reverse: 0.83 off; 1e-07 off from the same layer forward
#            GRU, reverse: 0.86 off; 1e-07 off from the same layer forward
#            RNN, reverse: 0.64 off; 4e-07 off from the same layer forward
#            LSTM, lengths: 0.43 off; 1e-07 off from one without
#            GRU, lengths: 0.86 off; 1e-07 off from one without
#            RNN, lengths: 0.95 off; 4e-07 off from one without
#            LSTM, clip: 0.59 off; 1e-07 off from one without
#            GRU, clip: 0.60 off; 1e-07 off from one without
#            RNN, clip: 0.69 off; 4e-07 off from one without
#            LSTM, input_forget: 0.17 off; 1e-07 off from one without
#            GRU, softsign: 0.29 off; 1e-07 off from a tanh GRU
#            RNN, relu: 1.21 off; 4e-07 off from a tanh RNN
pins=(mnn==3.6.1 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

# The `mnnconvert` of the wheel reports its use to a server; the function that it calls does not.
cat >convert.py <<'PY'
import _tools

_tools.mnnconvert("x -f ONNX --modelFile model.onnx --MNNModel model.mnn --bizCode x".split())
PY

"$python" <<'EOF'
import subprocess
import sys
from pathlib import Path

import MNN.expr
import MNN.nn
import numpy as np
import onnx
from tiny_onnx import answers, changed, recurrent

x = np.random.default_rng(1).normal(size=(6, 2, 3)).astype(np.float32)  # (seq, batch, input_size)


def in_mnn(model):
    """The first output."""
    onnx.save(model, "model.onnx")
    Path("model.mnn").unlink(missing_ok=True)
    with open("log", "a") as log:
        subprocess.run([sys.executable, "convert.py"], stdout=log, stderr=log, check=True)
    module = MNN.nn.load_module_from_file("model.mnn", ["X"], ["Y"])
    given = MNN.expr.const(x, list(x.shape), MNN.expr.NCHW, MNN.expr.float)
    return np.array(module.onForward([given])[0].read())


def away(a, b):
    return np.abs(a - b).max()


def show(what, model, as_what, **feed):
    """Show that an answer is not the right one, and is that of the layer without `what`."""
    op = model.graph.node[0].op_type
    found = in_mnn(model)
    off = away(found, answers(model, X=x, **feed)[0])
    to_taken = away(found, answers(layer(op), X=x)[0])
    print(f"{op}, {what}: {off:.2f} off; {to_taken:.0e} off from {as_what}")
    if off < 1e-2 or to_taken > 1e-5:
        changed(f"{op}, {what}")


def layer(op, attributes="", **inputs):
    if op == "GRU":
        attributes += ", linear_before_reset = 1"
    return recurrent(op, seq=6, batch=2, attributes=attributes, **inputs)


for op in ("LSTM", "GRU", "RNN"):
    show("reverse", layer(op, ', direction = "reverse"'), "the same layer forward")
for op in ("LSTM", "GRU", "RNN"):
    model = layer(op, names=", lengths", inputs=", int32[2] lengths")
    show("lengths", model, "one without", lengths=np.array([6, 3], np.int32))
for op in ("LSTM", "GRU", "RNN"):
    show("clip", layer(op, ", clip = 0.3"), "one without")
show("input_forget", layer("LSTM", ", input_forget = 1"), "one without")
show("softsign", layer("GRU", ', activations = ["Sigmoid", "Softsign"]'), "a tanh GRU")
show("relu", layer("RNN", ', activations = ["Relu"]'), "a tanh RNN")
EOF
