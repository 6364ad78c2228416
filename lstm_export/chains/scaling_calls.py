"""What sums, differences, products and quotients become: scalers, and joins of two values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model import Affine, Array, Stage
from .capture import Call, Constant, Data
from .parts import Part
from .rules import Translator, constant
from .signals import Axis, Node, Signal, Untranslated

# torch's names -> those of `JOINED`, and what a join of two values is called in a program.
_PLAIN = {"subtract": "sub", "multiply": "mul", "divide": "div"}
_PLAIN |= {"truediv": "div", "true_divide": "div", "rtruediv": "rdiv"}
JOINED = {"add": "add", "sub": "subtract", "mul": "multiply", "div": "divide"}


def arithmetic(call: Call, data: Data, t: Translator) -> Signal:
    """Two sides, of which one may be a constant."""
    left = call.argument(0, "input")
    right = call.argument(1, "other")
    name = call.name
    name = _PLAIN.get(name, name)
    if name in ("radd", "rsub", "rmul", "rdiv"):
        left, right = right, left
        name = name[1:]
    factor = call.kwargs.get("alpha", 1) if name in ("add", "sub") else 1
    if call.kwargs.get("rounding_mode") is not None:
        raise Untranslated("rounds")
    if isinstance(left, Data) and isinstance(right, Data):
        return both(name, factor, t.signal(left), t.signal(right), t)
    on_left = isinstance(left, Data)
    signal = t.signal(left if on_left else right)
    vector = _vector(right if on_left else left, signal) * (factor if on_left else 1)
    if not on_left and name not in ("add", "mul"):
        if name != "sub":
            raise Untranslated("divides by data")
        # constant - factor * x
        return affine(t, signal, Scaling(vector, -factor * np.ones_like(vector), inverse=True))
    if not on_left and factor != 1:
        raise Untranslated("has a factor of its own")
    ones = np.ones_like(vector)
    if name == "add":
        return affine(t, signal, Scaling(vector, ones, inverse=True))
    if name == "sub":
        return affine(t, signal, Scaling(vector, ones, inverse=False))
    if name == "mul":
        return affine(t, signal, Scaling(0 * ones, vector, inverse=True))
    return affine(t, signal, Scaling(0 * ones, vector, inverse=False))


def negative(call: Call, data: Data, t: Translator) -> Signal:
    """Times -1."""
    signal = t.signal(call.args[0])
    return affine(t, signal, Scaling(np.zeros(1), -np.ones(1), inverse=True))


def both(name: str, factor: Any, a: Signal, b: Signal, t: Translator) -> Signal:
    """Two values that both depend on x."""
    if factor != 1:
        scale = np.full(1, float(factor))
        b = affine(t, b, Scaling(np.zeros(1), scale, inverse=True))
    axes = _broadcast(a.axes, b.axes)
    if len({a.width, b.width} - {1}) > 1:
        raise Untranslated(f"joins {a.width} features and {b.width}")
    rows = np.broadcast_arrays(_rows(a, axes), _rows(b, axes))
    nodes = np.empty(rows[0].shape, object)
    for place in np.ndindex(nodes.shape):
        nodes[place] = t.nodes.joined(JOINED[name], [side[place] for side in rows])
    return Signal(axes, nodes)


def _rows(signal: Signal, axes: Sequence[Axis]) -> Array:
    """Its nodes with an axis for each axis of rows among `axes`, of length 1 where it has none."""
    own = ["one"] * (len(axes) - len(signal.axes)) + list(signal.axes)  # broadcasting adds in front
    sizes = iter(signal.nodes.shape)
    pairs = zip(own, axes, strict=True)
    shape = [next(sizes) if mine == "rows" else 1 for mine, joined in pairs if joined == "rows"]
    return signal.nodes.reshape(shape)


def _broadcast(a: Sequence[Axis], b: Sequence[Axis]) -> tuple[Axis, ...]:
    """The axes of what an operation makes of two tensors, counted from the last.

    Raises:
        Untranslated: a value of one stands beside values of the other that do not belong to it.
    """
    longest = max(len(a), len(b))
    first = ["one"] * (longest - len(a)) + list(a)
    second = ["one"] * (longest - len(b)) + list(b)
    joined: list[Axis] = []
    for mine, others in zip(first, second, strict=True):
        if mine != others and "one" not in (mine, others):
            raise Untranslated(f"joins ({', '.join(a)}) and ({', '.join(b)})")
        joined.append(others if mine == "one" else mine)
    return tuple(joined)


def _vector(value: Any, signal: Signal) -> Array:
    """A number, or a number a feature, in float64.

    Raises:
        Untranslated: it differs along another axis, or is no finite number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Constant):
        raise Untranslated(f"takes {value!r}")
    array = np.asarray(constant(value, "number").array if isinstance(value, Constant) else value)
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise Untranslated(f"takes a number that is {array.dtype} or not finite")
    if array.ndim > len(signal.axes) and array.size > 1:
        raise Untranslated(f"takes {array.shape}, which has more axes than its input")
    for axis, size in zip(reversed(signal.axes), reversed(array.shape), strict=False):
        if size > 1 and axis != "size":
            raise Untranslated(
                f"takes {array.shape}, another number for every place along {_along(axis)}"
            )
    if array.size > 1 and array.size != signal.width:
        raise Untranslated(f"makes {array.size} features of {signal.width}")
    return array.astype(np.float64).reshape(-1)


def _along(axis: str) -> str:
    return {"seq": "the steps", "batch": "the batch", "one": "a new axis"}.get(axis, f"the {axis}")


@dataclass(frozen=True, eq=False)
class Scaling:
    """Offset and scale of an Affine, in float64, one for all features or one each."""

    offset: Array
    scale: Array
    inverse: bool

    def stage(self, width: int) -> Affine:
        """As a stage of this width."""
        offset = np.broadcast_to(self.offset, width).astype(np.float32)
        scale = np.broadcast_to(self.scale, width).astype(np.float32)
        return Affine("scale", offset, scale, self.inverse)


def affine(t: Translator, signal: Signal, scaling: Scaling) -> Signal:
    """Nothing for plus 0 and times 1; the scaler, one with the one before where both together are
    one: `(x - mean) / std`, `x * std + mean`."""
    if not scaling.inverse and not scaling.scale.all():
        raise Untranslated("divides by zero")
    if not scaling.offset.any() and (scaling.scale == 1).all():
        return signal

    def change(node: Node) -> Node:
        inner = _inner(node)
        stage = scaling.stage(node.width)
        if inner.kind == "item" and isinstance(inner.item, Part) and inner.item.kind == "Affine":
            merged = _merged(inner.item.stages[0], stage)
            if merged is not None:
                return _scaled(t, _refit(t, node), merged)
        return _scaled(t, node, stage)

    return signal.map(change)


def _inner(node: Node) -> Node:
    return node.inputs[0] if node.kind == "step" else node


def _refit(t: Translator, node: Node) -> Node:
    """What an affine stage takes, at the same step."""
    taken = node.inputs[0]
    if node.kind == "step":
        return t.nodes.step(taken.inputs[0], *node.numbers)
    return taken


def _merged(before: Stage, after: Affine) -> Affine | None:
    """Both as one stage, where no rounding is lost or gained by that."""
    if not isinstance(before, Affine) or before.inverse != after.inverse:
        return None
    # (x - mean) / 1, then (x - 0) / std
    if not after.inverse and not after.offset.any() and (before.scale == 1).all():
        return Affine("scale", before.offset, after.scale)
    # x * std + 0, then x * 1 + mean
    if after.inverse and (after.scale == 1).all() and not before.offset.any():
        return Affine("scale", after.offset, before.scale, inverse=True)
    return None


def _scaled(t: Translator, node: Node, stage: Affine) -> Node:
    part = Part("scale", "Affine", (stage,))
    key = ("affine", stage.offset.tobytes(), stage.scale.tobytes(), stage.inverse)
    return t.nodes.item(part, node, key, part, node.width)
