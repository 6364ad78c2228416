#!/usr/bin/env bash
# safetensors' save_model writes a weight that two modules share under one name, and the other name
# stands in the file's metadata alone.
#
# Behaviour  where an encoder and a decoder share weight_hh_l0, the file has one tensor fewer than
#            the state_dict. Which name is kept is the alphabet's choice, so the encoder's may be
#            gone; the note is {"lost name": "kept name"} in `__metadata__`, which `load_file` does
#            not return.
# Expected   the file holds the names of the state_dict
# Seen       safetensors 0.8.0, torch 2.13.0
#            the state_dict has 8 names, load_file gives 7
#            not there: encoder.weight_hh_l0; metadata: {'encoder.weight_hh_l0': 'decoder.weight_hh_l0'}
pins=(safetensors==0.8.0 torch==2.13.0 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" <<'EOF'
from safetensors import safe_open
from safetensors.torch import load_file, save_model
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.LSTM(3, 4, batch_first=True)
        self.decoder = nn.LSTM(3, 4, batch_first=True)
        self.decoder.weight_hh_l0 = self.encoder.weight_hh_l0


model = Model()
save_model(model, "model.safetensors")
names = set(model.state_dict())
loaded = set(load_file("model.safetensors"))
with safe_open("model.safetensors", "numpy") as file:
    metadata = file.metadata()
print(f"the state_dict has {len(names)} names, load_file gives {len(loaded)}")
print(f"not there: {', '.join(names - loaded)}; metadata: {metadata}")
if metadata != {"encoder.weight_hh_l0": "decoder.weight_hh_l0"} or len(loaded) != len(names) - 1:
    raise SystemExit("changed: how shared weights are written")
EOF
