#!/usr/bin/env bash
# torch.export with Dim.AUTO quietly fixes the sequence length of an LSTM.
#
# Behaviour  with `Dim.AUTO` for batch and seq the batch becomes symbolic, and seq the length of
#            the example: the export succeeds without a warning, and the program refuses every
#            other length when it is run. `Dim.DYNAMIC` raises at export instead.
# Expected   AUTO finds that an LSTM takes any length, or says that it does not
# Seen       torch 2.13.0
#            Dim.AUTO: x is (symbolic, 5, 10); another length is refused at run time; 0 warnings
#            Dim.DYNAMIC: refused at export
pins=(torch==2.13.0 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" -W ignore <<'EOF'
import logging
import warnings

import torch
from torch import nn
from torch.export import Dim, export


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(10, 50, 2, batch_first=True)
        self.fc = nn.Linear(50, 1)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])


def is_refused(call):
    try:
        call()
    except Exception:
        return True
    return False


model = Model().eval()
example = (torch.randn(2, 5, 10),)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    program = export(model, example, dynamic_shapes={"x": {0: Dim.AUTO, 1: Dim.AUTO}})
about_shapes = [warning for warning in caught if "specializ" in str(warning.message).lower()]
shape = next(
    node.meta["val"].shape
    for node in program.graph.nodes
    if node.op == "placeholder" and node.name == "x"
)
shown = ", ".join(str(size) if str(size).isdigit() else "symbolic" for size in shape)
refused = is_refused(lambda: program.module()(torch.randn(2, 7, 10)))
print(
    f"Dim.AUTO: x is ({shown}); another length is {'refused' if refused else 'taken'} at run time; "
    f"{len(about_shapes)} warnings"
)
logging.disable(logging.ERROR)
every_axis = {"x": {0: Dim.DYNAMIC, 1: Dim.DYNAMIC}}
dynamic = is_refused(lambda: export(model, example, dynamic_shapes=every_axis))
print(f"Dim.DYNAMIC: {'refused' if dynamic else 'taken'} at export")
if shown != "symbolic, 5, 10" or not refused or about_shapes or not dynamic:
    raise SystemExit("changed: what becomes of the sequence axis")
EOF
