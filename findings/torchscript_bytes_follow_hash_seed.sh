#!/usr/bin/env bash
# The code inside a scripted TorchScript archive depends on PYTHONHASHSEED.
#
# Behaviour  torch.jit.script of the same LSTM with the same weights writes other files from
#            process to process, since Python's hash of strings orders some of the generated code.
#            The sha256 of a release so changes without a change of the model. With a fixed
#            PYTHONHASHSEED the bytes repeat; a traced module's bytes do so with any.
# Expected   the same module gives the same file
# Seen       torch 2.13.0, Python 3.11.7, PYTHONHASHSEED 0, 1, 2
#            script: 3 different files of three seeds, 1 of one seed thrice
#            trace: 1 different files of three seeds
pins=(torch==2.13.0 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

cat > write.py <<'EOF'
import hashlib
import sys
from pathlib import Path

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(10, 50, 2, batch_first=True)
        self.fc = nn.Linear(50, 1)

    def forward(self, x):
        return self.fc(self.lstm(x)[0][:, -1])


torch.manual_seed(0)
model = Model().eval()
make = {
    "script": lambda: torch.jit.script(model),
    "trace": lambda: torch.jit.trace(model, torch.zeros(1, 5, 10)),
}
torch.jit.save(make[sys.argv[1]](), "model.pt")
print(hashlib.sha256(Path("model.pt").read_bytes()).hexdigest())
EOF
different() {  # how many different files KIND gives over these seeds
    local kind=$1
    shift
    for seed in "$@"; do
        PYTHONHASHSEED=$seed "$python" -W ignore write.py "$kind"
    done | sort -u | wc -l
}
scripted=$(different script 0 1 2)
repeated=$(different script 0 0 0)
traced=$(different trace 0 1 2)
echo "script: $scripted different files of three seeds, $repeated of one seed thrice"
echo "trace: $traced different files of three seeds"
if ((scripted == 1 || repeated != 1 || traced != 1)); then
    echo "changed: what the bytes depend on"
    exit 1
fi
