"""torch.nn.GRU, gate by gate."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from ..gates import PYTORCH_GRU_GATES, gate_slices
from ..recurrent import GRU
from ..state import State
from .context import Context, LayerOutput, Value, Weights, as_row, for_rows, transposed
from .products import carried, input_product, state_product


def gru(stage: GRU, w: Weights, x: Array, start: State, context: Context) -> LayerOutput:
    """One layer in one direction.

    Every h_t `(seq, *runs, batch, size)`, its terms |n| + |h|, and h after the last step.
    """
    from_x = input_product(x, w["weight_ih"])  # (seq, *runs, batch, 3 * hidden_size)
    if "bias_ih" in w:
        from_x += as_row(w["bias_ih"])  # b_hh stays apart: the reset gate acts on its part of it
    (h,) = (for_rows(state, x) for state in start)  # (*runs, batch, hidden_size)
    every_h = np.empty((len(x), *h.shape))  # (seq, *runs, batch, hidden_size)
    every_term = np.empty_like(every_h)
    weights = _FromState(w, stage.hidden_size)
    for t, live in context.steps(len(x)):
        h_t, n = _step(from_x[t], h, weights, context)
        np.add(np.abs(n), np.abs(h), out=every_term[t])
        h = carried(live, h_t, h)
        every_h[t] = h
    return LayerOutput(Value(every_h, every_term), (h,), (context.last(every_term),))


class _FromState:
    """The recurrent weights and their bias."""

    def __init__(self, w: Weights, hidden_size: int) -> None:
        self.weight = transposed(w["weight_hh"])  # (*runs, hidden_size, 3 * hidden_size)
        self.bias = as_row(w.get("bias_hh", np.zeros(3 * hidden_size)))
        self.at = gate_slices(PYTORCH_GRU_GATES, hidden_size)

    def sums(self, h: Array) -> Array:
        """W_hh h + b_hh, `(*runs, batch, 3 * hidden_size)`."""
        sums = state_product(h, self.weight)
        sums += self.bias
        return sums


def _step(from_x: Array, h: Array, weights: _FromState, context: Context) -> tuple[Array, Array]:
    """The gates of one step, then h_t and the new gate n, `(*runs, batch, hidden_size)` each."""
    noise = context.noise
    size = h.shape[-1]
    at = weights.at
    # Reset and update gate lie side by side: one call of sigmoid serves both.
    reset_update = slice(at["reset"].start, at["update"].stop)
    from_h = weights.sums(h)  # (*runs, batch, 3 * hidden_size)
    sums = from_x[..., reset_update] + from_h[..., reset_update]
    r_z = noise.gate(context.choices.sigmoid(sums))  # (*runs, batch, 2 * hidden_size)
    r = r_z[..., :size]
    z = r_z[..., size:]
    new = at["new"]
    if context.choices.linear_before_reset:
        from_state = r * from_h[..., new]  # so b_hn is multiplied by r too
    else:
        weight_hn = weights.weight[..., new]  # (*runs, hidden_size, hidden_size)
        from_state = (r * h) @ weight_hn + weights.bias[..., new]
    n = context.choices.tanh(from_x[..., new] + from_state)  # (*runs, batch, hidden_size)
    h_t = noise.hidden((1 - z) * n + z * h)  # torch.nn.GRU's z keeps the old state
    return h_t, n
