#!/usr/bin/env bash
# A .joblib file of weights is a pickle with raw array bytes between its opcodes.
#
# Behaviour  joblib.dump writes an array's values into the middle of the pickle stream, after the
#            small object that stands for the array: one byte that says how much padding follows,
#            0xff up to a multiple of 16, then the values. So `pickle.load` and `pickletools` fail
#            at the first array, and a reader that does not run pickles has to know this layout.
# Expected   a pickle, with arrays as numpy pickles them
# Seen       joblib 1.6.0
#            pickletools: stops at the first array
#            before the values: a byte that says 10, then 10 bytes 0xff; they start at 256 = 16 * 16
pins=(joblib==1.6.0 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF'
import io
import pickletools
from pathlib import Path

import joblib
import numpy as np

weight = np.arange(12, dtype=np.float32).reshape(4, 3)
joblib.dump(
    {"lstm.weight_ih_l0": weight, "lstm.bias_ih_l0": np.ones(4, np.float32)}, "model.joblib"
)
data = Path("model.joblib").read_bytes()
try:
    pickletools.dis(data, out=io.StringIO())
except ValueError:
    print("pickletools: stops at the first array")
else:
    raise SystemExit("changed: the file is a whole pickle")
start = data.index(weight.tobytes())
padding = len(data[:start]) - len(data[:start].rstrip(b"\xff"))
length = data[start - padding - 1]
print(
    f"before the values: a byte that says {length}, then {padding} bytes 0xff; "
    f"they start at {start} = 16 * {start // 16}"
)
if length != padding or start % 16:
    raise SystemExit("changed: the padding")
EOF
