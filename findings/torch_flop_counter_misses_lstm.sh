#!/usr/bin/env bash
# torch's FLOP counter finds that an LSTM costs nothing.
#
# Behaviour  on the CPU FlopCounterMode counts a Linear and a GRU rightly, and 0 for an LSTM, with
#            gradients and without, and says nothing. Lightning's model summary, which builds on
#            it, shows 0 FLOPs too. A device chosen by that figure is chosen by the head alone.
# Expected   two operations a weight and step
# Seen       torch 2.13.0; 16 steps of 10 -> 50 x 2
#            LSTM: 0 FLOPs with gradients, 0 without, 1,024,000 by the weights
#            GRU: 768,000 FLOPs with gradients, 768,000 without, 768,000 by the weights
#            Linear: 16,000 FLOPs with gradients, 16,000 without, 16,000 by the weights
pins=(torch==2.13.0 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF'
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

STEPS = 16


def counted(module, grad):
    with torch.set_grad_enabled(grad), FlopCounterMode(display=False) as counter:
        module(torch.randn(1, STEPS, 10))
    return counter.get_total_flops()


modules = (
    nn.LSTM(10, 50, 2, batch_first=True),
    nn.GRU(10, 50, 2, batch_first=True),
    nn.Linear(10, 50),
)
for module in modules:
    matrices = sum(weight.numel() for weight in module.parameters() if weight.dim() == 2)
    right = 2 * STEPS * matrices
    with_grad = counted(module, True)
    without = counted(module, False)
    name = type(module).__name__
    print(
        f"{name}: {with_grad:,} FLOPs with gradients, {without:,} without, {right:,} by the weights"
    )
    if with_grad != without or with_grad != (0 if name == "LSTM" else right):
        raise SystemExit(f"changed: {name}")
EOF
