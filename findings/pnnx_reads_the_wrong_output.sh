#!/usr/bin/env bash
# pnnx turns `h_n[-1]` of a stacked LSTM into every step, and a relu RNN into a tanh RNN.
#
# Behaviour  among some fifty lines of log each conversion has one with `not supported` in it; it
#            goes on, writes the ncnn files and ends as a success. For the last hidden state of two
#            layers they give the last layer's output at every step, (seq, hidden_size) for (1,
#            hidden_size). For nn.RNN(nonlinearity="relu") no activation stands in the file, and
#            ncnn takes tanh.
# Expected   the same values, or no file
# Seen       pnnx 20261020, ncnn 1.0.20261020, torch 2.13.0
#            h_n[-1] of two layers: torch (1, 4), ncnn (5, 4)
#            relu RNN: 0.80 off; 7e-08 off from a tanh RNN
pins=(pnnx==20261020 ncnn==1.0.20261020 torch==2.13.0 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

cat > run.py <<'EOF'
import ncnn
import numpy as np
import pnnx
import torch
from torch import nn


class LastHidden(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(3, 4, 2, batch_first=True)

    def forward(self, x):
        return self.lstm(x)[1][0][-1]  # (batch, hidden_size)


class EveryStep(nn.Module):
    def __init__(self, nonlinearity):
        super().__init__()
        self.rnn = nn.RNN(3, 4, batch_first=True, nonlinearity=nonlinearity)

    def forward(self, x):
        return self.rnn(x)[0]  # (batch, seq, hidden_size)


def in_ncnn(module, x):
    """What ncnn answers for a module, without the batch axis that it does not have."""
    pnnx.export(module, "model.pt", (x,), fp16=False)
    net = ncnn.Net()
    if net.load_param("model.ncnn.param") or net.load_model("model.ncnn.bin"):
        raise SystemExit("changed: ncnn refuses what pnnx writes")
    extractor = net.create_extractor()
    extractor.input("in0", ncnn.Mat(x[0].numpy()).clone())
    return np.array(extractor.extract("out0")[1])


torch.manual_seed(0)
x = torch.randn(1, 5, 3)
with torch.no_grad(), open("seen", "w") as seen:  # pnnx itself prints to both streams
    hidden = LastHidden().eval()
    right = hidden(x).numpy()
    answer = in_ncnn(hidden, x)
    print(f"h_n[-1] of two layers: torch {right.shape}, ncnn {answer.shape}", file=seen)
    every_step = answer.shape == (5, 4) and np.allclose(answer[-1], right[0], atol=1e-5)

    relu = EveryStep("relu").eval()
    tanh = EveryStep("tanh").eval()
    tanh.load_state_dict(relu.state_dict())
    answer = in_ncnn(relu, x)
    off = np.abs(answer - relu(x)[0].numpy()).max()
    to_tanh = np.abs(answer - tanh(x)[0].numpy()).max()
    print(f"relu RNN: {off:.2f} off; {to_tanh:.0e} off from a tanh RNN", file=seen)
if not every_step or off < 1e-2 or to_tanh > 1e-5:
    raise SystemExit("changed: what is converted")
EOF
"$python" -W ignore run.py >log 2>&1 || { tail -1 log; exit 1; }
cat seen
