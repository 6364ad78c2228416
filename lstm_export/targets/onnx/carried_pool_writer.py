"""A pool that goes on from chunk to chunk of a sequence, as nodes of an ONNX graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...device.onnx_metadata import FINAL
from ...device.onnx_schema import DOUBLE, FLOAT
from ...model import Pool
from ...model.stages.read_outs import LOWEST, SUM_PARTS
from .graph import Graph


def write_carried_pool(stage: Pool, graph: Graph) -> None:
    """What the state holds of the steps before, and this chunk; the row is written last."""
    if not graph.value.is_time_first:
        graph.value = graph.turned(graph.value, f"{stage.name}/time_first")
    names = graph.carried[stage.name]
    if stage.mode == "max":
        row = _largest(stage, names["largest"], graph)
    elif stage.mode == "first":
        row = _first(stage, names["first"], names["count"], graph)
    else:
        row = _sum_or_mean(stage, names, graph)
    graph.value = replace(graph.value, name=row)
    graph.squeeze(stage.name, axis=0)


def _largest(stage: Pool, carried: str, graph: Graph) -> str:
    chunk = _reduced("ReduceMax", f"{stage.name}/chunk", graph)
    return graph.node("Max", carried + FINAL, carried, chunk)


def _first(stage: Pool, carried: str, count: str, graph: Graph) -> str:
    seq = graph.float_steps()
    place = graph.integers(f"{stage.name}/place", 0)
    first = graph.node("Gather", f"{stage.name}/first", graph.value.name, place, axis=0)
    # 0 steps so far; a float32 count is compared with what lies between 0 and 1
    is_new = graph.node("Less", f"{stage.name}/is_new", count, graph.number("half", 0.5))
    kept = graph.node("Where", carried + FINAL, is_new, first, carried)  # (1, batch, size)
    graph.node("Add", count + FINAL, count, seq)
    return kept


def _sum_or_mean(stage: Pool, names: Mapping[str, str], graph: Graph) -> str:
    """In float64: float32 would lose digits as the sum grows."""
    terms = graph.node("Cast", f"{stage.name}/terms", graph.value.name, to=DOUBLE)
    total = _total(names["sum"], terms, graph)
    if stage.mode == "mean":
        count = _count(names["count"], graph)
        total = graph.node("Div", f"{stage.name}/quotient", total, count)  # (1, batch, size)
    return graph.node("Cast", f"{stage.name}/{stage.mode}", total, to=FLOAT)


def _count(carried: str, graph: Graph) -> str:
    """The steps so far, `(1, batch, 1)`."""
    steps = graph.double_steps()
    parts = graph.node("Cast", f"{carried}/parts", carried, to=DOUBLE)
    graph.value = replace(graph.value, name=parts)
    before = _reduced("ReduceSum", f"{carried}/before", graph)
    count = graph.node("Add", f"{carried}/total", before, steps)
    _carry_on(carried, count, graph)
    return count


def _total(carried: str, terms: str, graph: Graph) -> str:
    """Step after step onto the sum so far `(1, batch, size)`: chunks change no bit."""
    parts = graph.node("Cast", f"{carried}/parts", carried, to=DOUBLE)
    # (SUM_PARTS + seq, batch, size)
    joined = graph.node("Concat", f"{carried}/terms", parts, terms, axis=0)
    graph.value = replace(graph.value, name=joined)
    total = _reduced("ReduceSum", f"{carried}/total", graph)
    _carry_on(carried, total, graph)
    return total


def _carry_on(carried: str, total: str, graph: Graph) -> None:
    """The state after it: each part is what the parts before it leave of the total.

    Between the Casts stands a Clip: ONNX Runtime up to 1.16 takes a Cast to float32 and one back
    for nothing (findings/onnxruntime_drops_two_casts.sh).
    """
    low = graph.number("lowest", LOWEST)
    high = graph.number("highest", -LOWEST)
    parts: list[str] = []
    for index in range(SUM_PARTS):
        if parts:
            taken = graph.node("Cast", f"{carried}/taken{index}", parts[-1], to=DOUBLE)
            total = graph.node("Sub", f"{carried}/left{index}", total, taken)
        narrow = graph.node("Cast", f"{carried}/narrow{index}", total, to=FLOAT)
        parts.append(graph.node("Clip", f"{carried}/part{index}", narrow, low, high))
    graph.node("Concat", carried + FINAL, *parts, axis=0)


def _reduced(op: str, name: str, graph: Graph) -> str:
    """`(seq, batch, size)` to `(1, batch, size)`."""
    graph.reduce(op, name, axis=0, keepdims=1)
    return graph.value.name
