#!/usr/bin/env bash
# The first ONNX Runtime session decides for the whole process whether denormal numbers are zero.
#
# Behaviour  `session.set_denormal_as_zero` is a setting of a session. The first session of a
#            process sets the processor's mode for its thread: numpy, too, rounds denormals to zero
#            from then on, later sessions that ask for the opposite change nothing, and neither
#            does deleting the session. It holds the other way round: after a first session without
#            the setting a later one that asks for it does not get it.
# Expected   each session computes as its own options say, and nothing outside of it changes
# Seen       onnxruntime 1.32.0, onnx 1.23.2
#            first session 1: numpy computes 1e-40 * 1 as 0, a later session 0 answers 0
#            first session 0: numpy computes 1e-40 * 1 as 1e-40, a later session 1 answers 1e-40
pins=(onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

cat > order.py <<'EOF'
import sys

import numpy as np
import onnxruntime
from onnx import parser

first = sys.argv[1]
second = {"1": "0", "0": "1"}[first]
TINY = np.array([1e-40], np.float32)  # a denormal: the smallest normal float32 is 1.2e-38
model = parser.parse_model(
    """
    <ir_version: 8, opset_import: ["" : 17]>
    product (float[1] X, float[1] Z) => (float[1] Y) { Y = Mul(X, Z) }
    """
)


def open_session(value):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.set_denormal_as_zero", value)
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


feed = {"X": TINY, "Z": np.ones(1, np.float32)}
session = open_session(first)
session.run(None, feed)
del session
later = open_session(second).run(None, feed)[0]
numpy = TINY * np.ones(1, np.float32)
print(
    f"first session {first}: numpy computes 1e-40 * 1 as {numpy[0]:.2g}, "
    f"a later session {second} answers {later[0]:.2g}"
)
zero = first == "1"
if (numpy[0] == 0) != zero or (later[0] == 0) != zero:
    raise SystemExit("changed: the first session no longer decides")
EOF
"$python" order.py 1
"$python" order.py 0
