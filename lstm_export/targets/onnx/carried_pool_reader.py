"""A pool that goes on from chunk to chunk of a sequence, in an ONNX graph."""

from __future__ import annotations

from collections.abc import Iterator

from ...device.onnx_metadata import FINAL
from ...device.onnx_state import CarriedTensor
from ...errors import UnsupportedModel
from ...model import Pool
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
    if op == "Concat":
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
    total = _next(tensors)
    (walk.current,) = walk.take("Concat", total, walk.current, axis=0).outputs
    read_reduced(walk, "ReduceSum", 0, keepdims=1)
    so_far = walk.current
    if so_far != total + FINAL:
        raise UnsupportedModel(f"the final {total} is given back as {so_far!r}")
    if walk.op() == "Squeeze":
        return Pool(_squeezed(walk), "sum")
    count = _next(tensors)
    step_over_shared(walk)
    _expect_final(walk.take("Add", count, "x/float_steps"), count, walk)
    walk.current = so_far
    walk.advance("Div", count + FINAL)
    return Pool(_squeezed(walk), "mean")


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
