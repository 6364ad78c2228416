"""What a model in C carries from step to step, and where in the state it lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ....model import Array, Model, Pool, State, StateTensor
from ....model.state import state_names


def carried(model: Model) -> tuple[StateTensor, ...]:
    """h and c of every recurrent stage, then what the pools carry."""
    pools = (tensor for _, tensor in _of_pools(model))
    return (*_of_recurrent(model), *pools)


def pool_places(model: Model) -> dict[str, int]:
    """By pool the floats of the state before its own."""
    place = sum(_floats(tensor) for tensor in _of_recurrent(model))
    places = {}
    for name, tensor in _of_pools(model):  # behind h and c
        places[name] = place
        place += _floats(tensor)
    return places


def initial_values(model: Model) -> Array:
    """float32 `(state_size,)`: the state before the first step."""
    parts = []
    for stage in model.recurrent:
        parts += [stage.initial(state).ravel() for state in stage.states]
    # a count of 0 tells a pool that nothing has come yet
    parts += [np.zeros(_floats(tensor)) for _, tensor in _of_pools(model)]
    return np.concatenate(parts, dtype=np.float32)


def state_views(values: Array, layout: Sequence[StateTensor]) -> State:
    """`(num_layers, batch, size)` a tensor, where they lie in `values (batch, state_size)`."""
    tensors = []
    start = 0
    for tensor in layout:
        end = start + tensor.num_layers * tensor.size
        flat = values[:, start:end]  # (batch, num_layers * size), a view
        by_row = flat.reshape(-1, tensor.num_layers, tensor.size)
        tensors.append(by_row.swapaxes(0, 1))
        start = end
    return tuple(tensors)


def _of_recurrent(model: Model) -> Iterator[StateTensor]:
    """Of every recurrent stage h, and c of an LSTM."""
    names = state_names(model)
    for stage in model.recurrent:
        for state in stage.states:
            name = names[stage.name][state]
            yield StateTensor(name, len(stage.suffixes), stage.width_of(state))


def _of_pools(model: Model) -> Iterator[tuple[str, StateTensor]]:
    """By pool a row of columns and mostly a count; of sums also what rounding has added to each."""
    for index, stage in enumerate(model.stages):
        if isinstance(stage, Pool):
            is_counted = stage.mode != "sum" and not stage.correction
            rows = 2 if stage.mode in ("mean", "sum") else 1
            size = model.shapes[index].width + is_counted
            yield stage.name, StateTensor(f"{stage.name}.{stage.mode}", rows, size)


def _floats(tensor: StateTensor) -> int:
    return tensor.num_layers * tensor.size
