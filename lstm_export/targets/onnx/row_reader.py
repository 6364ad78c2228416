"""The stages that make one row of a sequence, in an ONNX graph."""

from __future__ import annotations

from typing import NamedTuple

from ...errors import UnsupportedModel
from ...model import LastHidden, LastStep, Pool, Stage
from ...model.stages.read_outs import LOWEST
from .graph import AXES_INPUT_OPSET, FINAL_STEP, LAST
from .shared_nodes import step_over_shared
from .walk import CONSTANT, Walk, check_number

ROW_OPERATORS = ("Gather", "GatherND", "ReduceMean", "ReduceMax", "ReduceSum", "Where")


class Place(NamedTuple):
    """What a value of the graph is.

    Attributes:
        stage: index of the stage whose value it is; that of the model's input is `wiring.INPUT`.
        is_sequence: whether it has an axis of time.
        is_time_first: whether it is `(seq, batch, size)`.
        final: the state and the layer, the last one being -1, whose value after the last step it
            is, `(directions, batch, size)`; None for every step.
        kept: how many steps a sequence has where only the last were kept; 0 where it has all.
        layer: of a recurrent stage whose every step it is, the last one being -1.
    """

    stage: int
    is_sequence: bool = True
    is_time_first: bool = False
    final: tuple[str, int] | None = None
    kept: int = 0
    layer: int = -1

    @property
    def time_axis(self) -> int:
        """Where a sequence has its steps."""
        return 0 if self.is_time_first else 1


def read_final(walk: Walk, final: tuple[str, int], bidirectional: bool) -> Stage:
    """A read-out of a final state `(directions, batch, size)` of a recurrent stage."""
    state, layer = final
    name = walk.name()
    if bidirectional:
        walk.advance("Transpose", perm=[1, 0, 2])  # (batch, directions, size)
        name = walk.name()
        walk.integers("Reshape", 0, -1)  # the directions side by side: 0 keeps the batch
        return LastHidden(name, state=state, layer=layer)
    # Both give (batch, size); which operator it is keeps apart two stages of the same numbers.
    if walk.op() == "Squeeze" and final == ("h", -1):
        walk.integers("Squeeze", 0)
        return LastStep(name)
    walk.integers("Gather", 0, axis=0)
    return LastHidden(name, state=state, layer=layer)


def read_row(walk: Walk, place: Place, takes_lengths: bool) -> Stage:
    """A read-out or a pool of every step. Of a GatherND its index tells which read-out it is.

    Raises:
        UnsupportedModel: there is no axis of time, or the lengths of the rows do not count.
    """
    op = walk.op()
    if not place.is_sequence:
        raise UnsupportedModel(f"{walk.name()!r} takes {walk.current!r}, which is no sequence")
    if place.layer < -1 and not walk.is_input_named(1, FINAL_STEP):
        raise UnsupportedModel(f"{walk.name()!r} takes {walk.current!r} of a lower layer")
    if takes_lengths and op.startswith("Reduce"):
        raise UnsupportedModel(f"{walk.name()!r} reads what stands after a row's end")
    if op == "Gather":
        return _step(walk, place, takes_lengths)
    if op == "GatherND":
        return _last_that_counts(walk, place)
    if op == "Where":
        return _pool_of_what_counts(walk, place)
    if op == "ReduceSum":
        return _sum_or_mean(walk, place.time_axis, "x/float_steps")
    name = walk.name()
    mode = "mean" if op == "ReduceMean" else "max"
    read_reduced(walk, op, place.time_axis)
    return Pool(name, mode)


def _sum_or_mean(walk: Walk, axis: int, steps: str) -> Pool:
    """A sum over the steps, or a mean by so many of them or by one less."""
    name = walk.name()
    read_reduced(walk, "ReduceSum", axis)
    step_over_shared(walk)  # the number of steps, which the first to divide by it has made
    is_corrected = walk.op() == "Sub" and walk.is_input_named(0, steps)
    is_divided = walk.op() == "Div" and walk.is_input_named(1, steps)
    if not (is_corrected or is_divided):
        return Pool(name, "sum")
    divisor = steps
    if is_corrected:
        taken = walk.take("Sub", steps, CONSTANT)  # steps - 1
        (less,) = taken.arrays()
        (divisor,) = taken.outputs
        check_number(less, 1.0, divisor)
    name = walk.name()
    walk.advance("Div", divisor)
    return Pool(name, "mean", int(is_corrected))


def _step(walk: Walk, place: Place, takes_lengths: bool) -> Stage:
    name = walk.name()
    index = walk.constant(1)
    if index is not None and index.tolist() == 0:
        walk.integers("Gather", 0, axis=place.time_axis)
        return Pool(name, "first")
    walk.integers("Gather", -1, axis=place.time_axis)
    if takes_lengths:
        raise UnsupportedModel(f"{name!r} picks the last step of a row however long it is")
    return LastStep(name)


def _last_that_counts(walk: Walk, place: Place) -> Stage:
    name = walk.name()
    is_hidden = walk.is_input_named(1, FINAL_STEP)
    if place.is_time_first:
        raise UnsupportedModel(f"{name!r} takes {walk.current!r} time first")
    walk.advance("GatherND", FINAL_STEP if is_hidden else LAST, batch_dims=1)
    return LastHidden(name, layer=place.layer) if is_hidden else LastStep(name)


def _pool_of_what_counts(walk: Walk, place: Place) -> Stage:
    """A sum, a mean or the largest value over the steps before each row's end."""
    counts = "lengths/counts_time_first" if place.is_time_first else "lengths/counts"
    axis = place.time_axis
    # a step after the row's end gets what changes no sum and no maximum
    taken = walk.follow("Where", counts, walk.current, CONSTANT)
    (nothing,) = taken.arrays()
    if walk.op() == "ReduceMax":
        check_number(nothing, LOWEST, walk.current)
        name = walk.name()
        read_reduced(walk, "ReduceMax", axis)
        return Pool(name, "max")
    check_number(nothing, 0.0, walk.current)
    return _sum_or_mean(walk, axis, "lengths/divisor")


def read_reduced(walk: Walk, op: str, axis: int, keepdims: int = 0) -> None:
    """Step over a sum, a mean or the largest value along an axis."""
    if op == "ReduceSum" or walk.opset >= AXES_INPUT_OPSET:
        walk.integers(op, axis, keepdims=keepdims)
    else:
        walk.advance(op, axes=[axis], keepdims=keepdims)
