#!/usr/bin/env bash
# torch.onnx with onnxscript up to 0.6.2 exports a GRU whose reset gate acts at another place.
#
# Behaviour  torch multiplies the reset gate with the recurrent product, W_hn h + b_hn; the file
#            says linear_before_reset = 0, which multiplies it with h before that product. Shapes
#            and names are right, the export warns of nothing, and all that runs the file answers
#            something else. With one step and a zero state it differs by the bias b_hn alone.
#            `pip install torch` brings no onnxscript, so which one is there is chance; 0.7 is
#            right, and the older exporter (dynamo=False) always was. Files keep the mistake.
# Expected   linear_before_reset = 1, the operator's word for torch's GRU
# Seen       torch 2.13.0, onnxscript 0.6.2, onnx 1.23.2, onnxruntime 1.32.0
#            linear_before_reset 0: 2e-01 off
#            linear_before_reset 1: 6e-08 off
pins=(torch==2.13.0 onnxscript==0.6.2 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" -W ignore 2>log <<'EOF' || { tail -1 log; exit 1; }
import numpy as np
import onnx
import torch
from tiny_onnx import answers, changed
from torch import nn

torch.manual_seed(0)
gru = nn.GRU(3, 4, batch_first=True).eval()
x = torch.randn(2, 6, 3)
torch.onnx.export(gru, (x,), "gru.onnx", input_names=["x"], verbose=False)
model = onnx.load("gru.onnx")
right = gru(x)[0].detach().numpy()


def show(place):
    """How far Y of the file is from torch, with linear_before_reset as given, or as it is."""
    (node,) = (node for node in model.graph.node if node.op_type == "GRU")
    said = {attribute.name: attribute for attribute in node.attribute}
    if place is not None:
        if "linear_before_reset" in said:
            node.attribute.remove(said["linear_before_reset"])
        node.attribute.append(onnx.helper.make_attribute("linear_before_reset", place))
        said = {attribute.name: attribute for attribute in node.attribute}
    now = said["linear_before_reset"].i if "linear_before_reset" in said else "absent"
    off = np.abs(answers(model, x=x.numpy())[0] - right).max()
    print(f"linear_before_reset {now}: {off:.0e} off")
    return off


if show(None) < 1e-3:
    changed("the exported GRU is torch's")
if show(1) > 1e-5:
    changed("the attribute alone does not mend it")
EOF
