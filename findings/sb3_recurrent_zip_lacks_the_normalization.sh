#!/usr/bin/env bash
# A saved RecurrentPPO policy holds two LSTMs and not the scaling of its observations.
#
# Behaviour  the zip of sb3-contrib has no weights of VecNormalize, through which the policy saw
#            every observation in training: they are in another file, written by another call. It
#            holds an LSTM for the actor and one for the critic, of the same shapes; the device
#            needs the actor's.
# Expected   a saved policy can be asked with the observations that the environment gives
# Seen       sb3-contrib 2.9.2, torch 2.13.0
#            running mean of the observations in training: largest 0.80
#            files: data, pytorch_variables.pth, policy.pth, policy.optimizer.pth, _stable_baselines3_version, system_info.txt
#            LSTMs in policy.pth: lstm_actor, lstm_critic
#            the running mean is in none of the files
pins=(sb3-contrib==2.9.2 torch==2.13.0)
. "$(dirname "$0")/fresh_venv.sh"

"$python" -W ignore <<'EOF'
import io
import zipfile

import numpy as np
import torch
from sb3_contrib import RecurrentPPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize

environment = VecNormalize(make_vec_env("Pendulum-v1", n_envs=1, seed=0))
agent = RecurrentPPO("MlpLstmPolicy", environment, n_steps=64, batch_size=64, n_epochs=1, seed=0)
agent.learn(64)
agent.save("agent.zip")
mean = environment.obs_rms.mean
print(f"running mean of the observations in training: largest {np.abs(mean).max():.2f}")
with zipfile.ZipFile("agent.zip") as archive:
    names = archive.namelist()
    contents = {name: archive.read(name) for name in names}
policy = torch.load(io.BytesIO(contents["policy.pth"]), weights_only=True)
lstms = sorted({name.split(".")[0] for name in policy if "weight_ih_l0" in name})
stored = [name for name, data in contents.items() if mean.tobytes() in data or b"obs_rms" in data]
print(f"files: {', '.join(names)}")
print(f"LSTMs in policy.pth: {', '.join(lstms)}")
print(f"the running mean is in {', '.join(stored) or 'none of the files'}")
if stored or lstms != ["lstm_actor", "lstm_critic"]:
    raise SystemExit("changed: what the zip holds")
EOF
