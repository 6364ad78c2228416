#!/usr/bin/env bash
# The second LSTM that a process exports with torch.onnx loses its dynamic sequence axis.
#
# Behaviour  torch.onnx.export(dynamo=True) with batch and seq dynamic gives x (batch, seq, 10) the
#            first time in a process, and x (batch, 5, 10) from the second time on, for the same
#            module and arguments, without an exception. An earlier torch.export alone does the
#            same. So a script that exports a list of models gets one that is right.
# Expected   the same call gives the same file
# Seen       torch 2.13.0, onnx 1.23.2, onnxscript 0.7.2
#            export 1: x (batch, seq, 10)
#            export 2: x (batch, 5, 10)
#            export 3: x (batch, 5, 10)
pins=(torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" -W ignore <<'EOF'
import torch
from torch import nn
from torch.export import Dim


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(10, 50, 2, batch_first=True)
        self.fc = nn.Linear(50, 1)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])


model = Model().eval()
shapes = []
for count in (1, 2, 3):
    program = torch.onnx.export(
        model,
        (torch.randn(2, 5, 10),),
        dynamo=True,
        verbose=False,
        dynamic_shapes={"x": {0: Dim("batch"), 1: Dim("seq")}},
    )
    shape = program.model_proto.graph.input[0].type.tensor_type.shape.dim
    shapes.append(", ".join(size.dim_param or str(size.dim_value) for size in shape))
    print(f"export {count}: x ({shapes[-1]})")
if shapes != ["batch, seq, 10", "batch, 5, 10", "batch, 5, 10"]:
    raise SystemExit("changed: later exports differ from the first in another way, or no longer")
EOF
