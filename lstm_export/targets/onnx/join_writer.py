"""The stages that take several values, as nodes of an ONNX graph."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...errors import UnsupportedModel
from ...model import Add, Concat, Divide, Join, Multiply, Subtract
from .graph import Graph, Value

_OPERATORS = {
    Subtract.kind: "Sub",
    Multiply.kind: "Mul",
    Divide.kind: "Div",
    Concat.kind: "Concat",
}


def write_join(stage: Join, graph: Graph, taken: tuple[Value, ...], kept: int) -> None:
    """One node, before it what brings sequences into the same order of axes.

    Beside a row they run time first, so that the row goes to every step by broadcasting. `kept` is
    the number of steps where only the last were kept, else 0.
    """
    sequences = [value for value in taken if value.is_sequence]
    has_row = len(sequences) < len(taken)
    is_time_first = bool(sequences) and (has_row or sequences[0].is_time_first)
    alike = [_in_order(value, is_time_first, stage, graph) for value in taken]
    names = [value.name for value in alike]
    attributes: dict[str, Any] = {}
    if isinstance(stage, Concat):
        if sequences and has_row:
            names = [_at_every_step(value, kept, graph) for value in alike]
        attributes["axis"] = 2 if sequences else 1
    graph.node(_operator(stage, len(taken)), stage.name, *names, **attributes)
    first = sequences[0] if sequences else taken[0]
    graph.value = replace(first, name=stage.name, is_time_first=is_time_first, finals={})


def _operator(stage: Join, count: int) -> str:
    if isinstance(stage, Add):
        return "Add" if count == 2 else "Sum"
    if stage.kind not in _OPERATORS:
        raise UnsupportedModel(f"the onnx target cannot express {stage.name} ({stage.kind})")
    return _OPERATORS[stage.kind]


def _in_order(value: Value, is_time_first: bool, stage: Join, graph: Graph) -> Value:
    if not value.is_sequence or value.is_time_first == is_time_first:
        return value
    order = "time_first" if is_time_first else "batch_first"
    return graph.turned(value, f"{stage.name}/{value.name}/{order}")


def _at_every_step(value: Value, kept: int, graph: Graph) -> str:
    return value.name if value.is_sequence else graph.for_every_step(value, kept)
