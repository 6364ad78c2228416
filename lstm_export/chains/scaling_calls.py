"""What sums, differences, products and quotients become: scalers, and sums of two values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..model import Affine, Array, Stage
from .capture import Call, Constant, Data
from .parts import Part
from .rules import Translator, constant
from .signals import Node, Signal, Untranslated


def arithmetic(call: Call, data: Data, t: Translator) -> Signal:
    """Two sides, of which one may be a constant."""
    left = call.argument(0, "input")
    right = call.argument(1, "other")
    name = call.name
    if name in ("radd", "rsub", "rmul", "rdiv", "rtruediv"):
        left, right = right, left
        name = name[1:]
    factor = call.kwargs.get("alpha", 1) if name in ("add", "sub", "rsub") else 1
    if call.kwargs.get("rounding_mode") is not None:
        raise Untranslated("rounds")
    if isinstance(left, Data) and isinstance(right, Data):
        return _both(name, factor, t.signal(left), t.signal(right), t)
    on_left = isinstance(left, Data)
    signal = t.signal(left if on_left else right)
    vector = _vector(right if on_left else left, signal) * (factor if on_left else 1)
    if not on_left and name not in ("add", "mul", "multiply"):
        if name not in ("sub", "subtract"):
            raise Untranslated("divides by data")
        return affine(t, signal, Scaling(vector, -factor * np.ones_like(vector), inverse=True))
    if not on_left and factor != 1:
        raise Untranslated("has a factor of its own")
    ones = np.ones_like(vector)
    if name == "add":
        return affine(t, signal, Scaling(vector, ones, inverse=True))
    if name in ("sub", "subtract"):
        return affine(t, signal, Scaling(vector, ones, inverse=False))
    if name in ("mul", "multiply"):
        return affine(t, signal, Scaling(0 * ones, vector, inverse=True))
    return affine(t, signal, Scaling(0 * ones, vector, inverse=False))


def negative(call: Call, data: Data, t: Translator) -> Signal:
    """Times -1."""
    signal = t.signal(call.args[0])
    return affine(t, signal, Scaling(np.zeros(1), -np.ones(1), inverse=True))


def _both(name: str, factor: Any, a: Signal, b: Signal, t: Translator) -> Signal:
    """Two values that both depend on x: a sum where they are alike."""
    if name != "add" or factor != 1:
        words = {
            "sub": "takes one value on data from another",
            "mul": "multiplies two values on data",
        }
        raise Untranslated(
            f"{words.get(name, 'divides one value on data by another')}: no stage does"
        )
    if a.axes != b.axes or a.node.steps != b.node.steps:
        raise Untranslated("adds tensors whose axes differ")
    return Signal.of(a.axes, t.nodes.joined("add", [a.node, b.node]))


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
        offset, scale = (
            np.broadcast_to(array, width).astype(np.float32) for array in (self.offset, self.scale)
        )
        return Affine("scale", offset, scale, self.inverse)


def affine(t: Translator, signal: Signal, scaling: Scaling) -> Signal:
    """The scaler, one with the one before where both together are one: `(x - mean) / std`, `x * std
    + mean`."""
    if not scaling.inverse and not scaling.scale.all():
        raise Untranslated("divides by zero")

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
    return (
        t.nodes.step(node.inputs[0].inputs[0], *node.numbers)
        if node.kind == "step"
        else node.inputs[0]
    )


def _merged(before: Stage, after: Affine) -> Affine | None:
    """Both as one stage, where no rounding is lost or gained by that."""
    if not isinstance(before, Affine) or before.inverse != after.inverse:
        return None
    if not after.inverse and not after.offset.any() and (before.scale == 1).all():
        return Affine("scale", before.offset, after.scale)
    if after.inverse and (after.scale == 1).all() and not before.offset.any():
        return Affine("scale", after.offset, before.scale, inverse=True)
    return None


def _scaled(t: Translator, node: Node, stage: Affine) -> Node:
    part = Part("scale", "Affine", (stage,))
    key = ("affine", stage.offset.tobytes(), stage.scale.tobytes(), stage.inverse)
    return t.nodes.item(part, node, key, part, node.width)
