#!/usr/bin/env bash
# from_pretrained of transformers leaves a scaler that is a non-persistent buffer uninitialised.
#
# Behaviour  a module that keeps its mean in register_buffer(..., persistent=False) and sets it in
#            __init__ has that mean when it is constructed, and whatever lay in memory there after
#            save_pretrained and from_pretrained: the module is made without memory first, and
#            nothing fills the buffer. No warning names it, and loaded models answer differently in
#            every run.
# Expected   what __init__ sets is there
# Seen       transformers 5.24.0, torch 2.13.0
#            mean when constructed: [7, 7, 7]
#            mean after from_pretrained: not [7, 7, 7]; weights the same: True
pins=(transformers==5.24.0 torch==2.13.0 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" 2>log <<'EOF' || { tail -1 log; exit 1; }
import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel


class Config(PretrainedConfig):
    model_type = "lstm_regressor"


class Model(PreTrainedModel):
    config_class = Config

    def __init__(self, config):
        super().__init__(config)
        self.register_buffer("mean", torch.full((3,), 7.0), persistent=False)
        self.lstm = nn.LSTM(3, 4, batch_first=True)
        self.fc = nn.Linear(4, 1)
        self.post_init()

    def forward(self, x):
        return self.fc(self.lstm(x - self.mean)[0][:, -1])


model = Model(Config())
model.save_pretrained("model")
loaded = Model.from_pretrained("model")
kept = torch.equal(loaded.mean, model.mean)
weights = all(
    torch.equal(a, b) for a, b in zip(model.parameters(), loaded.parameters(), strict=True)
)
print(f"mean when constructed: {model.mean.int().tolist()}")
print(f"mean after from_pretrained: {'' if kept else 'not '}[7, 7, 7]; weights the same: {weights}")
if kept or not weights:
    raise SystemExit("changed: the buffer, or the weights")
EOF
if grep -q '\bmean\b' log; then
    echo "changed: a warning names the buffer"
    exit 1
fi
