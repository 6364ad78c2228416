#!/usr/bin/env bash
# onnx's own ReferenceEvaluator runs an LSTM without its lengths, activations and clip.
#
# Behaviour  `sequence_lens`, `activations`, `clip` and `input_forget` are accepted and not used:
#            the answers are those of the plain LSTM, to the last bit. So it cannot judge a file
#            with lengths; a runtime that ignores them, too, would pass.
# Expected   the reference computes what the operator's text says, or raises NotImplementedError
# Seen       onnx 1.23.2, onnxruntime 1.32.0
#            lengths: as if absent: True; ONNX Runtime moves by 0.40
#            activations: as if absent: True; ONNX Runtime moves by 0.65
#            clip: as if absent: True; ONNX Runtime moves by 0.49
#            input_forget: as if absent: True; ONNX Runtime moves by 0.09
pins=(onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF'
import numpy as np
from onnx.reference import ReferenceEvaluator
from tiny_onnx import answers, changed, recurrent

x = np.random.default_rng(1).normal(size=(6, 2, 3)).astype(np.float32)
lengths = np.array([6, 3], np.int32)
plain = recurrent()
cases = {
    "lengths": (
        recurrent(names=", lengths", inputs=", int32[batch] lengths"),
        {"lengths": lengths},
    ),
    "activations": (recurrent(attributes=', activations = ["Sigmoid", "Relu", "Relu"]'), {}),
    "clip": (recurrent(attributes=", clip = 0.1"), {}),
    "input_forget": (recurrent(attributes=", input_forget = 1"), {}),
}
without = ReferenceEvaluator(plain).run(None, {"X": x})
for name, (model, more) in cases.items():
    answer = ReferenceEvaluator(model).run(None, {"X": x, **more})
    ignored = all(np.array_equal(a, b) for a, b in zip(answer, without, strict=True))
    moved = np.abs(answers(model, X=x, **more)[1] - answers(plain, X=x)[1]).max()
    print(f"{name}: as if absent: {ignored}; ONNX Runtime moves by {moved:.2f}")
    if not ignored or moved < 1e-3:
        changed(name)
EOF
