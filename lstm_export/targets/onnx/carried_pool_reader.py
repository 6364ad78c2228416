"""A pool that goes on from chunk to chunk of a sequence, in an ONNX graph."""

from __future__ import annotations

from collections.abc import Iterator

from ...device.onnx_metadata import FINAL
from ...device.onnx_schema import DOUBLE, FLOAT
from ...device.onnx_state import CarriedTensor
from ...errors import UnsupportedModel
from ...model import Pool
from ...model.stages.read_outs import LOWEST, SUM_PARTS
from .row_reader import read_reduced
from .shared_nodes import step_over_shared
from .walk import CONSTANT, Taken, Walk, check_number, check_whole


def read_carried_pool(walk: Walk, tensors: Iterator[CarriedTensor]) -> Pool:
    """A pool of the steps before, as the state holds them, and of those of x.

    The walk's current value runs time first.
    """
    op = walk.op()
    if op == "ReduceMax":
        return _largest(walk, _next(tensors))
    if op == "Cast":
        return _sum_or_mean(walk, tensors)
    return _first(walk, _next(tensors), _next(tensors))


def _next(tensors: Iterator[CarriedTensor]) -> str:
    found = next(tensors, None)
    if found is None:
        raise UnsupportedModel("a pool carries a state that the file's metadata does not name")
    return found.tensor.name


def _largest(walk: Walk, carried: str) -> Pool:
    read_reduced(walk, "ReduceMax", 0, keepdims=1)
    _expect_final(walk.take("Max", carried, walk.current), carried, walk)
    return Pool(_squeezed(walk), "max")


def _sum_or_mean(walk: Walk, tensors: Iterator[CarriedTensor]) -> Pool:
    total = _total(walk, _next(tensors))
    step_over_shared(walk)
    mode = "sum" if walk.is_input_named(0, total) else "mean"
    if mode == "mean":
        count = _count(walk, _next(tensors))
        (total,) = walk.take("Div", total, count).outputs
    walk.follow("Cast", total, to=FLOAT)
    return Pool(_squeezed(walk), mode)


def _total(walk: Walk, carried: str) -> str:
    """The float64 sum of what is carried and of the current value; it is carried on."""
    (terms,) = walk.take("Cast", walk.current, to=DOUBLE).outputs
    (parts,) = walk.take("Cast", carried, to=DOUBLE).outputs
    walk.follow("Concat", parts, terms, axis=0)
    read_reduced(walk, "ReduceSum", 0, keepdims=1)
    total = walk.current
    _carried_on(walk, carried, total)
    return total


def _count(walk: Walk, carried: str) -> str:
    walk.follow("Cast", carried, to=DOUBLE)
    read_reduced(walk, "ReduceSum", 0, keepdims=1)
    (count,) = walk.take("Add", walk.current, "x/double_steps").outputs
    _carried_on(walk, carried, count)
    return count


def _carried_on(walk: Walk, carried: str, total: str) -> None:
    """Step over what parts a float64 number into those that the state holds."""
    parts: list[str] = []
    for _ in range(SUM_PARTS):
        if parts:
            (taken,) = walk.take("Cast", parts[-1], to=DOUBLE).outputs
            (total,) = walk.take("Sub", total, taken).outputs
        (narrow,) = walk.take("Cast", total, to=FLOAT).outputs
        part = walk.take("Clip", narrow, CONSTANT, CONSTANT)
        for bound, value in zip(part.arrays(), (LOWEST, -LOWEST), strict=True):
            check_number(bound, value, narrow)
        parts += part.outputs
    _expect_final(walk.take("Concat", *parts, axis=0), carried, walk)


def _first(walk: Walk, kept: str, count: str) -> Pool:
    check_whole(walk.advance("Gather", CONSTANT, axis=0), [0])
    first = walk.current
    is_new = walk.take("Less", count, CONSTANT)
    (half,) = is_new.arrays()
    check_number(half, 0.5, count)
    _expect_final(walk.take("Where", is_new.outputs[0], first, kept), kept, walk)
    value = walk.current
    _expect_final(walk.take("Add", count, "x/float_steps"), count, walk)
    walk.current = value
    return Pool(_squeezed(walk), "first")


def _expect_final(taken: Taken, carried: str, walk: Walk) -> None:
    """The node gives back what goes on; it is the walk's value from here on."""
    if taken.outputs != (carried + FINAL,):
        raise UnsupportedModel(f"the final {carried} is given back as {taken.outputs}")
    (walk.current,) = taken.outputs


def _squeezed(walk: Walk) -> str:
    """Step over what makes a row of `(1, batch, size)`; its name."""
    name = walk.name()
    walk.integers("Squeeze", 0)
    return name
