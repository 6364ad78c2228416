"""The float64 forward: the definition of what a model computes, written from the equations.

Every engine is judged against these functions, so they favour reading over speed.
Equations: torch.nn.LSTM and torch.nn.Linear in PyTorch's documentation.
"""

from __future__ import annotations

from functools import singledispatch
from typing import NamedTuple

import numpy as np

from .arrays import Array
from .model import Model
from .stages import LSTM, Affine, LastStep, Linear, Stage


class Noise:
    """Where rounding enters a forward run. This one adds nothing: the exact definition.

    Attributes:
        runs: `(n,)` to compute n runs at once, each with its own noise; `()` for one plain run.
    """

    runs: tuple[int, ...] = ()

    def weight(self, weight: Array) -> Array:
        """A weight or bias as it is used, `(*runs, ...)`."""
        return weight

    def value(self, value: Array) -> Array:
        """The result of a stage, or one h_t."""
        return value

    def gate(self, gate: Array) -> Array:
        """The result of a sigmoid."""
        return gate


class Output(NamedTuple):
    """What a chain yields in float64, and how large the terms were that it was summed from.

    Attributes:
        y: `(*runs, batch, output_size)`, or `(*runs, batch, seq, output_size)`.
        terms: same shape, the sum of the absolute terms of the last operation: the unit in which float32
            rounding of that operation is measured, since cancelling terms leave a small sum of large parts.
    """

    y: Array
    terms: Array


def forward(model: Model, x: Array, noise: Noise | None = None) -> Output:
    """Run `x (batch, seq, input_size)` through the chain in float64."""
    noise = noise or Noise()
    batch, seq, width = x.shape
    steps = np.asarray(x, np.float64).swapaxes(0, 1).reshape(seq, *(1 for _ in noise.runs), batch, width)
    y = terms = np.broadcast_to(steps, (seq, *noise.runs, batch, width))
    for index, stage in enumerate(model.stages):
        y, terms = _apply(stage, _weights(stage, index, noise), y, terms, noise)
        y = noise.value(y)
    if model.returns_every_step:
        y, terms = np.moveaxis(y, 0, -2), np.moveaxis(terms, 0, -2)
    return Output(y, terms)


def _weights(stage: Stage, index: int, noise: Noise) -> dict[str, Array]:
    """The stage's arrays in float64, as they are used in this run."""
    exact = {name: array.astype(np.float64) for name, array in stage.arrays.items()}
    if index == 0 and isinstance(stage, Affine):
        return exact  # the input scaler adds no noise of its own: x - offset is exact in float32 near the mean
    return {name: noise.weight(array) for name, array in exact.items()}


# Below, x is (seq, *runs, batch, size), or (*runs, batch, size) once a step was picked: time first, so that the
# weights of many runs, (*runs, out, in), apply by broadcasting.


@singledispatch
def _apply(stage: Stage, weights: dict[str, Array], x: Array, terms: Array, noise: Noise) -> Output:
    """One stage; `weights` are its arrays as they are used in this run."""
    raise NotImplementedError(f"no float64 definition of {stage.kind}")


@_apply.register
def _lstm(stage: LSTM, weights: dict[str, Array], x: Array, terms: Array, noise: Noise) -> Output:
    zeros = np.zeros(4 * stage.hidden_size)
    for k in range(stage.num_layers):
        bias_ih, bias_hh = (weights.get(f"bias_{part}_l{k}", zeros) for part in ("ih", "hh"))
        x = _lstm_layer(x, weights[f"weight_ih_l{k}"], weights[f"weight_hh_l{k}"], bias_ih + bias_hh, noise)
    return Output(x, np.abs(x))


def _lstm_layer(x: Array, weight_ih: Array, weight_hh: Array, bias: Array, noise: Noise) -> Array:
    """Every h_t `(seq, *runs, batch, hidden_size)` of one layer, from a zero state."""
    hidden_size = weight_hh.shape[-1]
    from_x = x @ _transposed(weight_ih) + _row(bias)  # (seq, *runs, batch, 4 * hidden_size)
    weight_hh = _transposed(weight_hh)
    every_h = np.empty((*x.shape[:-1], hidden_size))
    h = c = np.zeros(every_h.shape[1:])
    for t in range(len(x)):
        gates = from_x[t] + h @ weight_hh  # (*runs, batch, 4 * hidden_size), stacked in PYTORCH_GATES order
        i, f, g, o = (gates[..., k * hidden_size : (k + 1) * hidden_size] for k in range(4))
        f = noise.gate(sigmoid(f))  # forget gate
        i = noise.gate(sigmoid(i))  # input gate
        g = np.tanh(g)  # candidate
        c = f * c + i * g  # cell
        o = noise.gate(sigmoid(o))  # output gate
        h = noise.value(o * np.tanh(c))  # hidden
        every_h[t] = h
    return every_h


@_apply.register
def _linear(stage: Linear, weights: dict[str, Array], x: Array, terms: Array, noise: Noise) -> Output:
    weight, bias = _transposed(weights["weight"]), _row(weights.get("bias", np.zeros(stage.weight.shape[0])))
    return Output(x @ weight + bias, np.abs(x) @ np.abs(weight) + np.abs(bias))


@_apply.register
def _affine(stage: Affine, weights: dict[str, Array], x: Array, terms: Array, noise: Noise) -> Output:
    offset, scale = _row(weights["offset"]), _row(weights["scale"])
    if stage.inverse:
        return Output(x * scale + offset, np.abs(x * scale) + np.abs(offset))
    return Output((x - offset) / scale, (np.abs(x) + np.abs(offset)) / np.abs(scale))


@_apply.register
def _last_step(stage: LastStep, weights: dict[str, Array], x: Array, terms: Array, noise: Noise) -> Output:
    return Output(x[-1], terms[-1])


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), written with tanh so that no x overflows."""
    y: Array = 0.5 * np.tanh(0.5 * x) + 0.5
    return y


def _transposed(weight: Array) -> Array:
    """`weight.T` of every run."""
    return np.swapaxes(weight, -1, -2)


def _row(bias: Array) -> Array:
    """A bias of every run, ready to be added to rows `(*runs, batch, size)`."""
    return bias[..., None, :]
