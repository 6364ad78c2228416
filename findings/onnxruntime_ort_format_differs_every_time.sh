#!/usr/bin/env bash
# ONNX Runtime writes the same model in its own format as other bytes from time to time.
#
# Behaviour  twenty sessions of one process, given the same bytes and the same options, do not write
#            the same `.ort` file, at any level of optimization: a list of operators in it has
#            another order. The files have the same size, differ in about a hundred bytes, and give
#            the same bits.
# Expected   the same model and options give the same file, whose checksum can be signed or compared
# Seen       onnxruntime 1.32.0, onnx 1.23.2
#            ORT_DISABLE_ALL: 20 files of 1 size, 2 of them different;
#              they differ in up to 113 bytes
#            ORT_ENABLE_BASIC: 20 files of 1 size, 2 of them different;
#              they differ in up to 113 bytes
#            their answers are the same bits
pins=(onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF'
from pathlib import Path

import numpy as np
import onnxruntime
from tiny_onnx import answers, changed, recurrent

model = recurrent()
x = np.random.default_rng(1).normal(size=(6, 2, 3)).astype(np.float32)
levels = onnxruntime.GraphOptimizationLevel
for level in (levels.ORT_DISABLE_ALL, levels.ORT_ENABLE_BASIC):
    files = []
    for _ in range(20):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = level
        options.optimized_model_filepath = "model.ort"
        options.add_session_config_entry("session.save_model_format", "ORT")
        answer = answers(model, options, X=x)
        files.append(Path("model.ort").read_bytes())
        assert np.array_equal(answer[0], answers("model.ort", X=x)[0])
    sizes = {len(data) for data in files}
    different = len(set(files))
    arrays = [np.frombuffer(data, np.uint8) for data in files if len(data) == len(files[0])]
    places = [np.flatnonzero(arrays[0] != other) for other in arrays]
    most = max(map(len, places))
    print(f"{level.name}: 20 files of {len(sizes)} size, {different} of them different; ", end="")
    print(f"they differ in up to {most} bytes")
    if different == 1:
        changed("the same model gives the same file")
print("their answers are the same bits")
EOF
