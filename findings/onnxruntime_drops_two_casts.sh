#!/usr/bin/env bash
# ONNX Runtime up to 1.16 takes a Cast to float32 and one back to float64 for nothing.
#
# Behaviour  double x -> Cast to float -> Cast to double is x itself, all digits kept, also with
#            graph optimisation off. So what rounding leaves of a sum, x - double(float(x)), is 0,
#            and a float64 sum that a graph carries as several float32 numbers loses its lower parts.
# Expected   the value that float32 holds
# Seen       onnxruntime 1.16.3, onnx 1.16.2, numpy 1.26.4
#            0.1 rounded to float32 and back: left of it 0, expected -1.49e-09
pins=(onnxruntime==1.16.3 onnx==1.16.2 numpy==1.26.4)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF'
import numpy as np
import onnxruntime
from onnx import parser
from tiny_onnx import changed

model = parser.parse_model(
    """
    <ir_version: 8, opset_import: ["" : 17]>
    rest (double[n] x) => (double[n] left) {
        narrow = Cast <to = 1> (x)
        wide = Cast <to = 11> (narrow)
        left = Sub (x, wide)
    }
    """
)
options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
session = onnxruntime.InferenceSession(model.SerializeToString(), options)
x = np.array([0.1])
(left,) = session.run(None, {"x": x})
expected = x - x.astype(np.float32)
said = f"left of it {left[0]:.3g}, expected {expected[0]:.3g}"
print(f"0.1 rounded to float32 and back: {said}")
if left[0] != 0:
    changed("the two Casts round")
EOF
