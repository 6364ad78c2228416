"""The recurrent stages as ONNX: an LSTM, GRU or RNN node a layer.

Operators: https://onnx.ai/onnx/operators/onnx__LSTM.html and onnx__GRU.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ...device.onnx_metadata import FINAL, LENGTHS
from ...model import GRU, RNN, Array, Cell, LastHidden, LastStep, Recurrent, Stage
from ...model.gates import ONNX_ORDERS, reorder_gates
from .graph import Graph

Cells = tuple[Cell, ...]  # the directions of one layer


def write_recurrent(stage: Recurrent, graph: Graph, readers: tuple[Stage, ...]) -> None:
    """Layer after layer; the last one gives what its readers take, every step or the final h."""
    if not graph.value.is_time_first:
        name = "time_first" if not graph.has("time_first") else f"{graph.value.name}/time_first"
        graph.value = graph.turned(graph.value, name)
    names = graph.carried.get(stage.name, {})
    carried = {state: graph.split(name, stage.num_layers) for state, name in names.items()}
    finals: dict[tuple[str, int], str] = {}
    layers: dict[int, str] = {}
    gathers = graph.takes_lengths and can_gather(stage, readers)
    for k, cells in enumerate(stage.layers()):
        layer = k - stage.num_layers  # counted back from the last, -1
        given = {state: layers[k] for state, layers in carried.items()}
        wanted = _wanted(stage, layer, readers, gathers)
        if graph.takes_lengths and not gathers:
            wanted = wanted._replace(lengths=LENGTHS)
        for state, name in _write_layer(stage, cells, given, graph, wanted).items():
            finals[state, layer] = name
        layers[layer] = graph.value.name
    graph.value = replace(graph.value, finals=finals, layers=layers if gathers else {})
    if stage.num_layers > 1:
        for state, name in names.items():
            parts = [f"{stage.name}/l{k}/Y_{state}" for k in range(stage.num_layers)]
            graph.node("Concat", name + FINAL, *parts, axis=0)  # (num_layers, batch, size)


def can_gather(stage: Recurrent, readers: tuple[Stage, ...]) -> bool:
    """Whether padding, which stands behind a row, reaches nothing that is read of its steps.

    Then each row's own step is gathered, and the operator needs no `sequence_lens`. A direction
    that reads from the end does, and so does a cell state, which is no step of any output.
    """
    reads_cells = any(isinstance(each, LastHidden) and each.state == "c" for each in readers)
    return not stage.bidirectional and not reads_cells


class _Wanted(NamedTuple):
    """What is read of a layer.

    Attributes:
        node: its name.
        every_step: whether the output of every step is.
        states: which of `h` and `c` after the last step.
        lengths: the graph's input that says where each row ends; empty where all steps are read.
    """

    node: str
    every_step: bool
    states: tuple[str, ...]
    lengths: str


def _wanted(stage: Recurrent, layer: int, readers: tuple[Stage, ...], gathers: bool) -> _Wanted:
    node = f"{stage.name}/l{stage.num_layers + layer}"
    read = [None if gathers else _state_read(stage, reader) for reader in readers]
    states = tuple(state for state in stage.states if (state, layer) in read)
    is_below = layer < -1
    return _Wanted(node, is_below or None in read or not states, states, lengths="")


def _state_read(stage: Recurrent, reader: Stage) -> tuple[str, int] | None:
    """The final state and the layer that a stage reads; None where it reads every step.

    Of one direction the last step is the final state; of two it is not, see LastHidden.
    """
    if isinstance(reader, LastHidden):
        return reader.state, reader.layer
    if isinstance(reader, LastStep) and not stage.bidirectional:
        return "h", -1
    return None


def _write_layer(
    stage: Recurrent, cells: Cells, given: Mapping[str, str], graph: Graph, wanted: _Wanted
) -> dict[str, str]:
    """Y `(seq, directions, batch, hidden_size)` as `(seq, batch, directions * hidden_size)`.

    By state Y_h and Y_c `(directions, batch, size)`, where they are given.
    """
    node = wanted.node
    finals = {}
    for state in stage.states:
        is_given = bool(given) or state in wanted.states
        finals[state] = _final(stage, state, node, graph) if is_given else ""
    every_step = f"{node}/Y" if wanted.every_step else ""
    outputs = [every_step, *finals.values()]
    while not outputs[-1]:  # what is left out at the end
        outputs.pop()
    _write_node(stage, cells, wanted, given, graph, outputs=tuple(outputs))
    graph.value = replace(graph.value, name=every_step, is_bidirectional=len(cells) > 1)
    if wanted.every_step:
        _join_directions(cells, node, graph)
    return {state: finals[state] for state in wanted.states}


def _join_directions(cells: Cells, node: str, graph: Graph) -> None:
    if len(cells) == 1:
        graph.squeeze(f"{node}/steps", axis=1)
        return
    # (seq, batch, directions, size)
    graph.add("Transpose", f"{node}/transposed", perm=[0, 2, 1, 3])
    as_it_is = 0
    graph.add("Reshape", f"{node}/steps", graph.integers("steps_shape", as_it_is, as_it_is, -1))


def _write_node(  # noqa: PLR0913 - what one node is made of
    stage: Recurrent,
    cells: Cells,
    wanted: _Wanted,
    given: Mapping[str, str],
    graph: Graph,
    *,
    outputs: tuple[str, ...],
) -> None:
    """The node of one layer; `given` are the states that it starts from in a graph with state."""
    node = wanted.node
    operands = _operands(stage, cells)
    names = {key: graph.constant(f"{node}/{key}", array) for key, array in operands.items()}
    initial = list(given.values())
    if not given:
        initial = [_initial(stage, cells, state, node, graph) for state in stage.states]
    attributes: dict[str, Any] = {"hidden_size": stage.hidden_size}
    if len(cells) > 1:
        attributes["direction"] = "bidirectional"
    if isinstance(stage, GRU):
        attributes["linear_before_reset"] = 1  # torch's form; the operator's default is 0
    if isinstance(stage, RNN) and stage.nonlinearity == "relu":
        attributes["activations"] = ["Relu"] * len(cells)
    weights = (names["W"], names["R"], names.get("B", ""))
    inputs = (graph.value.name, *weights, wanted.lengths, *initial)
    graph.node(stage.kind, node, *inputs, outputs=outputs, **attributes)


def _final(stage: Recurrent, state: str, node: str, graph: Graph) -> str:
    """The name of a node's final state: with a single layer an output of the graph itself."""
    names = graph.carried.get(stage.name, {})
    if names and stage.num_layers == 1:
        return names[state] + FINAL
    return f"{node}/Y_{state}"


def _initial(stage: Recurrent, cells: Cells, state: str, node: str, graph: Graph) -> str:
    """A layer's learned initial state for every row, or no input where there is none."""
    if f"{state}0" not in stage.weights:
        return ""
    # (directions, size)
    learned = np.stack([cell.h0 if state == "h" else cell.c0 for cell in cells])
    return graph.for_every_row(f"{node}/initial_{state}", learned)  # (directions, hidden_size)


def _operands(stage: Recurrent, cells: Cells) -> dict[str, Array]:
    """W, R and B of the operator, the directions stacked on a leading axis."""
    order = ONNX_ORDERS[stage.kind]

    def reordered(array: Array) -> Array:
        return reorder_gates(array, stage.gates, order)

    operands = {
        # (directions, gates * hidden_size, input_size)
        "W": np.stack([reordered(cell.weight_ih) for cell in cells]),
        # (directions, gates * hidden_size, hidden_size)
        "R": np.stack([reordered(cell.weight_hh) for cell in cells]),
    }
    if stage.bias:
        # The operator sums them; both are kept, so that reading back gives the model's own two.
        pairs = [(reordered(cell.bias_ih), reordered(cell.bias_hh)) for cell in cells]
        # (directions, 2 * gates * hidden_size)
        operands["B"] = np.stack([np.concatenate(pair) for pair in pairs])
    return operands
