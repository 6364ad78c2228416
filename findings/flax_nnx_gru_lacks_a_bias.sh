#!/usr/bin/env bash
# A GRU of Flax's nnx has no place for one of PyTorch's biases, though its documentation has.
#
# Behaviour  the documentation of nnx.GRUCell gives torch's equation, n = tanh(W_in x + b_in +
#            r * (W_hn h + b_hn)); the cell has no b_hn. A trained GRU that is carried over either
#            loses it or, with both biases added as for an LSTM, applies it past the reset gate. New
#            cells have zeros there, so nothing shows before weights are loaded. linen.GRUCell has
#            the bias.
# Expected   the cell that the documentation gives, as in linen
# Needs      Python 3.12 as `python3.12`
# Seen       flax 0.12.12, jax 0.12.0.1, torch 2.13.0
#            nnx, b_hn left out: 2e-01 off
#            nnx, b_hn added to b_in: 2e-01 off
#            linen: 1e-07 off
#            the equation in the documentation of nnx.GRUCell has b_hn: True
pins=(flax==0.12.12 jax==0.12.0.1 torch==2.13.0 numpy==2.4.6)
python3() { python3.12 "$@"; }
. "$(dirname "$0")/fresh_venv.sh"

"$python" -W ignore 2>log <<'PY' || { tail -1 log; exit 1; }
import jax.numpy as jnp
import numpy as np
import torch
from flax import linen, nnx

torch.manual_seed(0)
gru = torch.nn.GRU(3, 4, batch_first=True)
x = torch.randn(2, 6, 3)  # (batch, seq, input_size)
right = gru(x)[0].detach().numpy()
weight_ih, weight_hh, bias_ih, bias_hh = (p.detach().numpy() for p in gru.parameters())
b_hr_hz = bias_hh * np.repeat([1, 1, 0], 4)  # gates are stacked as r, z, n
b_hn = bias_hh - b_hr_hz


def in_nnx(bias):
    """Every h of an nnx.GRUCell with this bias."""
    cell = nnx.GRUCell(3, 4, rngs=nnx.Rngs(0))
    cell.dense_i.kernel[...] = jnp.asarray(weight_ih.T)
    cell.dense_h.kernel[...] = jnp.asarray(weight_hh.T)
    cell.dense_i.bias[...] = jnp.asarray(bias)
    return nnx.RNN(cell)(jnp.asarray(x.numpy()))


def in_linen():
    """Every h of a linen.GRUCell."""
    params = {}
    rows = np.split(np.arange(12), 3)
    for gate, row in zip("rzn", rows, strict=True):
        params[f"i{gate}"] = {"kernel": weight_ih[row].T, "bias": (bias_ih + b_hr_hz)[row]}
        params[f"h{gate}"] = {"kernel": weight_hh[row].T}
    params["hn"]["bias"] = b_hn[rows[2]]
    layer = linen.RNN(linen.GRUCell(4))
    return layer.apply({"params": {"cell": params}}, jnp.asarray(x.numpy()))


def away(found):
    return np.abs(np.asarray(found) - right).max()


left_out = away(in_nnx(bias_ih + b_hr_hz))
added = away(in_nnx(bias_ih + bias_hh))
exact = away(in_linen())
is_told = "b_{hn}" in nnx.GRUCell.__doc__
print(f"nnx, b_hn left out: {left_out:.0e} off")
print(f"nnx, b_hn added to b_in: {added:.0e} off")
print(f"linen: {exact:.0e} off")
print(f"the equation in the documentation of nnx.GRUCell has b_hn: {is_told}")
if min(left_out, added) < 1e-2 or exact > 1e-5 or not is_told:
    raise SystemExit("changed: the GRU of nnx")
PY
