#!/usr/bin/env bash
# An int8 LSTM of ONNX Runtime answers each step differently depending on later steps, padding and
# other rows.
#
# Behaviour  quantize_dynamic turns an LSTM into a DynamicQuantizeLSTM, which scales its whole
#            input tensor by one number, taken from the largest value in it. A loud last step, what
#            stands after `sequence_lens`, and the batch's other rows therefore move answers that
#            do not depend on them. In float32 not one bit moves.
# Expected   the scale is taken step by step, so that an answer depends on its own past alone
# Seen       onnxruntime 1.32.0, onnx 1.23.2
#            a last step 10 times as loud moves earlier answers: float32 0, int8 13 % of the spread
#            padding after sequence_lens moves its own row: float32 0, int8 26 % of the spread
#            padding after sequence_lens moves the other row: float32 0, int8 19 % of the spread
pins=(onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF'
import logging

import numpy as np
import onnx
from onnxruntime.quantization import quantize_dynamic
from tiny_onnx import answers, changed, recurrent

logging.disable(logging.WARNING)
model = recurrent(
    input_size=10, hidden_size=50, names=", lengths", inputs=", int32[batch] lengths", scale=0.1
)
quantize_dynamic(model, "int8.onnx")
assert [node.op_type for node in onnx.load("int8.onnx").graph.node] == ["DynamicQuantizeLSTM"]

x = np.random.default_rng(1).normal(size=(16, 2, 10)).astype(np.float32)  # (seq, batch, input_size)
whole = np.array([16, 16], np.int32)
short = np.array([16, 8], np.int32)
loud_end = x.copy()
loud_end[-1] *= 10
loud_padding = x.copy()
loud_padding[8:, 1] *= 10


def moved(file, louder, lengths, steps, row):
    """The largest change of a row's answers in those steps, as a share of the answers' spread."""
    before = answers(file, X=x, lengths=lengths)[0]
    after = answers(file, X=louder, lengths=lengths)[0]
    return np.abs(after - before)[steps, 0, row].max() / before.std()


cases = {
    "a last step 10 times as loud moves earlier answers": (loud_end, whole, slice(0, 15), 0),
    "padding after sequence_lens moves its own row": (loud_padding, short, slice(0, 8), 1),
    "padding after sequence_lens moves the other row": (loud_padding, short, slice(0, 16), 0),
}
for text, case in cases.items():
    exact = moved(model, *case)
    int8 = moved("int8.onnx", *case)
    print(f"{text}: float32 {exact:g}, int8 {int8:.0%} of the spread".replace("%", " %"))
    if exact != 0 or int8 < 0.02:
        changed(text)
EOF
