"""What GroupNorm becomes: norms of some features of a row each."""

from __future__ import annotations

from typing import Any

import numpy as np

from .capture import Call, Data
from .rules import Translator, constant
from .scaling_calls import Scaling, affine
from .side_by_side import concat
from .signals import Node, Signal, Untranslated
from .tokens import layer_norm_text
from .weight_calls import over_features

# torch.nn.InstanceNorm1d, and a GroupNorm of (1, size, 1), raise an error for a single step.
ALONG_STEPS = (
    "normalises along the steps, and refuses a sequence of one; "
    "write (x - x.mean(1, True)) / (x.var(1, keepdim=True, unbiased=False) + eps).sqrt()"
)


def group_norm(call: Call, data: Data, t: Translator) -> Signal:
    """Of a row `(batch, size)` its groups of features."""
    signal = t.signal(call.args[0])
    groups = call.argument(1, "num_groups")
    weight = call.argument(2, "weight")
    bias = call.argument(3, "bias")
    eps = float(call.argument(4, "eps", 1e-5))
    if "seq" in signal.axes:
        raise Untranslated(ALONG_STEPS)
    if signal.axes != ("batch", "size"):
        raise Untranslated(f"normalises ({', '.join(signal.axes)}), expected (batch, size)")
    if groups == signal.width:
        raise Untranslated("normalises every feature alone, which gives 0 and refuses a single row")
    if groups == 1:
        return over_features(call, signal, t, (weight, bias, eps))
    return _scaled(_by_groups(signal, groups, eps, t), weight, bias, t)


def instance_norm(call: Call, data: Data, t: Translator) -> Signal:
    """Refused by name."""
    raise Untranslated(ALONG_STEPS)


def _by_groups(signal: Signal, groups: int, eps: float, t: Translator) -> Signal:
    each = signal.width // groups
    token = layer_norm_text(eps)

    def normed(node: Node) -> Node:
        starts = range(0, node.width, each)
        parts = [t.nodes.cut(node, start, start + each) for start in starts]
        return concat(t.nodes, [t.nodes.item(token, part, token, None, each) for part in parts])

    return signal.map(normed)


def _scaled(signal: Signal, weight: Any, bias: Any, t: Translator) -> Signal:
    """Times a weight plus a bias, a number a feature each, where there are any."""
    size = signal.width
    scale = np.ones(size) if weight is None else constant(weight, "weight").array
    offset = np.zeros(size) if bias is None else constant(bias, "bias").array
    return affine(t, signal, Scaling(offset, scale, inverse=True))
