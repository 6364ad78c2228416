"""What a model in C carries from step to step, and where in the state it lies."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ....model import Array, Model, Pool, StateTensor
from ....model.state import state_names


def carried(model: Model) -> tuple[StateTensor, ...]:
    """h and c of every recurrent stage, then what the pools carry."""
    names = state_names(model)
    layout = []
    for stage in model.recurrent:
        for state in stage.states:
            name = names[stage.name][state]
            layout.append(StateTensor(name, len(stage.suffixes), stage.width_of(state)))
    return (*layout, *(tensor for _, tensor in _of_pools(model)))


def pool_places(model: Model) -> dict[str, int]:
    """By pool the floats of the state before its own."""
    of_pools = dict(_of_pools(model))
    place = sum(map(_floats, carried(model))) - sum(map(_floats, of_pools.values()))
    places = {}
    for name, tensor in of_pools.items():
        places[name] = place
        place += _floats(tensor)
    return places


def initial_values(model: Model) -> Array:
    """float32 `(state_size,)`: the state before the first step."""
    states = [stage.initial(state).ravel() for stage in model.recurrent for state in stage.states]
    # a count of 0 tells a pool that nothing has come yet
    pools = [np.zeros(_floats(tensor)) for _, tensor in _of_pools(model)]
    return np.concatenate([*states, *pools], dtype=np.float32)


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
