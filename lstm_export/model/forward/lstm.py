"""torch.nn.LSTM, gate by gate."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from ..gates import PYTORCH_GATES, gate_slices
from ..recurrent import LSTM
from ..state import State
from .context import Context, LayerOutput, Value, Weights, as_row, for_rows, transposed
from .products import carried, input_product, state_product


def lstm(stage: LSTM, w: Weights, x: Array, start: State, context: Context) -> LayerOutput:
    """One layer in one direction.

    Every h_t `(seq, *runs, batch, size)`, its terms, and h, c after the last step. h_t is rounded
    like what its gates let through when open, min(|g| + |c|, 1): a gate is a sum of terms of size 1
    however far it is shut.
    """
    from_x = input_product(x, w["weight_ih"])  # (seq, *runs, batch, 4 * hidden_size)
    if "bias_ih" in w:
        from_x += as_row(w["bias_ih"] + w["bias_hh"])
    weight_hh = transposed(w["weight_hh"])  # (*runs, state size, 4 * hidden_size)
    weight_hr = transposed(w["weight_hr"]) if "weight_hr" in w else None
    h, c = (for_rows(state, x) for state in start)  # (*runs, batch, size) each
    at = gate_slices(PYTORCH_GATES, stage.hidden_size)
    every_h = np.empty((len(x), *h.shape))  # (seq, *runs, batch, proj_size or hidden_size)
    every_term = np.empty((len(x), *c.shape))  # (seq, *runs, batch, hidden_size)
    for t, live in context.steps(len(x)):
        sums = state_product(h, weight_hh)
        sums += from_x[t]  # W_ih x_t + b_ih + W_hh h + b_hh, (*runs, batch, 4 * hidden_size)
        h_t, c_t, g = _step(sums, c, at, context)
        np.add(np.abs(g), np.abs(c), out=every_term[t])
        if weight_hr is not None:
            h_t = context.noise.hidden(h_t @ weight_hr)  # (*runs, batch, proj_size)
        h = carried(live, h_t, h)
        c = carried(live, c_t, c)
        every_h[t] = h
    terms_of_c = context.last(every_term)  # (*runs, batch, hidden_size); c has no bound
    np.minimum(every_term, 1.0, out=every_term)  # but |tanh(c)| is at most 1
    if weight_hr is not None:
        every_term = every_term @ np.abs(weight_hr)  # (seq, *runs, batch, proj_size)
    value = Value(every_h, every_term)
    return LayerOutput(value, (h, c), (context.last(every_term), terms_of_c))


def _step(
    sums: Array, c: Array, at: dict[str, slice], context: Context
) -> tuple[Array, Array, Array]:
    """The gates of one step, then h_t, c_t and the candidate g, `(*runs, batch, hidden_size)`."""
    sigmoid = context.choices.sigmoid
    noise = context.noise
    size = c.shape[-1]
    # One call for all four: for few rows calls cost more than the numbers that g does not need.
    gates = sigmoid(sums)  # (*runs, batch, 4 * hidden_size)
    # (*runs, batch, 2 * hidden_size), neighbours in PyTorch's order
    i_f = noise.gate(gates[..., at["input"].start : at["forget"].stop])
    i = i_f[..., :size]
    f = i_f[..., size:]
    g = context.choices.tanh(sums[..., at["cell"]])
    o = noise.gate(gates[..., at["output"]])
    if context.choices.input_forget:
        f = 1 - i
    c_t = noise.cell(f * c + i * g)  # (*runs, batch, hidden_size)
    h_t = noise.hidden(o * context.choices.tanh(c_t))
    return h_t, c_t, g
