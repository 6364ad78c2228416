"""What a chain carries from one step to the next: which tensors, in which order and shape."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np

from .arrays import Array
from .model import Model

# An array for each tensor of the layout, `(num_layers, batch, size)`.
State: TypeAlias = tuple[Array, ...]

# Names that a graph with state uses for its own values, which otherwise have the stages' names.
_GRAPH_NAMES = {"h", "c", "h_n", "c_n"}


class StateTensor(NamedTuple):
    """One tensor of the state, `(num_layers, batch, size)`.

    A bidirectional stage counts each layer twice.
    """

    name: str
    num_layers: int
    size: int


def state_layout(model: Model) -> tuple[StateTensor, ...]:
    """h and, of an LSTM, c of every recurrent stage, named as in `state_names`."""
    names = state_names(model)
    layout = []
    for stage in model.recurrent:
        for state in stage.states:
            name = names[stage.name][state]
            layout.append(StateTensor(name, len(stage.suffixes), stage.width_of(state)))
    return tuple(layout)


def state_names(model: Model) -> dict[str, dict[str, str]]:
    """By recurrent stage what its `h` and `c` are called in the layout.

    `h` and `c`; with several stages, or where a stage has such a name, `lstm1.h`, ...
    """
    is_taken = any(stage.name in _GRAPH_NAMES for stage in model.stages)
    if len(model.recurrent) == 1 and not is_taken:
        return {stage.name: {state: state for state in stage.states} for stage in model.recurrent}
    return {
        stage.name: {state: f"{stage.name}.{state}" for state in stage.states}
        for stage in model.recurrent
    }


def initial_state(model: Model, batch: int = 1) -> State:
    """The state before the first step: the learned one, else zeros; float32."""
    tensors = []
    for stage in model.recurrent:
        for state in stage.states:
            initial = stage.initial(state)[:, np.newaxis]  # (num_layers * directions, 1, size)
            tensors.append(np.repeat(initial, batch, axis=1))
    return tuple(tensors)
