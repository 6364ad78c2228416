#!/usr/bin/env bash
# emlearn writes a network's weights into C with six decimals, so that small ones lose most digits.
#
# Behaviour  weights stand in the generated C as `0.000013f`: the distance to the true value is up
#            to 5e-7, whatever their size. In a network whose inputs are large (pascals, counts),
#            as it is after its scaler was folded into the first layer, weights of 1e-6 keep one
#            digit, and those below 5e-7 become 0. Nothing warns of it.
# Expected   nine significant digits, which keep every float32
# Seen       emlearn 0.23.2, scikit-learn 1.9.1
#            inputs of order 1: weights of 4e-01, off by up to 1e-06 of that
#            inputs of order 100,000: weights of 4e-06, off by up to 0.1 of that
pins=(emlearn==0.23.2 scikit-learn==1.9.1 numpy==2.4.6)
. "$(dirname "$0")/fresh_venv.sh"

"$python" -W ignore <<'EOF'
import re
from pathlib import Path

import emlearn
import numpy as np
from sklearn.neural_network import MLPRegressor

rng = np.random.default_rng(0)
x = rng.normal(size=(200, 4))
model = MLPRegressor(hidden_layer_sizes=(8,), max_iter=200, random_state=0).fit(x, x[:, 0])
trained = model.coefs_[0].copy()  # (4 inputs, 8 units)


def in_c():
    """The first layer's weights as the generated C has them, (4, 8)."""
    emlearn.convert(model, method="inline", dtype="float").save(file="net.h", name="net")
    text = re.search(r"net_layer_0_weights\[32\] = \{(.*?)\}", Path("net.h").read_text())[1]
    return np.array([float(value.strip().rstrip("f")) for value in text.split(",")]).reshape(4, 8)


for size in (1, 100_000):
    model.coefs_[0] = trained / size  # a scaler of that standard deviation, folded in
    median = np.median(np.abs(model.coefs_[0]))
    off = np.abs(in_c() - model.coefs_[0]).max() / median
    print(f"inputs of order {size:,}: weights of {median:.0e}, off by up to {off:.1g} of that")
    if (off > 1e-2) != (size > 1):
        raise SystemExit("changed: how many digits are written")
EOF
