"""The table of torch's calls that have a translation, and what each becomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import numpy as np

from ..model import Activation, Affine, Array, LayerNorm, Linear, Stage
from . import axes
from .capture import Call, Constant, Data
from .find_parts import batch_norm
from .forward_text import number
from .parts import Part
from .signals import Node, Nodes, Signal, Untranslated


class Translator(Protocol):
    """What a rule asks: the signals of its arguments, and nodes."""

    nodes: Nodes

    def signal(self, value: Any) -> Signal:
        """What a recorded tensor is."""


# The call, which of its results, and the translator.
Rule: TypeAlias = Callable[[Call, Data, Translator], Signal]


# Without effect on values


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


def rrelu(call: Call, data: Data, t: Translator) -> Signal:
    """In evaluation a leaky ReLU with the mean slope."""
    lower, upper = call.argument(1, "lower", 1 / 8), call.argument(2, "upper", 1 / 3)
    if call.argument(3, "training", False):
        raise Untranslated("draws its slopes at random")
    return pointwise(call, t, f"leaky_relu({number((lower + upper) / 2)})")


# Activations


def pointwise(call: Call, t: Translator, token: str) -> Signal:
    """An activation on every value alike."""
    return activated(t.signal(call.argument(0, "input")), t, token)


def activated(signal: Signal, t: Translator, token: str) -> Signal:
    """An activation of a signal."""
    return signal.map(lambda node: t.nodes.item(token, node, token, None, node.width))


def named(token: str) -> Rule:
    """An activation without a parameter."""
    return lambda call, data, t: pointwise(call, t, token)


def gelu(call: Call, data: Data, t: Translator) -> Signal:
    """Exact or with tanh."""
    return pointwise(call, t, "gelu_tanh" if call.kwargs.get("approximate") == "tanh" else "gelu")


def leaky_relu(call: Call, data: Data, t: Translator) -> Signal:
    """With its slope."""
    return pointwise(call, t, f"leaky_relu({number(call.argument(1, 'negative_slope', 0.01))})")


def elu(call: Call, data: Data, t: Translator) -> Signal:
    """With its alpha."""
    more = [call.argument(2, "scale", 1), call.argument(3, "input_scale", 1)]
    if any(one not in (1, False) for one in more):
        raise Untranslated("has scales besides its alpha")
    return pointwise(call, t, f"elu({number(call.argument(1, 'alpha', 1.0))})")


def softplus(call: Call, data: Data, t: Translator) -> Signal:
    """`log(1 + exp(beta * x)) / beta`, scaled before and after where beta is not 1.

    From `beta * x = threshold` on torch returns x, which is the same in float32 from 20 on.
    """
    beta, threshold = call.argument(1, "beta", 1), call.argument(2, "threshold", 20)
    if threshold < 20:
        raise Untranslated(f"is x itself from the threshold {threshold} on, which has no stage")
    signal = t.signal(call.argument(0, "input"))
    if beta != 1:
        signal = _affine(t, signal, _Scaling(np.zeros(1), np.full(1, float(beta)), inverse=True))
    signal = activated(signal, t, "softplus")
    if beta != 1:
        signal = _affine(t, signal, _Scaling(np.zeros(1), np.full(1, float(beta)), inverse=False))
    return signal


def celu(call: Call, data: Data, t: Translator) -> Signal:
    """With its alpha."""
    return pointwise(call, t, f"celu({number(call.argument(1, 'alpha', 1.0))})")


def clamp(call: Call, data: Data, t: Translator) -> Signal:
    """Between two numbers; `max(x, 0)` is a ReLU."""
    if call.name == "clamp_max":
        return _clamped(call, t, None, call.argument(1, "max"))
    return _clamped(call, t, call.argument(1, "min"), call.argument(2, "max"))


def relu6(call: Call, data: Data, t: Translator) -> Signal:
    """Between 0 and 6."""
    return _clamped(call, t, 0.0, 6.0)


def hardtanh(call: Call, data: Data, t: Translator) -> Signal:
    """Between -1 and 1, or other numbers."""
    return _clamped(call, t, call.argument(1, "min_val", -1.0), call.argument(2, "max_val", 1.0))


def _clamped(call: Call, t: Translator, low: Any, high: Any) -> Signal:
    bounds = [_bound(bound) for bound in (low, high)]
    if bounds == [0, None]:
        return pointwise(call, t, "relu")
    low, high = bounds
    if low is None and high is None:
        raise Untranslated("keeps values between nothing")
    if low is not None and high is not None and low > high:
        raise Untranslated(f"keeps values between {low} and {high}, which are in the wrong order")
    texts = ["-inf" if low is None else number(low), "inf" if high is None else number(high)]
    return pointwise(call, t, f"clamp({', '.join(texts)})")


def _bound(bound: Any) -> float | None:
    if isinstance(bound, Constant) and bound.array.size == 1:
        bound = constant(bound, "bound").array.item()
    if bound is None:
        return None
    if isinstance(bound, bool) or not isinstance(bound, int | float) or not np.isfinite(bound):
        raise Untranslated("keeps values between bounds that are no two numbers")
    return float(bound)


def limited(call: Call, data: Data, t: Translator) -> Signal:
    """`maximum(x, number)` and `minimum(x, number)`."""
    a, b = call.argument(0, "input"), call.argument(1, "other")
    if isinstance(a, Data) and isinstance(b, Data):
        raise Untranslated("takes the larger or smaller of two values on data")
    x, bound = (a, b) if isinstance(a, Data) else (b, a)
    changed = replace(call, args=(x,), kwargs={})
    low, high = (bound, None) if call.name in ("maximum", "fmax") else (None, bound)
    return _clamped(changed, t, low, high)


def threshold(call: Call, data: Data, t: Translator) -> Signal:
    """`threshold(x, v, v)` is a clamp from v."""
    edge, value = call.argument(1, "threshold"), call.argument(2, "value")
    if edge == value:
        return _clamped(call, t, edge, None)
    raise Untranslated(f"puts {value} in place of what is not above {edge}: no stage does")


def prelu(call: Call, data: Data, t: Translator) -> Signal:
    """A leaky ReLU with a learned slope."""
    weight, signal = constant(call.argument(1, "weight"), "slope"), t.signal(call.args[0])
    if weight.array.size != 1:
        raise Untranslated(f"has {weight.array.size} slopes, only one for all has a stage")
    prefix = owner(weight, call)
    stage = Activation(prefix or "prelu", "leaky_relu", float(weight.array.flat[0]))
    part = Part(prefix, "PReLU", (stage,))
    return signal.map(
        lambda node: t.nodes.item(part, node, ("prelu", id(weight)), (part, weight), node.width)
    )


# With weights


def constant(value: Any, what: str) -> Constant:
    """A tensor that does not depend on x, and is the same at every call.

    Raises:
        Untranslated: it is none.
    """
    if isinstance(value, Data):
        raise Untranslated(f"takes its {what} from data")
    if not isinstance(value, Constant):
        raise Untranslated(f"has the {what} {value!r}")
    if value.origin:
        raise Untranslated(
            f"takes its {what} from {value.origin}, which is random: every call answers otherwise"
        )
    return value


def owner(weight: Constant, call: Call) -> str:
    """The module that a weight belongs to, by its name in the state_dict, or the module that computes with it."""
    if weight.name:
        return (
            weight.name.removesuffix("weight").removesuffix(".")
            if _is_weight(weight.name)
            else weight.name
        )
    return call.place.module


def _is_weight(name: str) -> bool:
    return name.rpartition(".")[2] == "weight"


def features(signal: Signal) -> int:
    """The width where the last axis is that of the features.

    Raises:
        Untranslated: it is another.
    """
    if not signal.axes or signal.axes[-1] != "size":
        last = signal.axes[-1] if signal.axes else "nothing"
        raise Untranslated(
            f"works along the axis of {'steps' if last == 'seq' else last}, not along the features"
        )
    return signal.width


def linear(call: Call, data: Data, t: Translator) -> Signal:
    """`x @ weight.T + bias`."""
    weight, bias = constant(call.argument(1, "weight"), "weight"), call.argument(2, "bias")
    return _linear(call, t, call.args[0], _Product(weight, weight.array, bias))


def matmul(call: Call, data: Data, t: Translator) -> Signal:
    """`x @ matrix`."""
    matrix = constant(call.argument(1, "other", call.argument(1, "mat2")), "matrix")
    if matrix.array.ndim != 2:
        raise Untranslated(f"multiplies by {matrix.array.shape}, expected a matrix")
    return _linear(call, t, call.args[0], _Product(matrix, matrix.array.T, None))


def addmm(call: Call, data: Data, t: Translator) -> Signal:
    """`bias + x @ matrix`."""
    matrix = constant(call.args[2], "matrix")
    if set(call.kwargs) & {"beta", "alpha"}:
        raise Untranslated("has factors of its own")
    return _linear(call, t, call.args[1], _Product(matrix, matrix.array.T, call.args[0]))


@dataclass(frozen=True, eq=False)
class _Product:
    """What a Linear multiplies by and adds: its weight as `(out_features, in_features)`, and a bias or None."""

    weight: Constant
    matrix: Array
    bias: Any


def _linear(call: Call, t: Translator, x: Any, product: _Product) -> Signal:
    signal, matrix = t.signal(x), product.matrix
    if matrix.ndim != 2 or features(signal) != matrix.shape[-1]:
        raise Untranslated(f"multiplies {signal.width} features by {matrix.shape}")
    bias = None if product.bias is None else constant(product.bias, "bias")
    if bias is not None and bias.array.shape != matrix.shape[:1]:
        raise Untranslated(f"adds {bias.array.shape} to {matrix.shape[:1]}")
    prefix = owner(product.weight, call)
    stage = Linear(prefix or "fc", _float32(matrix), None if bias is None else _float32(bias.array))
    part = Part(prefix, "Linear", (stage,))
    key = ("linear", id(product.weight), id(bias), call.name)
    return signal.map(
        lambda node: t.nodes.item(part, node, key, (part, product, bias), len(matrix))
    )


def layer_norm(call: Call, data: Data, t: Translator) -> Signal:
    """Over the features alone."""
    signal, shape = t.signal(call.args[0]), call.argument(1, "normalized_shape")
    if tuple(shape) != (features(signal),):
        raise Untranslated(f"normalises over {tuple(shape)}, only the features have a stage")
    weight, bias = call.argument(2, "weight"), call.argument(3, "bias")
    eps = float(call.argument(4, "eps", 1e-5))
    arrays = [
        None if one is None else _float32(constant(one, "weight").array) for one in (weight, bias)
    ]
    prefix = owner(weight, call) if isinstance(weight, Constant) else call.place.module
    if arrays[0] is None and arrays[1] is not None:
        raise Untranslated("has a bias without a weight")
    part = Part(prefix, "LayerNorm", (LayerNorm(prefix or "norm", arrays[0], arrays[1], eps),))
    key = ("layer_norm", id(weight), id(bias), eps)
    return signal.map(lambda node: t.nodes.item(part, node, key, (part, weight, bias), node.width))


ATEN_BATCH_NORM = 9  # arguments of the operator, which takes its weight before the statistics


def batch_normed(call: Call, data: Data, t: Translator) -> Signal:
    """By its running statistics, over the features."""
    signal = t.signal(call.args[0])
    if call.argument(5, "training", False):
        raise Untranslated("takes mean and variance from the batch that it sees")
    if len(signal.axes) < 2 or signal.axes[1] != "size":
        raise Untranslated(
            f"takes the axis of {signal.axes[1:2] or 'nothing'} for its channels, not the features"
        )
    names = ("running_mean", "running_var", "weight", "bias")
    order = (3, 4, 1, 2) if len(call.args) == ATEN_BATCH_NORM else (1, 2, 3, 4)
    values = [call.argument(index, name) for index, name in zip(order, names, strict=True)]
    found = {
        name: constant(one, name)
        for name, one in zip(names, values, strict=True)
        if one is not None
    }
    keys = {
        name: _float32(found[name].array)
        for name in sorted(found, key=lambda name: "weight" not in name)
    }
    prefix = (
        (found["running_mean"].name or call.place.module).removesuffix("running_mean").rstrip(".")
    )
    part = batch_norm(prefix, keys, float(call.argument(7, "eps", 1e-5)))
    if isinstance(part, str):
        raise Untranslated(part)
    key = ("batch_norm", *(id(one) for one in found.values()), call.argument(7, "eps", 1e-5))
    return signal.map(lambda node: t.nodes.item(part, node, key, (part, found), node.width))


# Scales and offsets


def arithmetic(call: Call, data: Data, t: Translator) -> Signal:
    """Two sides, of which one may be a constant."""
    left, right = call.argument(0, "input"), call.argument(1, "other")
    name = call.name
    if name in ("radd", "rsub", "rmul", "rdiv", "rtruediv"):
        left, right, name = right, left, name[1:]
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
        return _affine(t, signal, _Scaling(vector, -factor * np.ones_like(vector), inverse=True))
    if not on_left and factor != 1:
        raise Untranslated("has a factor of its own")
    ones = np.ones_like(vector)
    if name == "add":
        return _affine(t, signal, _Scaling(vector, ones, inverse=True))
    if name in ("sub", "subtract"):
        return _affine(t, signal, _Scaling(vector, ones, inverse=False))
    if name in ("mul", "multiply"):
        return _affine(t, signal, _Scaling(0 * ones, vector, inverse=True))
    return _affine(t, signal, _Scaling(0 * ones, vector, inverse=False))


def negative(call: Call, data: Data, t: Translator) -> Signal:
    """Times -1."""
    signal = t.signal(call.args[0])
    return _affine(t, signal, _Scaling(np.zeros(1), -np.ones(1), inverse=True))


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
class _Scaling:
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


def _affine(t: Translator, signal: Signal, scaling: _Scaling) -> Signal:
    """The scaler, one with the one before where both together are one: `(x - mean) / std`, `x * std + mean`."""
    if not scaling.inverse and not scaling.scale.all():
        raise Untranslated("divides by zero")

    def change(node: Node) -> Node:
        inner, stage = _inner(node), scaling.stage(node.width)
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


def _float32(array: Array) -> Array:
    if array.dtype.kind != "f":
        raise Untranslated(f"has weights of {array.dtype}, expected floats")
    return array.astype(np.float32)


# Axes


def getitem(call: Call, data: Data, t: Translator) -> Signal:
    """`x[...]`."""
    return axes.indexed(t.nodes, t.signal(call.args[0]), axes.shape_of(call.args[0]), call.args[1])


def select(call: Call, data: Data, t: Translator) -> Signal:
    """One place of an axis."""
    signal, shape = t.signal(call.args[0]), axes.shape_of(call.args[0])
    axis = axes.place(call.argument(1, "dim"), len(shape))
    return axes.selected(t.nodes, signal, axis, shape[axis], call.argument(2, "index"))


def narrow(call: Call, data: Data, t: Translator) -> Signal:
    """A slice of an axis by start and length."""
    signal, shape = t.signal(call.args[0]), axes.shape_of(call.args[0])
    axis, start = axes.place(call.argument(1, "dim"), len(shape)), call.argument(2, "start")
    if not isinstance(start, int):
        raise Untranslated("picks by a tensor")
    start %= shape[axis]
    return axes.cut(
        t.nodes, signal, axis, shape[axis], slice(start, start + call.argument(3, "length"))
    )


def aten_slice(call: Call, data: Data, t: Translator) -> Signal:
    """A slice of an axis by start and end."""
    signal, shape = t.signal(call.args[0]), axes.shape_of(call.args[0])
    axis = axes.place(call.argument(1, "dim", 0), len(shape))
    part = slice(call.argument(2, "start"), call.argument(3, "end"), call.argument(4, "step", 1))
    return axes.cut(t.nodes, signal, axis, shape[axis], part)


def squeeze(call: Call, data: Data, t: Translator) -> Signal:
    """Without axes of length 1."""
    signal, shape, dim = (
        t.signal(call.args[0]),
        axes.shape_of(call.args[0]),
        call.argument(1, "dim"),
    )
    dims = None if dim is None else [dim] if isinstance(dim, int) else dim
    only = None if dims is None else [axes.place(one, len(shape)) for one in dims]
    return axes.squeezed(signal, shape, only)


def unsqueeze(call: Call, data: Data, t: Translator) -> Signal:
    """With a new axis."""
    signal = t.signal(call.args[0])
    return axes.inserted(signal, axes.place(call.argument(1, "dim"), len(signal.axes) + 1))


def reshape(call: Call, data: Data, t: Translator) -> Signal:
    """Axes joined or parted."""
    if len(call.args) == 2 and type(call.args[1]).__module__ == "torch":
        return same(call, data, t)  # view(dtype)
    return axes.reshaped(t.nodes, t.signal(call.args[0]), axes.shape_of(call.args[0]), data.shape)


def permute(call: Call, data: Data, t: Translator) -> Signal:
    """The axes in another order."""
    order = call.argument(1, "dims")
    order = order if isinstance(order, tuple) else call.args[1:]
    signal = t.signal(call.args[0])
    return axes.permuted(signal, [axes.place(one, len(signal.axes)) for one in order])


def transpose(call: Call, data: Data, t: Translator) -> Signal:
    """Two axes in each other's place; `x.T` and `x.mT` name none."""
    signal = t.signal(call.args[0])
    count = len(signal.axes)
    if len(call.args) + len(call.kwargs) == 1:
        if call.name in ("t", "T", "H") and count != 2:
            raise Untranslated("turns all axes around")
        return axes.transposed(signal, count - 2, count - 1)
    a, b = (
        call.argument(1, "dim0", call.kwargs.get("axis0")),
        call.argument(2, "dim1", call.kwargs.get("axis1")),
    )
    return axes.transposed(signal, axes.place(a, count), axes.place(b, count))


def movedim(call: Call, data: Data, t: Translator) -> Signal:
    """One axis to another place."""
    signal, source, target = (
        t.signal(call.args[0]),
        call.argument(1, "source"),
        call.argument(2, "destination"),
    )
    count = len(signal.axes)
    order = list(range(count))
    axis = order.pop(axes.place(source, count))
    order.insert(axes.place(target, count), axis)
    return axes.permuted(signal, order)


def cat(call: Call, data: Data, t: Translator) -> Signal:
    """Tensors joined along an axis."""
    given = call.argument(0, "tensors")
    signals = [t.signal(one) for one in given]
    dim = axes.place(call.argument(1, "dim", call.kwargs.get("axis", 0)), len(signals[0].axes))
    return axes.joined(t.nodes, signals, dim)


def stack(call: Call, data: Data, t: Translator) -> Signal:
    """Tensors joined along a new axis."""
    signals = [t.signal(one) for one in call.argument(0, "tensors")]
    dim = axes.place(call.argument(1, "dim", 0), len(signals[0].axes) + 1)
    return axes.joined(t.nodes, [axes.inserted(one, dim) for one in signals], dim)


def pieces(call: Call, data: Data, t: Translator) -> Signal:
    """One of the results of `chunk`, `split` or `unbind`."""
    return axes.parts_of(call, data, t.signal(call.args[0]), t.nodes, axes.shape_of(call.args[0]))


_SAME = [
    *(
        "to",
        "float",
        "double",
        "type",
        "type_as",
        "contiguous",
        "clone",
        "detach",
        "data",
        "cpu",
        "alias",
    )
]
_SAME += (
    "expand",
    "expand_as",
    "broadcast_to",
    "view_as",
    "reshape_as",
    "positive",
    "real",
    "lift_fresh",
)
_DROPOUTS = (
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "alpha_dropout",
    "feature_alpha_dropout",
)
_NAMED = ("tanh", "sigmoid", "silu", "mish", "selu", "hardswish", "hardsigmoid")
_RESHAPES = ("view", "reshape", "flatten", "unflatten", "ravel", "unsafe_view")
_ARITHMETIC = (
    "add",
    "sub",
    "subtract",
    "mul",
    "multiply",
    "div",
    "divide",
    "truediv",
    "true_divide",
)

RULES: Mapping[str, Rule] = {
    **dict.fromkeys(_SAME, same),
    **dict.fromkeys(_DROPOUTS, dropout),
    **{name: named(name) for name in _NAMED},
    "relu": named("relu"),
    "swish": named("silu"),
    "gelu": gelu,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "softplus": softplus,
    "prelu": prelu,
    "rrelu": rrelu,
    "clamp": clamp,
    "clip": clamp,
    "clamp_min": clamp,
    "clamp_max": clamp,
    "relu6": relu6,
    "hardtanh": hardtanh,
    "celu": celu,
    **dict.fromkeys(("maximum", "minimum", "fmax", "fmin"), limited),
    "threshold": threshold,
    "linear": linear,
    "matmul": matmul,
    "mm": matmul,
    "addmm": addmm,
    "layer_norm": layer_norm,
    "batch_norm": batch_normed,
    **dict.fromkeys(_ARITHMETIC, arithmetic),
    **dict.fromkeys(("radd", "rsub", "rmul", "rdiv", "rtruediv"), arithmetic),
    "neg": negative,
    "negative": negative,
    "getitem": getitem,
    "select": select,
    "narrow": narrow,
    "slice": aten_slice,
    "squeeze": squeeze,
    "unsqueeze": unsqueeze,
    **dict.fromkeys(_RESHAPES, reshape),
    "permute": permute,
    **dict.fromkeys(("transpose", "swapaxes", "swapdims", "t", "T", "mT"), transpose),
    "movedim": movedim,
    "moveaxis": movedim,
    "cat": cat,
    "concat": cat,
    "concatenate": cat,
    "stack": stack,
    **dict.fromkeys(("chunk", "split", "unbind", "unsafe_chunk"), pieces),
}
