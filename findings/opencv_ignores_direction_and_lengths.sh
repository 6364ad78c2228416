#!/usr/bin/env bash
# OpenCV reads a backward GRU forward, and ignores lengths where nobody expects it.
#
# Behaviour  a GRU with direction "reverse" answers as one with "forward"; an LSTM so reads its
#            steps backward, but hands out as Y_h and Y_c the states after its first step.
#            `sequence_lens` is ignored by a GRU. An LSTM that gets it is refused, and one that gets
#            it and an initial state, too, is accepted and ignores it: then rows are read through
#            their padding.
# Expected   what the operator defines, or a refusal
# Seen       opencv-python-headless 5.0.0.93, onnxruntime 1.32.0, onnx 1.23.2
#            GRU, reverse: Y as of the same GRU forward
#            LSTM, reverse: Y right, Y_h the state after one step
#            GRU, lengths: as without lengths, 0.28 off
#            LSTM, lengths: refused
#            LSTM, lengths and initial state: as without lengths, 0.40 off
pins=(opencv-python-headless==5.0.0.93 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF' 2>log || { tail -1 log; exit 1; }
import cv2
import numpy as np
from tiny_onnx import answers, changed, recurrent

rng = np.random.default_rng(1)
x = rng.normal(size=(6, 2, 3)).astype(np.float32)  # (seq, batch, input_size)
state = np.zeros((1, 2, 4), np.float32)  # (1, batch, hidden_size)
LENGTHS = {"lengths": np.array([6, 3], np.int32)}
WHOLE = {"lengths": np.array([6, 6], np.int32)}


def in_opencv(model, **feed):
    """Y, Y_h and so on."""
    net = cv2.dnn.readNetFromONNX(np.frombuffer(model.SerializeToString(), np.uint8))
    for name, array in feed.items():
        net.setInput(array, name)
    return net.forward([output.name for output in model.graph.output])


def same(a, b):
    return np.abs(a - b).max() < 1e-5


def layer(op, attributes="", names="", inputs=""):
    return recurrent(op, seq=6, batch=2, attributes=attributes, names=names, inputs=inputs)


def show(what, found, holds):
    print(f"{what}: {found}")
    if not holds:
        changed(what)


backward = ', direction = "reverse"'
found = in_opencv(layer("GRU", backward), X=x)
right = answers(layer("GRU", backward), X=x)
forward = answers(layer("GRU"), X=x)
holds = same(found[0], forward[0]) and not same(found[0], right[0])
show("GRU, reverse", "Y as of the same GRU forward", holds)

found = in_opencv(layer("LSTM", backward), X=x)
right = answers(layer("LSTM", backward), X=x)
holds = same(found[0], right[0]) and same(found[1][0], right[0][-1, 0])
holds = holds and not same(found[1], right[1])
show("LSTM, reverse", "Y right, Y_h the state after one step", holds)


def ignores(what, model, **feed):
    """Show that a model answers for two lengths as for whole rows."""
    found = in_opencv(model, X=x, **LENGTHS, **feed)[1]
    off = np.abs(found - answers(model, X=x, **LENGTHS, **feed)[1]).max()
    holds = same(found, answers(model, X=x, **WHOLE, **feed)[1]) and off > 1e-2
    show(what, f"as without lengths, {off:.2f} off", holds)


ignores("GRU, lengths", layer("GRU", "", ", lengths", ", int32[2] lengths"))
try:
    in_opencv(layer("LSTM", "", ", lengths", ", int32[2] lengths"), X=x, **LENGTHS)
    changed("LSTM, lengths")
except cv2.error:
    print("LSTM, lengths: refused")
given = ", int32[2] lengths, float[1, 2, 4] h, float[1, 2, 4] c"
model = layer("LSTM", "", ", lengths, h, c", given)
ignores("LSTM, lengths and initial state", model, h=state, c=state)
EOF
