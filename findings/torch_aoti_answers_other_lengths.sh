#!/usr/bin/env bash
# A compiled .pt2 of torch answers a longer sequence from its first steps, and a batch from its
# first row.
#
# Behaviour  AOTInductor compiles an exported LSTM for the shape of the example. The package takes
#            a longer sequence or a larger batch without an error: it answers from the steps and
#            the row that it was compiled for, and leaves the rest out. The plain exported program
#            refuses both.
# Expected   another shape than the compiled one is refused
# Needs      a C++ compiler
# Seen       torch 2.13.0; compiled for (1, 6, 10)
#            nine steps: the answer of the first six, 1.4e-01 off
#            two rows: 1 answer, that of the first
pins=(torch==2.13.0 numpy==2.4.6 setuptools==84.2.1)
. "$(dirname "$0")/fresh_venv.sh"

export TORCHINDUCTOR_CACHE_DIR=$folder/cache
"$python" -W ignore <<'EOF'
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(10, 16, batch_first=True)
        self.fc = nn.Linear(16, 1)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])


torch.manual_seed(0)
model = Model().eval()
with torch.no_grad():
    program = torch.export.export(model, (torch.zeros(1, 6, 10),))
    compiled = torch._inductor.aoti_load_package(
        torch._inductor.aoti_compile_and_package(program, package_path="model.pt2")
    )
    x = torch.randn(1, 9, 10)
    nine = compiled(x)
    first_six = torch.allclose(nine, model(x[:, :6]), atol=1e-5)
    error = (nine - model(x)).abs().item()
    print(
        f"nine steps: {'the answer of the first six' if first_six else 'another'}, {error:.1e} off"
    )
    rows = torch.randn(2, 6, 10)
    two = compiled(rows)
    first_row = torch.allclose(two, model(rows)[:1], atol=1e-5)
    print(f"two rows: {len(two)} answer, {'that of the first' if first_row else 'another'}")
if not first_six or error < 1e-3 or not first_row or len(two) != 1:
    raise SystemExit("changed: another shape is refused, or answered otherwise")
EOF
