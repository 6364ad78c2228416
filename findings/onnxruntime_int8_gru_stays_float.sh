#!/usr/bin/env bash
# Quantizing a GRU with ONNX Runtime succeeds and quantizes nothing.
#
# Behaviour  quantize_dynamic writes a file in which the GRU (or RNN) is the float32 node that it
#            was, of the same size, without an error and without naming the node that it left
#            alone.
# Expected   as an LSTM, a GRU becomes int8, or the call says that it cannot
# Seen       onnxruntime 1.32.0, onnx 1.23.2
#            LSTM: DynamicQuantizeLSTM, 28 % of the size
#            GRU: GRU, 100 % of the size, the same bits
#            RNN: RNN, 100 % of the size, the same bits
pins=(onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF'
import io
import logging
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import quantize_dynamic
from tiny_onnx import answers, changed, recurrent

log = io.StringIO()
logging.basicConfig(stream=log)
x = np.random.default_rng(1).normal(size=(16, 2, 10)).astype(np.float32)
for op in ("LSTM", "GRU", "RNN"):
    model = recurrent(op, input_size=10, hidden_size=64)
    quantize_dynamic(model, "int8.onnx")
    size = Path("int8.onnx").stat().st_size / len(model.SerializeToString())
    node = onnx.load("int8.onnx").graph.node[0].op_type
    same = np.array_equal(answers(model, X=x)[0], answers("int8.onnx", X=x)[0])
    print(f"{op}: {node}, {size * 100:.0f} % of the size{', the same bits' if same else ''}")
    if same == (op == "LSTM"):
        changed(f"what becomes of a {op}")
if "GRU" in log.getvalue():
    changed("the log names the node")
EOF
