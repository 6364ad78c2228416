"""A pool that goes on from chunk to chunk of a sequence, as nodes of an ONNX graph."""

from __future__ import annotations

from dataclasses import replace

from ...device.onnx_metadata import FINAL
from ...model import Pool
from .graph import Graph


def write_carried_pool(stage: Pool, graph: Graph) -> None:
    """What the state holds of the steps before, and this chunk; the row is written last."""
    if not graph.value.is_time_first:
        graph.value = graph.turned(graph.value, f"{stage.name}/time_first")
    names = graph.carried[stage.name]
    if stage.mode == "max":
        _write_largest(stage, names["largest"], graph)
        return
    if stage.mode == "sum":
        _squeezed(stage, _sum_so_far(stage, names["sum"], graph), graph)
        return
    seq = graph.float_steps()
    if stage.mode == "mean":
        so_far = _sum_so_far(stage, names["sum"], graph)
        count = graph.node("Add", names["count"] + FINAL, names["count"], seq)
        mean = graph.node("Div", f"{stage.name}/mean", so_far, count)  # (1, batch, size)
        _squeezed(stage, mean, graph)
        return
    place = graph.integers(f"{stage.name}/place", 0)
    first = graph.node("Gather", f"{stage.name}/first", graph.value.name, place, axis=0)
    half = graph.number("half", 0.5)
    is_new = graph.node("Less", f"{stage.name}/is_new", names["count"], half)
    kept = graph.node("Where", names["first"] + FINAL, is_new, first, names["first"])
    graph.node("Add", names["count"] + FINAL, names["count"], seq)
    _squeezed(stage, kept, graph)


def _sum_so_far(stage: Pool, carried: str, graph: Graph) -> str:
    """Step after step onto the sum so far `(1, batch, size)`: chunks change no bit."""
    joined = graph.node("Concat", f"{stage.name}/terms", carried, graph.value.name, axis=0)
    graph.value = replace(graph.value, name=joined)
    return _reduced("ReduceSum", carried + FINAL, graph)


def _write_largest(stage: Pool, carried: str, graph: Graph) -> None:
    chunk = _reduced("ReduceMax", f"{stage.name}/chunk", graph)
    largest = graph.node("Max", carried + FINAL, carried, chunk)
    _squeezed(stage, largest, graph)


def _reduced(op: str, name: str, graph: Graph) -> str:
    """`(seq, batch, size)` to `(1, batch, size)`."""
    graph.reduce(op, name, axis=0, keepdims=1)
    return graph.value.name


def _squeezed(stage: Pool, value: str, graph: Graph) -> None:
    graph.value = replace(graph.value, name=value)
    graph.squeeze(stage.name, axis=0)
