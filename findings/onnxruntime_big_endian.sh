#!/usr/bin/env bash
# ONNX Runtime reads a big-endian array as if it were little-endian.
#
# Behaviour  an array of dtype `>f4`, as instruments, FITS and NetCDF files give them, passes the
#            check of its type, and its bytes are taken in the wrong order: the answer is that for
#            other numbers. numpy treats both dtypes as the same values.
# Expected   it is converted, or refused as an array of another type
# Seen       onnxruntime 1.32.0, onnx 1.23.2
#            same values, another byte order: answers differ by 1.5
#            the answer is that for x.byteswap(): True
pins=(onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF'
import numpy as np
from tiny_onnx import answers, changed, recurrent

x = np.random.default_rng(1).normal(size=(6, 2, 3)).astype("<f4")
big = x.astype(">f4")
assert np.array_equal(x, big)
model = recurrent()
right = answers(model, X=x)[1]
given = answers(model, X=big)[1]
swapped = np.array_equal(given, answers(model, X=x.byteswap())[1])
print(f"same values, another byte order: answers differ by {np.abs(given - right).max():.1f}")
print(f"the answer is that for x.byteswap(): {swapped}")
if not swapped:
    changed("big-endian arrays are no longer misread")
EOF
