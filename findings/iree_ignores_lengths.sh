#!/usr/bin/env bash
# IREE compiles an LSTM or GRU with lengths, and reads rows through their padding.
#
# Behaviour  `sequence_lens` stays an input of the compiled program, which must be given, and
#            changes nothing: Y_h is the state after the padding.
# Expected   a short row is answered as if it were alone, or the model is refused
# Seen       iree-base-compiler 3.13.0, onnxruntime 1.32.0, onnx 1.23.2
#            LSTM: as without lengths, 0.40 off
#            GRU: as without lengths, 0.27 off
pins=(iree-base-compiler==3.13.0 iree-base-runtime==3.13.0)
pins+=(onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

cat > layers.py <<'EOF'
import numpy as np
from tiny_onnx import recurrent

OPERATORS = ("LSTM", "GRU")
rng = np.random.default_rng(1)
x = rng.normal(size=(6, 2, 3)).astype(np.float32)  # (seq, batch, input_size)


def layer(op):
    # linear_before_reset: the GRU of PyTorch
    attributes = ", linear_before_reset = 1" if op == "GRU" else ""
    inputs = ", int32[2] lengths"
    return recurrent(op, seq=6, batch=2, attributes=attributes, names=", lengths", inputs=inputs)
EOF
cat > write.py <<'EOF'
import onnx
from layers import OPERATORS, layer

for op in OPERATORS:
    onnx.save(layer(op), f"{op}.onnx")
EOF
cat > run.py <<'EOF'
import iree.runtime
import numpy as np
from layers import OPERATORS, layer, x
from tiny_onnx import answers, changed

for op in OPERATORS:
    module = iree.runtime.load_vm_flatbuffer_file(f"{op}.vmfb", driver="local-sync")
    lengths = np.array([6, 3], np.int32)
    answer = module.layer(x, lengths)[1].to_host()  # Y_h
    off = np.abs(answer - answers(layer(op), X=x, lengths=lengths)[1]).max()
    whole = answers(layer(op), X=x, lengths=np.array([6, 6], np.int32))[1]
    print(f"{op}: as without lengths, {off:.2f} off")
    if off < 1e-2 or np.abs(answer - whole).max() > 1e-5:
        changed(op)
EOF
"$python" write.py
target=(--iree-hal-target-device=local --iree-hal-local-target-device-backends=llvm-cpu)
target+=(--iree-llvmcpu-target-cpu=generic)
for op in LSTM GRU; do
    venv/bin/iree-import-onnx "$op.onnx" -o "$op.mlir"
    venv/bin/iree-compile "$op.mlir" "${target[@]}" -o "$op.vmfb"
done >log 2>&1 || { tail -1 log; exit 1; }
"$python" run.py
