"""The recurrent stages as ONNX: an LSTM or GRU node a layer.

Operators: https://onnx.ai/onnx/operators/onnx__LSTM.html and onnx__GRU.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...device.onnx_metadata import FINAL, LENGTHS
from ...model import GRU, Array, Cell, LastHidden, LastStep, Recurrent, Stage
from ...model.gates import ONNX_GATES, ONNX_GRU_GATES, reorder_gates
from .graph import Graph

Cells = tuple[Cell, ...]  # the directions of one layer


def write_recurrent(stage: Recurrent, graph: Graph, following: Stage | None) -> None:
    """Layer after layer; the last one gives the state that the read-out after it picks."""
    if not graph.is_time_first:
        graph.swap_batch_and_time("time_first")
    names = graph.states.get(stage.name, {})
    carried = {state: graph.split(name, stage.num_layers) for state, name in names.items()}
    for k, cells in enumerate(stage.layers()):
        node = f"{stage.name}/l{k}"
        given = {state: layers[k] for state, layers in carried.items()}
        is_last = k == stage.num_layers - 1
        if is_last and _picks_state(cells, following):
            _write_final_state(stage, cells, node, given, graph)
        else:
            _write_every_step(stage, cells, node, given, graph)
    if stage.num_layers > 1:
        for state, name in names.items():
            layers = [f"{stage.name}/l{k}/Y_{state}" for k in range(stage.num_layers)]
            graph.node("Concat", name + FINAL, *layers, axis=0)


def _picks_state(cells: Cells, following: Stage | None) -> bool:
    """Of one direction the last step is the final state; of two it is not, see LastHidden."""
    if isinstance(following, LastHidden):
        return True
    return isinstance(following, LastStep) and len(cells) == 1


def _write_final_state(
    stage: Recurrent, cells: Cells, node: str, given: Mapping[str, str], graph: Graph
) -> None:
    """Y_h `(directions, batch, hidden_size)`, which the read-out after it takes from here."""
    final = [_final(stage, state, node, graph) for state in given or ("h",)]
    _write_node(stage, cells, node, given, graph, outputs=("", *final))
    graph.current = final[0]
    graph.is_state = True


def _write_every_step(
    stage: Recurrent, cells: Cells, node: str, given: Mapping[str, str], graph: Graph
) -> None:
    """Y `(seq, directions, batch, hidden_size)` as `(seq, batch, directions * hidden_size)`."""
    every_step = f"{node}/Y"
    final = [_final(stage, state, node, graph) for state in given]
    _write_node(stage, cells, node, given, graph, outputs=(every_step, *final))
    graph.current = every_step
    graph.is_state = False
    if len(cells) == 1:
        graph.squeeze(f"{node}/steps", axis=1)
    else:
        graph.add("Transpose", f"{node}/transposed", perm=[0, 2, 1, 3])
        graph.add(
            "Reshape", f"{node}/steps", graph.integers("steps_shape", 0, 0, -1)
        )  # 0: as it is


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
    inputs = (graph.current, names["W"], names["R"], names.get("B", ""), lengths, *initial)
    graph.node(stage.kind, node, *inputs, outputs=outputs, **attributes)
    graph.is_bidirectional = len(cells) > 1


def _final(stage: Recurrent, state: str, node: str, graph: Graph) -> str:
    """The name of a node's final state: with a single layer an output of the graph itself."""
    names = graph.states.get(stage.name, {})
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
