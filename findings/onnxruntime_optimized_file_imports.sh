#!/usr/bin/env bash
# A file that ONNX Runtime has optimized imports operator sets that it does not use, and older
# versions refuse it for them.
#
# Behaviour  the file written by `optimized_model_filepath` holds the same LSTM node and gives the
#            same bits, but imports nine operator sets, eight of them unused. An older runtime that
#            runs the original refuses it for one of the eight. The `.ort` file that the same
#            session writes imports as many and is taken by the older runtime.
# Expected   the file needs what its nodes need
# Seen       onnxruntime 1.32.0, onnx 1.23.2
#            operator sets: 1 in the original, 9 in the optimized file; nodes: LSTM
#            onnxruntime 1.16.3 runs original.onnx: largest difference 0e+00
#            onnxruntime 1.16.3 refuses optimized.onnx: support for domain ai.onnx.ml is till opset 3.
#            onnxruntime 1.16.3 runs optimized.ort: largest difference 0e+00
pins=(onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF'
import numpy as np
import onnx
import onnxruntime
from tiny_onnx import answers, changed, recurrent

model = recurrent()
onnx.save(model, "original.onnx")
x = np.random.default_rng(1).normal(size=(6, 2, 3)).astype(np.float32)
for name in ("optimized.onnx", "optimized.ort"):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = name
    if name.endswith(".ort"):
        options.add_session_config_entry("session.save_model_format", "ORT")
    answer = answers(model, options, X=x)
    assert np.array_equal(answer[0], answers(name, X=x)[0])
np.savez("x_and_y.npz", x=x, y=answer[0])
optimized = onnx.load("optimized.onnx")
count = len(optimized.opset_import)
print(
    f"operator sets: {len(model.opset_import)} in the original, {count} in the optimized file; "
    f"nodes: {', '.join(node.op_type for node in optimized.graph.node)}"
)
if count == 1:
    changed("the optimized file imports what it uses")
EOF

python3 -m venv older
older/bin/pip install --quiet --no-compile --disable-pip-version-check \
    onnxruntime==1.16.3 numpy==1.26.4
older/bin/python <<'EOF'
import numpy as np
import onnxruntime

record = np.load("x_and_y.npz")
for name in ("original.onnx", "optimized.onnx", "optimized.ort"):
    try:
        session = onnxruntime.InferenceSession(name, providers=["CPUExecutionProvider"])
    except Exception as error:
        answer = None
        reason = str(error).partition("Current official")[2].strip()
    else:
        answer = session.run(None, {"X": record["x"]})[0]
        reason = f"largest difference {np.abs(answer - record['y']).max():.0e}"
    print(f"onnxruntime 1.16.3 {'refuses' if answer is None else 'runs'} {name}: {reason}")
    if (answer is None) != (name == "optimized.onnx"):
        raise SystemExit(f"changed: {name}")
EOF
