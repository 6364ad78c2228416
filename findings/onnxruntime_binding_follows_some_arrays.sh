#!/usr/bin/env bash
# An array bound to ONNX Runtime's io_binding is followed if it is contiguous, and copied once if
# not.
#
# Behaviour  `bind_cpu_input` keeps the memory of a contiguous array: values written into it later
#            are what the next run reads. A strided view, one column of sensors for instance, is
#            copied when it is bound, without a word, and every run after that answers the first
#            sample. On the way out, `get_outputs()[0].numpy()` of a bound output is a view, which
#            the next run overwrites.
# Expected   all arrays are followed, or none; an answer that was handed out stays as it is
# Seen       onnxruntime 1.32.0, onnx 1.23.2
#            contiguous array: the second run sees the second sample
#            the first answer after the second run: overwritten
#            strided array: the second run sees the first sample
pins=(onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF'
import numpy as np
import onnxruntime
from tiny_onnx import answers, changed, recurrent

model = recurrent()
first = np.zeros((1, 1, 3), np.float32)  # (seq, batch, input_size)
second = np.ones((1, 1, 3), np.float32)
right = {name: answers(model, X=x)[1] for name, x in (("first", first), ("second", second))}
session = onnxruntime.InferenceSession(model.SerializeToString())
layouts = {
    "contiguous": np.zeros((1, 1, 3), np.float32),
    "strided": np.zeros((1, 1, 6), np.float32)[:, :, ::2],
}
for layout, x in layouts.items():
    answer = onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros((1, 1, 4), np.float32))
    binding = session.io_binding()
    binding.bind_cpu_input("X", x)
    binding.bind_output("Y", "cpu")
    binding.bind_ortvalue_output("Y_h", answer)
    binding.bind_output("Y_c", "cpu")
    session.run_with_iobinding(binding)
    handed_out = binding.get_outputs()[1].numpy()
    assert np.array_equal(handed_out, right["first"])
    x[:] = 1
    session.run_with_iobinding(binding)
    now = answer.numpy()
    seen = "second" if np.array_equal(now, right["second"]) else "first"
    assert np.array_equal(now, right[seen])
    print(f"{layout} array: the second run sees the {seen} sample")
    if (seen == "first") != (layout == "strided"):
        changed(f"a {layout} array")
    if layout == "contiguous":
        overwritten = np.array_equal(handed_out, right["second"])
        print(f"the first answer after the second run: {'overwritten' if overwritten else 'kept'}")
        if not overwritten:
            changed("an answer that was handed out is kept")
EOF
