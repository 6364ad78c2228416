"""What a chain carries from one step to the next: which tensors, in which order, of which shape."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np

from .arrays import Array
from .model import Model

# One array a tensor of the layout, `(num_layers, batch, size)`.
State: TypeAlias = tuple[Array, ...]


class StateTensor(NamedTuple):
    """One tensor of the state, `(num_layers, batch, size)`; a bidirectional stage counts each layer twice."""

    name: str
    num_layers: int
    size: int


def state_layout(model: Model) -> tuple[StateTensor, ...]:
    """h and, of an LSTM, c of every recurrent stage: named `h` and `c`, with several stages `lstm1.h`, ..."""
    names = state_names(model)
    return tuple(
        StateTensor(
            names[stage.name][state], len(stage.suffixes), stage.state_size if state == "h" else stage.hidden_size
        )
        for stage in model.recurrent
        for state in stage.states
    )


def state_names(model: Model) -> dict[str, dict[str, str]]:
    """By recurrent stage what its `h` and `c` are called in the layout."""
    taken = {"h", "c", "h_n", "c_n"} & {stage.name for stage in model.stages}  # values of a graph have stages' names
    several = len(model.recurrent) > 1 or bool(taken)
    return {
        stage.name: {state: f"{stage.name}.{state}" if several else state for state in stage.states}
        for stage in model.recurrent
    }


def initial_state(model: Model, batch: int = 1) -> State:
    """The state before the first step: the learned one, else zeros; float32."""
    return tuple(
        np.repeat(stage.initial(state)[:, np.newaxis], batch, axis=1)
        for stage in model.recurrent
        for state in stage.states
    )
