"""What calls of activations and of limits become."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..model import Activation, Stage
from ..model.stages import PReLU
from .capture import Call, Constant, Data
from .parts import Part
from .rules import Rule, Translator, constant, float32, owner
from .scaling_calls import Scaling, affine
from .signals import Signal, Untranslated
from .tokens import clamp_text, number

LOWEST_THRESHOLD = 15  # of a softplus: log(1 + exp(15)) - 15 is 3.1e-7, half a spacing 4.8e-7


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
    if any(option not in (1, False) for option in more):
        raise Untranslated("has scales besides its alpha")
    return pointwise(call, t, f"elu({number(call.argument(1, 'alpha', 1.0))})")


def softplus(call: Call, data: Data, t: Translator) -> Signal:
    """`log(1 + exp(beta * x)) / beta`, scaled before and after where beta is not 1.

    From `beta * x = threshold` on torch returns x. From 15 on that is less than half of float32's
    spacing away. With a lower threshold the function jumps by more than rounding does, and rounding
    decides on which side of the jump x lies.
    """
    beta = call.argument(1, "beta", 1)
    threshold = call.argument(2, "threshold", 20)
    if threshold < LOWEST_THRESHOLD:
        raise Untranslated(
            f"jumps at its threshold {threshold}, where rounding decides what it answers",
            f"set it to {LOWEST_THRESHOLD} or more; 20 is torch's default",
        )
    signal = t.signal(call.argument(0, "input"))
    if beta == 1:
        return activated(signal, t, "softplus")
    zero = np.zeros(1)
    scale = np.full(1, float(beta))
    scaled = affine(t, signal, Scaling(zero, scale, inverse=True))
    answer = activated(scaled, t, "softplus")
    return affine(t, answer, Scaling(zero, scale, inverse=False))


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
    return pointwise(call, t, clamp_text(low, high))


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
    a = call.argument(0, "input")
    b = call.argument(1, "other")
    if isinstance(a, Data) and isinstance(b, Data):
        raise Untranslated("takes the larger or smaller of two values on data")
    x, bound = (a, b) if isinstance(a, Data) else (b, a)
    changed = replace(call, args=(x,), kwargs={})
    low, high = (bound, None) if call.name in ("maximum", "fmax") else (None, bound)
    return _clamped(changed, t, low, high)


def threshold(call: Call, data: Data, t: Translator) -> Signal:
    """`threshold(x, v, v)` is a clamp from v."""
    edge = call.argument(1, "threshold")
    value = call.argument(2, "value")
    if edge == value:
        return _clamped(call, t, edge, None)
    raise Untranslated(f"puts {value} in place of what is not above {edge}: no stage does")


def prelu(call: Call, data: Data, t: Translator) -> Signal:
    """A leaky ReLU with a learned slope."""
    weight = constant(call.argument(1, "weight"), "slope")
    signal = t.signal(call.args[0])
    prefix = owner(weight, call)
    name = prefix or "prelu"
    stage: Stage = Activation(name, "leaky_relu", float(weight.array.flat[0]))
    if weight.array.size != 1:
        if len(signal.axes) < 2 or signal.axes[1] != "size":
            raise Untranslated("has a slope for every place of an axis that is not the features")
        stage = PReLU(name, float32(weight.array))
    part = Part(prefix, "PReLU", (stage,))
    return signal.map(
        lambda node: t.nodes.item(part, node, ("prelu", id(weight)), (part, weight), node.width)
    )


def rrelu(call: Call, data: Data, t: Translator) -> Signal:
    """In evaluation a leaky ReLU with the mean slope."""
    lower = call.argument(1, "lower", 1 / 8)
    upper = call.argument(2, "upper", 1 / 3)
    if call.argument(3, "training", False):
        raise Untranslated("draws its slopes at random")
    return pointwise(call, t, f"leaky_relu({number((lower + upper) / 2)})")
