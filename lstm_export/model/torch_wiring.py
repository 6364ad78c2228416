"""The modules of a model's stages as nodes that take each other's values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn

from .model import Model
from .recurrent import LSTM, Recurrent
from .stage import Stage
from .stages import Join, LastHidden
from .torch_graph import JOINS, Graph, HiddenNode, LSTMNode, Node, StateNode
from .wiring import INPUT


def needs_wiring(model: Model) -> bool:
    """Whether a stage takes another value than what the module before it gives."""
    return not model.is_chain or any(map(_reads_state, model.stages))


def wired(model: Model, names: Sequence[str], modules: Sequence[nn.Module]) -> Graph:
    """The modules of all stages, under these names, with the values that each takes."""
    graph = Graph()
    place_of = {INPUT: 0}
    count = 1  # values so far, x among them
    for index, stage in enumerate(model.stages):
        places = [place_of[source] for source in model.sources[index]]
        node = _node(model, index, modules[index], places)
        graph.add_module(names[index], node)
        if isinstance(stage, Recurrent) and not isinstance(node, Node):
            count += len(stage.states)
        place_of[index] = count
        count += 1
    return graph


def _node(model: Model, index: int, module: nn.Module, places: list[int]) -> nn.Module:
    """A stage that takes the values at these places."""
    stage = model.stages[index]
    if isinstance(stage, Join):
        return JOINS[stage.kind](places, model.shapes[index].is_sequence)
    if isinstance(stage, Recurrent) and any(map(_reads_state, model.readers_of(index))):
        states = [torch.zeros(0) for _ in stage.states]
        if stage.has_initial_state:
            states = [torch.tensor(stage.initial(state)) for state in stage.states]
        node = LSTMNode if isinstance(stage, LSTM) else HiddenNode
        return node(cast(nn.RNNBase, module.rnn), places[0], *states)
    if isinstance(stage, LastHidden) and not stage.is_last_output:
        return _state_node(stage, model.stages[model.sources[index][0]], places[0])
    return Node(module, places[0])


def _state_node(stage: LastHidden, recurrent: Stage, place: int) -> nn.Module:
    """A read-out of h_n or c_n, which stand right before every step of their stage."""
    assert isinstance(recurrent, Recurrent)  # noqa: S101 - no other stage of a model has a state
    before = len(recurrent.states) - recurrent.states.index(stage.state)
    first = (recurrent.num_layers + stage.layer) * recurrent.directions
    return StateNode(place - before, list(range(first, first + recurrent.directions)))


def _reads_state(stage: Stage) -> bool:
    """Whether it reads what an LSTM, GRU or RNN does not give as every step."""
    return isinstance(stage, LastHidden) and not stage.is_last_output
