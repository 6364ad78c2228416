"""A recurrent stage layer by layer, the directions of a layer side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..arrays import Array
from ..recurrent import GRU, LSTM, RNN, Cell, Recurrent
from ..state import State
from .context import Context, FinalState, LayerOutput, Value, Weights
from .gru import gru
from .lstm import lstm
from .rnn import rnn


def through_layers(stage: Recurrent, weights: Weights, x: Array, context: Context) -> Value:
    """Every h_t of the last layer, `(seq, *runs, batch, directions * size)`.

    The states after the last step go to `context.final`.
    """
    states = [_initial(stage, name, weights, context) for name in stage.states]
    starts = zip(*states, strict=True)  # a cell's h, or its h and c, `(*runs, batch, size)` each
    outputs: list[LayerOutput] = []
    for layer in stage.layers():
        directions = []
        for cell in layer:
            choices = context.choices.at(f"{stage.name}{cell.suffix}")
            here = replace(context, choices=choices)
            read = _as_read(x, cell, here)
            output = _cell(stage, _own(weights, cell), read, next(starts), here)
            directions.append(_in_sequence(output.value, cell, here))
            outputs.append(output)  # in the order of torch's h_n: layer by layer, forward first
        value = _side_by_side(directions)
        x = value.y  # (seq, *runs, batch, directions * size), the next layer's input
    for index, name in enumerate(stage.states):
        # (num_layers * directions, *runs, batch, size)
        y = np.stack([output.final[index] for output in outputs])
        terms = np.stack([output.terms[index] for output in outputs])
        context.final.append(y)
        context.states.setdefault(stage.name, {})[name] = FinalState(y, terms)
    return value


def _own(weights: Weights, cell: Cell) -> Weights:
    """The weights of one cell under their names without its suffix."""
    keys = [key for key in weights if key.endswith(cell.suffix)]
    return {key.removesuffix(cell.suffix): weights[key] for key in keys}


def _as_read(x: Array, cell: Cell, context: Context) -> Array:
    """The sequence in the order in which a direction reads it."""
    if cell.is_reverse and context.choices.reads_backwards:
        return context.reversed(x)
    return x


def _in_sequence(value: Value, cell: Cell, context: Context) -> Value:
    """A direction's output, in the order of the sequence."""
    if cell.is_reverse and context.choices.turns_back:
        return Value(context.reversed(value.y), context.reversed(value.terms))
    return value


def _cell(
    stage: Recurrent, weights: Weights, x: Array, start: State, context: Context
) -> LayerOutput:
    if isinstance(stage, LSTM):
        return lstm(stage, weights, x, start, context)
    if isinstance(stage, GRU):
        return gru(stage, weights, x, start, context)
    assert isinstance(stage, RNN)  # noqa: S101 - the third and last kind
    return rnn(stage, weights, x, start, context)


def _side_by_side(directions: list[Value]) -> Value:
    if len(directions) == 1:
        return directions[0]
    y = np.concatenate([value.y for value in directions], axis=-1)
    terms = np.concatenate([value.terms for value in directions], axis=-1)
    return Value(y, terms)  # (seq, *runs, batch, 2 * size)


def _initial(stage: Recurrent, name: str, weights: Weights, context: Context) -> Array:
    """The state `h` or `c` to start from, `(num_layers, *runs, batch, size)`, or 1 for an axis."""
    if context.state is not None:
        return context.for_runs(next(context.state))
    learned = weights.get(f"{name}0")  # (*runs, num_layers, size)
    if learned is None:
        runs = [1] * len(context.noise.runs)
        learned = stage.initial(name).reshape(*runs, len(stage.suffixes), -1)
    by_cell = np.moveaxis(learned, -2, 0)  # (num_layers * directions, *runs, size)
    return by_cell[..., np.newaxis, :]  # every row starts alike
