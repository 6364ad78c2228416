"""What calls with weights become: products, and norms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..model import Array, LayerNorm, Linear
from ..model.stages import RMSNorm
from .activation_calls import activated
from .capture import Call, Constant, Data
from .find_parts import batch_norm
from .parts import Part
from .rules import Translator, constant, features, float32, owner
from .signals import Signal, Untranslated
from .tokens import layer_norm_text, rms_norm_text

# x's features times a matrix: `...i,oi->...o` or `...i,io->...o`.
_LINEAR = re.compile(r"([\w.]*)(\w),(?:((?!\2)\w)\2|\2((?!\2)\w))->\1(?:\3|\4)")


def linear(call: Call, data: Data, t: Translator) -> Signal:
    """`x @ weight.T + bias`."""
    weight = constant(call.argument(1, "weight"), "weight")
    bias = call.argument(2, "bias")
    return _linear(call, t, call.args[0], _Product(weight, bias))


def matmul(call: Call, data: Data, t: Translator) -> Signal:
    """`x @ matrix`."""
    matrix = constant(call.argument(1, "other", call.argument(1, "mat2")), "matrix")
    if matrix.array.ndim != 2:
        raise Untranslated(f"multiplies by {matrix.array.shape}, expected a matrix")
    return _linear(call, t, call.args[0], _Product(matrix, None, is_transposed=True))


def addmm(call: Call, data: Data, t: Translator) -> Signal:
    """`bias + x @ matrix`."""
    matrix = constant(call.args[2], "matrix")
    if set(call.kwargs) & {"beta", "alpha"}:
        raise Untranslated("has factors of its own")
    return _linear(call, t, call.args[1], _Product(matrix, call.args[0], is_transposed=True))


def einsum(call: Call, data: Data, t: Translator) -> Signal:
    """A Linear written as `einsum("bsi,oi->bso", x, weight)`, its operands in either order."""
    equation = str(call.args[0]).replace(" ", "")
    given = call.args[1] if isinstance(call.args[1], tuple) else call.args[1:]
    subscripts, _, answer = equation.partition("->")
    terms = list(zip(subscripts.split(","), given, strict=False))
    terms.sort(key=lambda term: isinstance(term[1], Constant))  # x before the matrix
    written = ",".join(letters for letters, _ in terms)
    found = _LINEAR.fullmatch(f"{written}->{answer}")
    if found is None:
        raise Untranslated(f"computes {equation!r}, only a Linear, '...i,oi->...o', has a stage")
    x, matrix = (operand for _, operand in terms)
    product = _Product(constant(matrix, "matrix"), None, is_transposed=bool(found[4]))
    return _linear(call, t, x, product)


@dataclass(frozen=True, eq=False)
class _Product:
    """What a Linear multiplies by and adds.

    Attributes:
        weight: `(out_features, in_features)`, or the other way round where it is transposed.
        bias: None for none.
    """

    weight: Constant
    bias: Any
    is_transposed: bool = False

    @property
    def matrix(self) -> Array:
        """`(out_features, in_features)`."""
        return self.weight.array.T if self.is_transposed else self.weight.array


def _linear(call: Call, t: Translator, x: Any, product: _Product) -> Signal:
    signal = t.signal(x)
    matrix = product.matrix
    if matrix.ndim != 2 or features(signal) != matrix.shape[-1]:
        raise Untranslated(f"multiplies {signal.width} features by {matrix.shape}")
    bias = None if product.bias is None else constant(product.bias, "bias")
    if bias is not None and bias.array.shape != matrix.shape[:1]:
        raise Untranslated(f"adds {bias.array.shape} to {matrix.shape[:1]}")
    prefix = owner(product.weight, call)
    own_bias = None if bias is None else float32(bias.array)
    stage = Linear(prefix or "fc", float32(matrix), own_bias)
    part = Part(prefix, "Linear", (stage,))
    key = ("linear", id(product.weight), id(bias), product.is_transposed)
    return signal.map(
        lambda node: t.nodes.item(part, node, key, (part, product, bias), len(matrix))
    )


def _normalised(call: Call, t: Translator) -> Signal:
    """What a norm takes, having checked that it is one over the features."""
    signal = t.signal(call.args[0])
    shape = call.argument(1, "normalized_shape")
    if tuple(shape) != (features(signal),):
        raise Untranslated(f"normalises over {tuple(shape)}, only the features have a stage")
    return signal


def layer_norm(call: Call, data: Data, t: Translator) -> Signal:
    """Over the features alone."""
    signal = _normalised(call, t)
    weight = call.argument(2, "weight")
    bias = call.argument(3, "bias")
    return over_features(call, signal, t, (weight, bias, float(call.argument(4, "eps", 1e-5))))


Norm: TypeAlias = tuple[Any, Any, float]  # weight and bias, each a tensor or None, and eps


def over_features(call: Call, signal: Signal, t: Translator, norm: Norm) -> Signal:
    """A LayerNorm of these."""
    weight, bias, eps = norm
    arrays = [
        None if array is None else float32(constant(array, "weight").array)
        for array in (weight, bias)
    ]
    prefix = owner(weight, call) if isinstance(weight, Constant) else call.place.module
    if arrays[0] is None and arrays[1] is not None:
        raise Untranslated("has a bias without a weight")
    if arrays[0] is None:
        return activated(signal, t, layer_norm_text(eps))
    part = Part(prefix, "LayerNorm", (LayerNorm(prefix or "norm", arrays[0], arrays[1], eps),))
    key = ("layer_norm", id(weight), id(bias), eps)
    return signal.map(lambda node: t.nodes.item(part, node, key, (part, weight, bias), node.width))


def rms_norm(call: Call, data: Data, t: Translator) -> Signal:
    """Over the features alone."""
    signal = _normalised(call, t)
    weight = call.argument(2, "weight")
    eps = call.argument(3, "eps")
    eps = EPS_OF_FLOAT32 if eps is None else float(eps)
    if weight is None:
        return activated(signal, t, rms_norm_text(eps))
    array = float32(constant(weight, "weight").array)
    prefix = owner(weight, call)
    part = Part(prefix, "RMSNorm", (RMSNorm(prefix or "norm", array, eps),))
    key = ("rms_norm", id(weight), eps)
    return signal.map(lambda node: t.nodes.item(part, node, key, (part, weight), node.width))


EPS_OF_FLOAT32 = 2.0**-23  # what torch takes where none is given
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
    pairs = zip(names, values, strict=True)
    found = {name: constant(value, name) for name, value in pairs if value is not None}
    keys = {
        name: float32(found[name].array)
        for name in sorted(found, key=lambda name: "weight" not in name)
    }
    prefix = (
        (found["running_mean"].name or call.place.module).removesuffix("running_mean").rstrip(".")
    )
    eps = call.argument(7, "eps", 1e-5)
    part = batch_norm(prefix, keys, float(eps))
    if isinstance(part, str):
        raise Untranslated(part)
    key = ("batch_norm", *map(id, found.values()), eps)
    return signal.map(lambda node: t.nodes.item(part, node, key, (part, found), node.width))
