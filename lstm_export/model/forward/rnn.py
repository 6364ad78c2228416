"""torch.nn.RNN, whose state is a tanh or a relu of one sum."""

from __future__ import annotations

import numpy as np

from ..arrays import Array
from ..recurrent import RNN
from ..state import State
from .context import Context, LayerOutput, Value, Weights, as_row, for_rows, transposed
from .products import carried, input_product, state_product


def rnn(stage: RNN, w: Weights, x: Array, start: State, context: Context) -> LayerOutput:
    """One layer in one direction.

    Every h_t `(seq, *runs, batch, size)`, its terms, and h after the last step. The terms are those
    of the sum; of a tanh at most 1.
    """
    from_x = input_product(x, w["weight_ih"])  # (seq, *runs, batch, hidden_size)
    size = input_product(np.abs(x), np.abs(w["weight_ih"]))  # |W_ih| |x|, the terms of from_x
    if "bias_ih" in w:
        from_x += as_row(w["bias_ih"] + w["bias_hh"])
        size += as_row(np.abs(w["bias_ih"]) + np.abs(w["bias_hh"]))
    weight = transposed(w["weight_hh"])  # (*runs, hidden_size, hidden_size)
    (h,) = (for_rows(state, x) for state in start)  # (*runs, batch, hidden_size)
    every_h = np.empty((len(x), *h.shape))  # (seq, *runs, batch, hidden_size)
    every_term = np.empty_like(every_h)
    is_relu = stage.nonlinearity == "relu"
    tanh = context.choices.tanh
    for t, live in context.steps(len(x)):
        sums = from_x[t] + state_product(h, weight)  # (*runs, batch, hidden_size)
        terms = size[t] + state_product(np.abs(h), np.abs(weight))
        every_term[t] = terms if is_relu else np.minimum(terms, 1.0)
        h_t = context.noise.hidden(np.maximum(sums, 0) if is_relu else tanh(sums))
        h = carried(live, h_t, h)
        every_h[t] = h
    if is_relu:  # it has no bound: the state may grow out of float32
        every_h = context.noise.held(every_h, every_term)
    return LayerOutput(Value(every_h, every_term), (h,), (context.last(every_term),))
