"""What calls become that pick, cut, turn and join axes, or change nothing."""

from __future__ import annotations

from . import axes
from .capture import Call, Data
from .rules import Translator
from .signals import Signal, Untranslated


def same(call: Call, data: Data, t: Translator) -> Signal:
    """A copy, another memory layout, another float type."""
    if data.shape != axes.shape_of(call.args[0]):
        raise Untranslated(f"makes {data.shape} of {axes.shape_of(call.args[0])}")
    return t.signal(call.args[0])


def dropout(call: Call, data: Data, t: Translator) -> Signal:
    """Nothing, unless it is active."""
    p = call.argument(1, "p", 0.5)
    if p and call.argument(2, "training", True):
        raise Untranslated(
            "drops values at random although the module is in evaluation mode (it is not told so)"
        )
    return same(call, data, t)


def getitem(call: Call, data: Data, t: Translator) -> Signal:
    """`x[...]`."""
    given = t.signal(call.args[0])
    shape = axes.shape_of(call.args[0])
    signal = axes.indexed(t.nodes, given, shape, call.args[1])
    if len(signal.axes) != len(data.shape):  # a recording tells no x[[0]] from x[0]
        raise Untranslated("picks by a list along its first axis")
    return signal


def select(call: Call, data: Data, t: Translator) -> Signal:
    """One place of an axis."""
    signal = t.signal(call.args[0])
    shape = axes.shape_of(call.args[0])
    axis = axes.place(call.argument(1, "dim"), len(shape))
    return axes.selected(t.nodes, signal, axis, shape[axis], call.argument(2, "index"))


def index_select(call: Call, data: Data, t: Translator) -> Signal:
    """Features by a tensor of their places."""
    signal = t.signal(call.args[0])
    shape = axes.shape_of(call.args[0])
    axis = axes.place(call.argument(1, "dim"), len(shape))
    return axes.picked(t.nodes, signal, axis, shape[axis], call.argument(2, "index"))


def narrow(call: Call, data: Data, t: Translator) -> Signal:
    """A slice of an axis by start and length."""
    signal = t.signal(call.args[0])
    shape = axes.shape_of(call.args[0])
    axis = axes.place(call.argument(1, "dim"), len(shape))
    start = call.argument(2, "start")
    if not isinstance(start, int):
        raise Untranslated("picks by a tensor")
    start %= shape[axis]
    return axes.cut(
        t.nodes, signal, axis, shape[axis], slice(start, start + call.argument(3, "length"))
    )


def aten_slice(call: Call, data: Data, t: Translator) -> Signal:
    """A slice of an axis by start and end."""
    signal = t.signal(call.args[0])
    shape = axes.shape_of(call.args[0])
    axis = axes.place(call.argument(1, "dim", 0), len(shape))
    start = call.argument(2, "start")
    end = call.argument(3, "end")
    step = call.argument(4, "step", 1)
    return axes.cut(t.nodes, signal, axis, shape[axis], slice(start, end, step))


def squeeze(call: Call, data: Data, t: Translator) -> Signal:
    """Without axes of length 1."""
    signal = t.signal(call.args[0])
    shape = axes.shape_of(call.args[0])
    dims = call.argument(1, "dim")
    if dims is None:  # all of them
        return axes.squeezed(signal, shape, None)
    if isinstance(dims, int):
        dims = [dims]
    return axes.squeezed(signal, shape, [axes.place(axis, len(shape)) for axis in dims])


def unsqueeze(call: Call, data: Data, t: Translator) -> Signal:
    """With a new axis."""
    signal = t.signal(call.args[0])
    return axes.inserted(signal, axes.place(call.argument(1, "dim"), len(signal.axes) + 1))


def reshape(call: Call, data: Data, t: Translator) -> Signal:
    """Axes joined or parted."""
    if len(call.args) == 2 and type(call.args[1]).__module__ == "torch":
        return same(call, data, t)  # view(dtype)
    signal = t.signal(call.args[0])
    shape = axes.shape_of(call.args[0])
    return axes.reshaped(t.nodes, signal, shape, data.shape)


def permute(call: Call, data: Data, t: Translator) -> Signal:
    """The axes in another order."""
    order = call.argument(1, "dims")
    order = order if isinstance(order, tuple) else call.args[1:]
    signal = t.signal(call.args[0])
    return axes.permuted(signal, [axes.place(axis, len(signal.axes)) for axis in order])


def transpose(call: Call, data: Data, t: Translator) -> Signal:
    """Two axes in each other's place; `x.T` and `x.mT` name none."""
    signal = t.signal(call.args[0])
    count = len(signal.axes)
    if len(call.args) + len(call.kwargs) == 1:
        if call.name in ("t", "T", "H") and count != 2:
            raise Untranslated("turns all axes around")
        return axes.transposed(signal, count - 2, count - 1)
    a = call.argument(1, "dim0", call.kwargs.get("axis0"))
    b = call.argument(2, "dim1", call.kwargs.get("axis1"))
    return axes.transposed(signal, axes.place(a, count), axes.place(b, count))


def movedim(call: Call, data: Data, t: Translator) -> Signal:
    """One axis to another place."""
    signal = t.signal(call.args[0])
    source = call.argument(1, "source")
    target = call.argument(2, "destination")
    count = len(signal.axes)
    order = list(range(count))
    axis = order.pop(axes.place(source, count))
    order.insert(axes.place(target, count), axis)
    return axes.permuted(signal, order)


def cat(call: Call, data: Data, t: Translator) -> Signal:
    """Tensors joined along an axis."""
    given = call.argument(0, "tensors")
    signals = [t.signal(tensor) for tensor in given]
    named = call.kwargs.get("axis", 0)  # numpy's word for it
    dim = axes.place(call.argument(1, "dim", named), len(signals[0].axes))
    return axes.joined(t.nodes, signals, dim)


def hstack(call: Call, data: Data, t: Translator) -> Signal:
    """Tensors of two axes or more joined along the second."""
    signals = [t.signal(tensor) for tensor in call.argument(0, "tensors")]
    if any(len(signal.axes) < 2 for signal in signals):
        raise Untranslated("joins tensors of one axis", "keep the axis of features, as x[:, :1]")
    return axes.joined(t.nodes, signals, 1)


def stack(call: Call, data: Data, t: Translator) -> Signal:
    """Tensors joined along a new axis."""
    signals = [t.signal(tensor) for tensor in call.argument(0, "tensors")]
    dim = axes.place(call.argument(1, "dim", 0), len(signals[0].axes) + 1)
    return axes.joined(t.nodes, [axes.inserted(signal, dim) for signal in signals], dim)


def pieces(call: Call, data: Data, t: Translator) -> Signal:
    """One of the results of `chunk`, `split` or `unbind`."""
    signal = t.signal(call.args[0])
    shape = axes.shape_of(call.args[0])
    return axes.parts_of(call, data, signal, t.nodes, shape)
