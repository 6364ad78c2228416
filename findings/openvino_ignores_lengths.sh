#!/usr/bin/env bash
# OpenVINO answers a padded batch as if there were no padding, unless every axis of X is fixed.
#
# Behaviour  `sequence_lens` of an ONNX LSTM or GRU is used where seq and batch are numbers in the
#            file. With one symbolic axis, as every exporter of dynamic shapes writes, it is still
#            an input of the compiled model, must be given, and changes nothing: rows are read
#            through their padding. Peepholes (P) and `input_forget` are dropped as silently, for
#            any shape.
# Expected   a short row is answered as if it were alone, or the model is refused
# Seen       openvino 2026.4.1, onnxruntime 1.32.0, onnx 1.23.2
#            LSTM, seq x batch: answers as without lengths, 0.40 off
#            LSTM, 6 x batch: answers as without lengths, 0.40 off
#            LSTM, seq x 2: answers as without lengths, 0.40 off
#            LSTM, 6 x 2: right
#            GRU, seq x batch: answers as without lengths, 0.28 off
#            GRU, 6 x batch: answers as without lengths, 0.28 off
#            GRU, seq x 2: answers as without lengths, 0.28 off
#            GRU, 6 x 2: right
#            P is not used
#            input_forget is not used
pins=(openvino==2026.4.1 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF'
import numpy as np
import openvino
from tiny_onnx import answers, changed, recurrent

rng = np.random.default_rng(1)
x = rng.normal(size=(6, 2, 3)).astype(np.float32)  # (seq, batch, input_size)
P = rng.normal(size=(1, 12)).astype(np.float32)


def in_openvino(model, **feed):
    """The model's outputs on the CPU, in float32."""
    core = openvino.Core()
    settings = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(model.SerializeToString()), "CPU", settings)
    return list(compiled([feed[port.any_name] for port in compiled.inputs]).values())


def away(a, b):
    return np.abs(a - b).max()


for op in ("LSTM", "GRU"):
    for seq, batch in (("seq", "batch"), (6, "batch"), ("seq", 2), (6, 2)):
        inputs = f", int32[{batch}] lengths"
        model = recurrent(op, seq=seq, batch=batch, names=", lengths", inputs=inputs)
        lengths = np.array([6, 3], np.int32)
        answer = in_openvino(model, X=x, lengths=lengths)[1]
        error = away(answer, answers(model, X=x, lengths=lengths)[1])
        whole = away(answer, answers(model, X=x, lengths=np.array([6, 6], np.int32))[1])
        found = "right" if error < 1e-5 else f"answers as without lengths, {error:.2f} off"
        print(f"{op}, {seq} x {batch}: {found}")
        if (error < 1e-5) != ((seq, batch) == (6, 2)) or (error > 1e-5 and whole > 1e-5):
            changed(f"{op}, {seq} x {batch}")

plain = answers(recurrent(), X=x)[1]
peepholes = recurrent(names=", , , , P", inputs=", float[1, 12] P")
coupled = recurrent(attributes=", input_forget = 1")
for name, model, feed in (("P", peepholes, {"P": P}), ("input_forget", coupled, {})):
    unused = away(in_openvino(model, X=x, **feed)[1], plain) < 1e-5
    print(f"{name} is {'not used' if unused else 'used'}")
    assert away(answers(model, X=x, **feed)[1], plain) > 1e-2
    if not unused:
        changed(name)
EOF
