"""The recurrent stages as ONNX: an LSTM or GRU node a layer.

Operators: https://onnx.ai/onnx/operators/onnx__LSTM.html and onnx__GRU.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ...device.onnx_metadata import FINAL, LENGTHS
from ...model import GRU, Array, Cell, LastHidden, LastStep, Recurrent, Stage
from ...model.gates import ONNX_GATES, ONNX_GRU_GATES, reorder_gates
from .graph import Graph

Cells = tuple[Cell, ...]  # the directions of one layer


def write_recurrent(stage: Recurrent, graph: Graph, readers: tuple[Stage, ...]) -> None:
    """Layer after layer; the last one gives what its readers take, every step or the final h."""
    if not graph.value.is_time_first:
        name = "time_first" if not graph.has("time_first") else f"{graph.value.name}/time_first"
        graph.value = graph.turned(graph.value, name)
    names = graph.carried.get(stage.name, {})
    carried = {state: graph.split(name, stage.num_layers) for state, name in names.items()}
    for k, cells in enumerate(stage.layers()):
        node = f"{stage.name}/l{k}"
        given = {state: layers[k] for state, layers in carried.items()}
        is_last = k == stage.num_layers - 1
        wanted = _wanted(stage, readers) if is_last else _Wanted(every_step=True, final=False)
        _write_layer(stage, cells, node, given, graph, wanted)
    if stage.num_layers > 1:
        for state, name in names.items():
            layers = [f"{stage.name}/l{k}/Y_{state}" for k in range(stage.num_layers)]
            graph.node("Concat", name + FINAL, *layers, axis=0)


class _Wanted(NamedTuple):
    """What is read of a layer: the output of every step, h after the last one, or both."""

    every_step: bool
    final: bool


def _wanted(stage: Recurrent, readers: tuple[Stage, ...]) -> _Wanted:
    finals = [_picks_state(stage, reader) for reader in readers]
    return _Wanted(every_step=not finals or not all(finals), final=any(finals))


def _picks_state(stage: Recurrent, reader: Stage) -> bool:
    """Of one direction the last step is the final state; of two it is not, see LastHidden."""
    if isinstance(reader, LastHidden):
        return True
    return isinstance(reader, LastStep) and not stage.bidirectional


def _write_layer(  # noqa: PLR0913, PLR0917 - what one layer is made of
    stage: Recurrent,
    cells: Cells,
    node: str,
    given: Mapping[str, str],
    graph: Graph,
    wanted: _Wanted,
) -> None:
    """Y `(seq, directions, batch, hidden_size)` as `(seq, batch, directions * hidden_size)`, and
    Y_h `(directions, batch, hidden_size)`, which a read-out takes from here."""
    states = tuple(given) or (("h",) if wanted.final else ())
    finals = [_final(stage, state, node, graph) for state in states]
    every_step = f"{node}/Y" if wanted.every_step else ""
    _write_node(stage, cells, node, given, graph, outputs=(every_step, *finals))
    graph.value = replace(graph.value, name=every_step, is_bidirectional=len(cells) > 1)
    if wanted.every_step:
        _join_directions(cells, node, graph)
    final = finals[0] if wanted.final else ""
    graph.value = replace(graph.value, final=final)


def _join_directions(cells: Cells, node: str, graph: Graph) -> None:
    if len(cells) == 1:
        graph.squeeze(f"{node}/steps", axis=1)
        return
    graph.add("Transpose", f"{node}/transposed", perm=[0, 2, 1, 3])
    as_it_is = 0
    graph.add("Reshape", f"{node}/steps", graph.integers("steps_shape", as_it_is, as_it_is, -1))


def _write_node(  # noqa: PLR0913 - what one node is made of
    stage: Recurrent,
    cells: Cells,
    node: str,
    given: Mapping[str, str],
    graph: Graph,
    *,
    outputs: tuple[str, ...],
) -> None:
    """The node of one layer; `given` are the states that it starts from in a graph with state."""
    operands = _operands(stage, cells)
    names = {key: graph.constant(f"{node}/{key}", array) for key, array in operands.items()}
    lengths = LENGTHS if graph.takes_lengths else ""
    initial = list(given.values())
    if not given:
        initial = [_initial(stage, cells, state, node, graph) for state in stage.states]
    attributes: dict[str, Any] = {"hidden_size": stage.hidden_size}
    if len(cells) > 1:
        attributes["direction"] = "bidirectional"
    if isinstance(stage, GRU):
        attributes["linear_before_reset"] = 1
    inputs = (graph.value.name, names["W"], names["R"], names.get("B", ""), lengths, *initial)
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
    learned = np.stack([cell.h0 if state == "h" else cell.c0 for cell in cells])
    return graph.for_every_row(f"{node}/initial_{state}", learned)  # (directions, hidden_size)


def _operands(stage: Recurrent, cells: Cells) -> dict[str, Array]:
    """W, R and B of the operator, the directions stacked on a leading axis."""
    order = ONNX_GRU_GATES if isinstance(stage, GRU) else ONNX_GATES

    def reordered(array: Array) -> Array:
        return reorder_gates(array, stage.gates, order)

    operands = {
        "W": np.stack([reordered(cell.weight_ih) for cell in cells]),
        "R": np.stack([reordered(cell.weight_hh) for cell in cells]),
    }
    if stage.bias:
        pairs = [(reordered(cell.bias_ih), reordered(cell.bias_hh)) for cell in cells]
        operands["B"] = np.stack([np.concatenate(pair) for pair in pairs])
    return operands
