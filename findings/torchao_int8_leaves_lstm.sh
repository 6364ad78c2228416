#!/usr/bin/env bash
# torchao's quantize_ leaves an LSTM in float32 without a word.
#
# Behaviour  int8 weights for a model of an LSTM and a Linear: the call succeeds, the head becomes
#            int8, and the LSTM, 98 % of the values, stays float32. `quantize_` looks at Linear
#            modules only.
# Expected   the LSTM becomes int8, as with torch's older quantize_dynamic, or is named as left out
# Seen       torchao 0.18.0, torch 2.13.0
#            fc.weight: Int8Tensor
#            lstm.weight_hh_l0: float32; 32,816 of 33,616 values stay float32
pins=(torchao==0.18.0 torch==2.13.0 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" -W ignore 2>log <<'EOF' || { tail -1 log; exit 1; }
from collections import OrderedDict

from torch import nn
from torchao.quantization import Int8WeightOnlyConfig, quantize_

model = nn.Sequential(OrderedDict(lstm=nn.LSTM(10, 50, 2, batch_first=True), fc=nn.Linear(50, 16)))
quantize_(model, Int8WeightOnlyConfig())
head = type(model.fc.weight).__name__
recurrent = str(model.lstm.weight_hh_l0.dtype).removeprefix("torch.")
total = sum(weight.numel() for weight in model.parameters())
left = total - model.fc.weight.numel()
print(f"fc.weight: {head}")
print(f"lstm.weight_hh_l0: {recurrent}; {left:,} of {total:,} values stay float32")
if head != "Int8Tensor" or recurrent != "float32":
    raise SystemExit("changed: what becomes int8")
EOF
if grep -qi lstm log; then
    echo "changed: the log names the LSTM"
    exit 1
fi
