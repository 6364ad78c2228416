#!/usr/bin/env bash
# In ONNX Runtime the last bits of Elu, Selu, Softplus and Log depend on where a number stands.
#
# Behaviour  most of a tensor is computed several numbers at once, and its rest one by one, by
#            other code. So the same number is answered with other bits at another place, in a
#            longer batch or beside other rows. Tanh, Sigmoid, Exp and Erf give the same.
# Expected   an elementwise function depends on the element alone
# Seen       onnxruntime 1.32.0, onnx 1.23.2
#            of 300 numbers, each in tensors of 1 to 11 copies, answered in more than one way:
#            Elu 50, Selu 49, Softplus 146, Log 93, Tanh 0, Sigmoid 0, Exp 0, Erf 0
pins=(onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF'
import numpy as np
import onnxruntime
from onnx import parser
from tiny_onnx import changed

FOLLOW = ("Elu", "Selu", "Softplus", "Log")
STAY = ("Tanh", "Sigmoid", "Exp", "Erf")
numbers = np.abs(np.random.default_rng(0).normal(size=300)).astype(np.float32)
counts = {}
for op in (*FOLLOW, *STAY):
    graph = f"g (float[n] x) => (float[n] y) {{ y = {op}(x) }}"
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {graph}')
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    counts[op] = 0
    for number in numbers if op == "Log" else -numbers:  # Elu and Selu curve below 0
        answers = set()
        for copies in range(1, 12):
            answers |= set(session.run(None, {"x": np.full(copies, number)})[0].tolist())
        counts[op] += len(answers) > 1
print("of 300 numbers, each in tensors of 1 to 11 copies, answered in more than one way:")
print(", ".join(f"{op} {count}" for op, count in counts.items()))
if not all(counts[op] for op in FOLLOW) or any(counts[op] for op in STAY):
    changed("whose bits follow the place")
EOF
