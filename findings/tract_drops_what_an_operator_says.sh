#!/usr/bin/env bash
# tract runs a relu RNN as a tanh RNN, a backward GRU forward, and CELU without its alpha.
#
# Behaviour  `activations` and `clip` of RNN and GRU are not read, nor is direction "reverse" (it
#            does read "bidirectional"), and Celu is computed as max(0, x) + min(0, exp(x / alpha)
#            - 1), which lacks the factor alpha. Nothing is said while the file is loaded or run.
#            `sequence_lens` and `layout` are refused.
# Expected   what the operator defines, or a refusal as for `sequence_lens`
# Seen       tract 0.23.9, onnxruntime 1.32.0, onnx 1.23.2
#            relu RNN: 1.21 off; 2e-07 off from a tanh RNN
#            GRU with clip: 0.61 off; 1e-07 off from one without
#            GRU, reverse: 0.87 off; 1e-07 off from the same GRU forward
#            Celu, alpha 0.5: 0.50 off; 6e-08 off from exp(x / 0.5) - 1 where x < 0
pins=(tract==0.23.9 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF'
import numpy as np
import onnx
import tract
from onnx import parser
from tiny_onnx import answers, changed, recurrent

x = np.random.default_rng(1).normal(size=(6, 2, 3)).astype(np.float32)  # (seq, batch, input_size)


def in_tract(model, x):
    """The first output."""
    onnx.save(model, "model.onnx")
    runnable = tract.onnx().load("model.onnx").into_model().into_runnable()
    return runnable.run([x])[0].to_numpy()


def away(a, b):
    return np.abs(a - b).max()


def show(what, found, right, taken, as_what):
    """Show that an answer is not the right one, and is the one that was taken for it."""
    off = away(found, right)
    to_taken = away(found, taken)
    print(f"{what}: {off:.2f} off; {to_taken:.0e} off from {as_what}")
    if off < 1e-2 or to_taken > 1e-5:
        changed(what)


def layer(op, attributes=""):
    return recurrent(op, seq=6, batch=2, attributes=attributes)


for what, op, attributes, as_what in (
    ("relu RNN", "RNN", ', activations = ["Relu"]', "a tanh RNN"),
    ("GRU with clip", "GRU", ", clip = 0.3", "one without"),
    ("GRU, reverse", "GRU", ', direction = "reverse"', "the same GRU forward"),
):
    model = layer(op, attributes)
    taken = answers(layer(op), X=x)[0]
    show(what, in_tract(model, x), answers(model, X=x)[0], taken, as_what)

ALPHA = 0.5
celu = parser.parse_model(
    f"""
    <ir_version: 8, opset_import: ["" : 17]>
    layer (float[6, 2, 3] X) => (float[6, 2, 3] Y) {{ Y = Celu <alpha = {ALPHA}> (X) }}
    """
)
without = np.where(x < 0, np.exp(x / ALPHA) - 1, x)
as_what = f"exp(x / {ALPHA}) - 1 where x < 0"
show(f"Celu, alpha {ALPHA}", in_tract(celu, x), answers(celu, X=x)[0], without, as_what)
EOF
