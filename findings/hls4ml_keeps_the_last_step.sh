#!/usr/bin/env bash
# hls4ml converts every step of an LSTM or GRU as the last one.
#
# Behaviour  the output of nn.LSTM and nn.GRU, (batch, seq, hidden_size), becomes its last step
#            alone, (batch, hidden_size), and what follows it sees that step alone. Neither the
#            conversion nor the compiled model says so.
# Expected   an answer a step, or no conversion, as for several layers and both directions
# Needs      a C++ compiler
# Seen       hls4ml 1.3.0, torch 2.13.0
#            LSTM: torch (3, 4), hls4ml (4,), 3e-03 off the last
#            GRU: torch (3, 4), hls4ml (4,), 3e-03 off the last
pins=(hls4ml==1.3.0 torch==2.13.0 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" -W ignore 2>log <<'EOF' || { tail -1 log; exit 1; }
import contextlib

import hls4ml
import numpy as np
import torch
from torch import nn

SEQ = 3


class Output(nn.Module):
    """What the layer gives for every step."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


def in_hls4ml(layer, x):
    """The compiled model's answer to one sequence, in fixed point with 20 bits of fraction."""
    model = Output(layer).eval()
    with open("hls.log", "w") as log, contextlib.redirect_stdout(log):
        config = hls4ml.utils.config_from_pytorch_model(
            model,
            (SEQ, x.shape[-1]),
            granularity="name",
            backend="Vivado",
            default_precision="ap_fixed<32,12>",
            channels_last_conversion="off",
        )
        converted = hls4ml.converters.convert_from_pytorch_model(
            model, hls_config=config, backend="Vivado", output_dir=type(layer).__name__
        )
        converted.compile()
        return converted.predict(x.numpy())


torch.manual_seed(0)
x = torch.randn(1, SEQ, 3)
for kind in (nn.LSTM, nn.GRU):
    layer = kind(3, 4, batch_first=True)
    right = layer(x)[0][0]
    got = in_hls4ml(layer, x)
    last = np.abs(got - right[-1].detach().numpy()).max()
    print(f"{kind.__name__}: torch {tuple(right.shape)}, hls4ml {got.shape}, {last:.0e} off the last")
    if got.shape != (4,) or last > 0.02:
        raise SystemExit("changed: every step")
EOF
