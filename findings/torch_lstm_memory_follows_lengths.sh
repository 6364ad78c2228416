#!/usr/bin/env bash
# torch's LSTM keeps half a megabyte for every new sequence length that it meets.
#
# Behaviour  on the CPU, without gradients, an LSTM runs in oneDNN, which makes a program for every
#            shape and keeps the last 1,024 programs: a small model that answers sequences of many
#            lengths grows by 200 MB, TorchScript and eager alike. Told to keep 16 it does not grow.
#            The variable ONEDNN_PRIMITIVE_CACHE_CAPACITY is read at the first use, after import.
# Expected   memory of the order of the model and its longest sequence
# Seen       torch 2.13.0, numpy 2.4.6
#            LSTM(10, 50, num_layers=2), sequences of 600 lengths:
#            333 MB more; with a capacity of 16: 2; without oneDNN: 0
pins=(torch==2.13.0 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

cat > lengths.py <<'EOF'
import sys
from pathlib import Path

import torch

torch.set_num_threads(1)
torch.manual_seed(0)
torch.backends.mkldnn.enabled = sys.argv[1] == "with"
module = torch.nn.LSTM(10, 50, num_layers=2, batch_first=True).eval()


def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


@torch.no_grad()
def answer(lengths):
    for seq in lengths:
        module(torch.ones(1, seq, 10))


answer([600] * 20)
before = resident_mb()
answer(range(1, 600))
print(round(resident_mb() - before))
EOF
kept=$("$python" lengths.py with)
few=$(ONEDNN_PRIMITIVE_CACHE_CAPACITY=16 "$python" lengths.py with)
without=$("$python" lengths.py without)
echo "LSTM(10, 50, num_layers=2), sequences of 600 lengths:"
echo "$kept MB more; with a capacity of 16: $few; without oneDNN: $without"
if ((kept < 50 || few > 20 || without > 20)); then
    echo "changed: memory does not follow the number of lengths"
    exit 1
fi
