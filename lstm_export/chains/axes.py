"""Calls that turn, cut and join the axes of a tensor, and what they make of a signal."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from .capture import Call, Constant, Data
from .rules import constant
from .side_by_side import concat
from .signals import Axis, Nodes, Signal, TooShort, Untranslated

MOST_ROWS = 4096
NOT_A_ROW = "picks rows of the batch, which are sequences of their own"


def place(axis: Any, count: int) -> int:
    """An axis counted from the front."""
    if not isinstance(axis, int):
        raise Untranslated(f"takes the axis {axis!r}")
    return axis % count


def permuted(signal: Signal, order: Sequence[int]) -> Signal:
    """The axes in another order."""
    rows = [index for index, axis in enumerate(signal.axes) if axis == "rows"]
    # only rows are axes of `nodes`
    order_of_rows = [rows.index(index) for index in order if index in rows]
    axes = tuple(signal.axes[index] for index in order)
    return Signal(axes, signal.nodes.transpose(order_of_rows))


def transposed(signal: Signal, a: int, b: int) -> Signal:
    """Two axes in each other's place."""
    order = list(range(len(signal.axes)))
    order[a] = b
    order[b] = a
    return permuted(signal, order)


def indexed(nodes: Nodes, signal: Signal, shape: Sequence[int], index: Any) -> Signal:
    """`x[index]` with numbers, slices, None and an ellipsis."""
    wanted = list(index) if isinstance(index, tuple) else [index]
    given = sum(pick is not None and pick is not Ellipsis for pick in wanted)  # axes spoken for
    if Ellipsis not in wanted:
        wanted.append(Ellipsis)  # what is not named at the end is taken whole
    at = wanted.index(Ellipsis)
    wanted[at : at + 1] = [slice(None)] * (len(signal.axes) - given)
    _check_neighbours(wanted)
    axis = 0  # of the signal as it is so far
    sizes = list(shape)
    for pick in wanted:
        if pick is None:
            signal = inserted(signal, axis)
            sizes.insert(axis, 1)
            axis += 1
        elif isinstance(pick, tuple | Constant):
            signal = picked(nodes, signal, axis, sizes[axis], pick)
            sizes[axis] = signal.width
            axis += 1
        elif isinstance(pick, bool) or not isinstance(pick, int | slice):
            raise Untranslated("picks by a tensor or a list")
        elif isinstance(pick, int):
            signal = selected(nodes, signal, axis, sizes.pop(axis), pick)
        else:
            signal = cut(nodes, signal, axis, sizes[axis], pick)
            sizes[axis] = len(range(*pick.indices(sizes[axis])))
            axis += 1
    return signal


def _check_neighbours(wanted: Sequence[Any]) -> None:
    """Refuse a list and a number with a slice between them: torch puts their axis first."""
    kept = [pick is None or isinstance(pick, slice) for pick in wanted]
    chosen = [index for index, is_kept in enumerate(kept) if not is_kept]
    lists = any(isinstance(wanted[index], tuple | Constant) for index in chosen)
    if lists and chosen != list(range(chosen[0], chosen[-1] + 1)):
        raise Untranslated("picks by a list and by a number in axes that are not side by side")


def picked(nodes: Nodes, signal: Signal, axis: int, size: int, places: Any) -> Signal:
    """Features by a list or a tensor of their places, in any order."""
    kind = signal.axes[axis]
    if kind != "size":
        raise Untranslated(f"picks by a tensor or a list along the axis of {kind}, only features")
    if isinstance(places, Constant):
        places = constant(places, "places").array.tolist()
    if not isinstance(places, tuple | list) or not all(type(each) is int for each in places):
        raise Untranslated("picks by something other than whole numbers")
    features = tuple(place % size for place in places)
    return signal.map(lambda node: nodes.pick(node, features))


def inserted(signal: Signal, axis: int) -> Signal:
    """A new axis of length 1."""
    return Signal((*signal.axes[:axis], "one", *signal.axes[axis:]), signal.nodes)


def selected(nodes: Nodes, signal: Signal, axis: int, size: int, index: int) -> Signal:
    """One place of an axis, which is gone after it."""
    kind = signal.axes[axis]
    index = index % size
    axes = (*signal.axes[:axis], *signal.axes[axis + 1 :])
    if kind == "one":
        return Signal(axes, signal.nodes)
    if kind == "rows":
        number = signal.axes[:axis].count("rows")  # which axis of `nodes` it is
        row = signal.nodes.take(index, number)
        return Signal(axes, np.asarray(row, object))  # the last row is no array any more
    if kind == "seq":
        return Signal(axes, signal.map(lambda node: nodes.step(node, index)).nodes)
    if kind == "size":
        return Signal(axes, signal.map(lambda node: nodes.cut(node, index, index + 1)).nodes)
    raise Untranslated(NOT_A_ROW)


def cut(nodes: Nodes, signal: Signal, axis: int, size: int, part: slice) -> Signal:
    """A slice of an axis."""
    start, stop, by = part.indices(size)
    kind = signal.axes[axis]
    if kind == "seq" and isinstance(part.start, int) and part.start < -size:
        raise TooShort(f"the last {-part.start} steps of {size} are read out")
    if (start, stop, by) == (0, size, 1):
        return signal
    if by != 1:
        raise Untranslated(f"takes every {by}th place of an axis")
    if kind == "rows":
        number = signal.axes[:axis].count("rows")
        return Signal(signal.axes, signal.nodes.take(range(start, stop), number))
    if kind == "size" and stop > start:
        return signal.map(lambda node: nodes.cut(node, start, stop))
    if kind == "seq" and stop == start + 1:
        picked = selected(nodes, signal, axis, size, start)
        return inserted(picked, axis)
    if kind == "seq" and stop == size:
        return signal.map(lambda node: nodes.tail(node, stop - start))
    if kind == "seq":
        raise Untranslated(
            f"takes the steps {start} to {stop} of {size}: only the first, the last ones or all "
            "can be read out"
        )
    raise Untranslated(NOT_A_ROW)


def squeezed(signal: Signal, shape: Sequence[int], only: Sequence[int] | None) -> Signal:
    """Without axes of length 1, all or some of them."""
    ones = [index for index, size in enumerate(shape) if size == 1]
    gone = [index for index in ones if only is None or index in only]
    rows = [index for index, axis in enumerate(signal.axes) if axis == "rows"]
    gone_rows = tuple(rows.index(index) for index in gone if index in rows)
    kept = tuple(axis for index, axis in enumerate(signal.axes) if index not in gone)
    return Signal(kept, signal.nodes.squeeze(gone_rows))


def reshaped(nodes: Nodes, signal: Signal, old: Sequence[int], new: Sequence[int]) -> Signal:
    """`x.view(new)`: axes of batch and steps may be joined and parted, rows become features side by
    side."""
    ones = [index for index, size in enumerate(old) if size == 1]
    signal = squeezed(signal, old, ones)
    sizes = [size for size in old if size != 1]
    labels: list[Axis] = []
    at = 0  # in the old axes
    wanted = list(new)
    while wanted:
        size = wanted.pop(0)
        if size == 1:
            labels.append("one")
            continue
        # The fewest old axes and new ones that hold as many values: they are joined or parted.
        group = [size]
        end = at + 1
        while prod(sizes[at:end]) != prod(group):
            if prod(sizes[at:end]) < prod(group) and end < len(sizes):
                end += 1
            elif prod(sizes[at:end]) > prod(group) and wanted:
                group.append(wanted.pop(0))
            else:
                raise Untranslated(f"lays {tuple(old)} out as {tuple(new)}")
        signal, made = _regrouped(nodes, signal, at, sizes[at:end], group)
        labels += made
        at = end
    return Signal(tuple(labels), signal.nodes)


def _regrouped(
    nodes: Nodes, signal: Signal, at: int, old: list[int], new: list[int]
) -> tuple[Signal, list[Axis]]:
    """One group of axes that are joined or parted; the signal keeps its own axes, the new labels
    are returned."""
    axes = signal.axes[at : at + len(old)]
    if old == new:
        return signal, list(axes)
    if len(new) == 1 and set(axes) == {"batch", "seq"}:
        return signal, [" ".join(axes)]
    if axes == ("size",) and not signal.nodes.ndim:
        return _in_rows(nodes, signal, new), ["rows"] * (len(new) - 1) + ["size"]
    if len(axes) == 1 and axes[0] in ("batch seq", "seq batch"):
        return signal, _parted(signal, axes[0], new)
    if set(axes) == {"rows"}:
        before = signal.axes[:at].count("rows")
        shape = signal.nodes.shape
        grown = signal.nodes.reshape(*shape[:before], *new, *shape[before + len(old) :])
        return Signal(signal.axes, grown), ["rows"] * len(new)
    if len(new) == 1 and axes[-1] == "size":
        return _flattened(nodes, signal, axes), ["size"]
    raise Untranslated(f"lays the axes {', '.join(axes)} out as {tuple(new)}")


def _flattened(nodes: Nodes, signal: Signal, axes: Sequence[Axis]) -> Signal:
    """Rows of states, or the last steps of a sequence, side by side."""
    if set(axes[:-1]) == {"rows"}:
        if signal.axes.count("rows") != len(axes) - 1:
            raise Untranslated("joins some layers' states and not others")
        single = Signal.of((), concat(nodes, list(signal.nodes.flat)))
        return Signal(signal.axes, single.nodes)
    if set(axes[:-1]) == {"seq"}:
        return Signal(signal.axes, signal.map(nodes.flat).nodes)
    raise Untranslated(f"lays the axes {', '.join(axes)} side by side")


def _in_rows(nodes: Nodes, signal: Signal, new: list[int]) -> Signal:
    """Features laid out in rows, such as a forecast as `(batch, horizon, targets)`."""
    *shape, width = new
    if prod(shape) > MOST_ROWS:
        raise Untranslated(f"lays features out in {prod(shape)} rows, at most {MOST_ROWS} are read")
    parts = np.empty(shape, object)
    for number, place in enumerate(np.ndindex(*shape)):
        parts[place] = nodes.cut(signal.node, number * width, (number + 1) * width)
    return Signal(signal.axes, parts)


def _parted(signal: Signal, axis: Axis, new: list[int]) -> list[Axis]:
    steps = next(node.steps for node in signal.nodes.flat)
    names = axis.split()
    number = names.index("seq")
    if len(new) != 2 or new[number] != steps:
        raise Untranslated(f"parts batch and steps as {tuple(new)}")
    return names


def joined(nodes: Nodes, signals: Sequence[Signal], axis: int) -> Signal:
    """`torch.cat` along an axis."""
    first = signals[0]
    if any(signal.axes != first.axes for signal in signals):
        raise Untranslated("joins tensors whose axes differ")
    kind = first.axes[axis]
    if kind == "size":
        nodes_of = [signal.node for signal in signals]
        if len({node.steps for node in nodes_of}) > 1:
            raise Untranslated("joins a sequence and one step")
        return Signal.of(first.axes, concat(nodes, nodes_of))
    axes = list(first.axes)
    if kind == "one":
        axes[axis] = "rows"
        before = first.axes[:axis].count("rows")
        stacked = np.stack([signal.nodes for signal in signals], before)
        return _sequence(Signal(tuple(axes), stacked), axis)
    if kind == "rows":
        number = first.axes[:axis].count("rows")
        return Signal(first.axes, np.concatenate([signal.nodes for signal in signals], number))
    raise Untranslated(f"joins along the axis of {'steps' if kind == 'seq' else kind}")


def _sequence(signal: Signal, axis: int) -> Signal:
    """All steps of one sequence in order are that sequence."""
    if signal.nodes.ndim != 1 or any(node.kind != "step" for node in signal.nodes):
        return signal
    sources = {id(node.inputs[0]) for node in signal.nodes}  # nodes are compared by identity
    steps = [node.numbers[0] for node in signal.nodes]
    source = signal.nodes[0].inputs[0]
    if len(sources) != 1 or steps != list(range(source.steps)):
        return signal
    axes = (*signal.axes[:axis], "seq", *signal.axes[axis + 1 :])
    return Signal.of(axes, source)


def parts_of(call: Call, data: Data, signal: Signal, nodes: Nodes, source: Sequence[int]) -> Signal:
    """One of the pieces that `chunk`, `split` or `unbind` give."""
    by = call.argument(1, "split_size_or_sections", call.argument(1, "chunks"))
    if call.name == "unbind":
        axis = place(call.argument(1, "dim", 0), len(source))
        return selected(nodes, signal, axis, source[axis], data.index)
    axis = place(call.argument(2, "dim", 0), len(source))
    size = source[axis]
    if isinstance(by, tuple):
        start = sum(by[: data.index])
        return cut(nodes, signal, axis, size, slice(start, start + by[data.index]))
    # `chunk` is told how many pieces, rounded up; `split` how long each is
    length = -(-size // by) if call.name in ("chunk", "unsafe_chunk") else by
    start = data.index * length
    return cut(nodes, signal, axis, size, slice(start, min(start + length, size)))


def shape_of(value: Data | Constant) -> tuple[int, ...]:
    """The shape of an argument."""
    return value.shape if isinstance(value, Data) else value.array.shape
