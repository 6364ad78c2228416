"""What calls along the steps become: pools, and rows that go back to every step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from . import axes
from .activation_calls import activated, limited
from .capture import Call, Constant, Data
from .rules import Rule, Translator
from .scaling_calls import Scaling, affine, both
from .signals import Axis, Node, Signal, Untranslated, is_tail
from .tokens import mean_text


def pooled(mode: str) -> Rule:
    """One row of all steps; `max` and `min` of torch also answer with places."""
    return lambda call, data, t: _pooled(mode, call, data, t)


def _pooled(mode: str, call: Call, data: Data, t: Translator) -> Signal:
    signal = t.signal(call.argument(0, "input"))
    axis = _only(call.argument(1, "dim", call.kwargs.get("axis")), len(signal.axes))
    if data.index:
        raise Untranslated("answers with places and not with values")
    keeps = bool(call.argument(2, "keepdim", False))
    kind = signal.axes[axis]
    if kind == "rows" and mode in ("mean", "sum"):
        return _over_rows(mode, signal, axis, keeps, t)
    if kind != "seq":
        raise Untranslated(f"takes the {call.name} over the axis of {kind}, only over steps")
    return _over_steps(mode, signal, axis, keeps, t)


def _over_rows(mode: str, signal: Signal, axis: int, keeps: bool, t: Translator) -> Signal:
    """The mean or the sum of what lies beside each other, as `h_n.mean(0)` of layers."""
    count = signal.nodes.shape[signal.axes[:axis].count("rows")]
    total = axes.selected(t.nodes, signal, axis, count, 0)
    for row in range(1, count):
        total = both("add", 1, total, axes.selected(t.nodes, signal, axis, count, row), t)
    if mode == "mean":
        number = np.full(1, float(count))
        total = affine(t, total, Scaling(np.zeros(1), number, inverse=False))
    return axes.inserted(total, axis) if keeps else total


def extreme(mode: str, of_two: str) -> Rule:
    """`max(x, dim)` over the steps, or `max(x, tensor)`, which is `maximum`; `min` alike."""

    def rule(call: Call, data: Data, t: Translator) -> Signal:
        if isinstance(call.argument(1, "other"), Data | Constant):
            return limited(replace(call, name=of_two), data, t)
        return _pooled(mode, call, data, t)

    return rule


def variance(call: Call, data: Data, t: Translator) -> Signal:
    """The mean of the squares of what is centred; `var_mean` also answers with the mean."""
    signal = t.signal(call.argument(0, "input"))
    axis = _only(call.argument(1, "dim"), len(signal.axes))
    keeps = bool(call.argument(3, "keepdim", False))
    if signal.axes[axis] != "seq":
        kind = signal.axes[axis]
        raise Untranslated(f"takes the {call.name} over the axis of {kind}, only over steps")
    if data.index:
        return _over_steps("mean", signal, axis, keeps, t)
    squares = signal.map(lambda node: _squared(_centred(node, t), t))
    return _over_steps(mean_text(_correction(call)), squares, axis, keeps, t)


def _correction(call: Call) -> int:
    """What the divisor is less than the number of steps: torch.var has 1 by default."""
    correction = call.kwargs.get("correction", call.argument(2, "unbiased", 1))
    if correction not in (0, 1):
        raise Untranslated(f"has the correction {correction!r}, only 0 and 1 have a stage")
    return int(correction)


def deviation(call: Call, data: Data, t: Translator) -> Signal:
    """The root of the variance."""
    found = variance(call, data, t)
    return found if data.index else activated(found, t, "sqrt")


def _centred(node: Node, t: Translator) -> Node:
    return t.nodes.joined("subtract", [node, t.nodes.pool("mean", node)])


def _squared(node: Node, t: Translator) -> Node:
    return t.nodes.joined("multiply", [node, node])


def _over_steps(mode: str, signal: Signal, axis: int, keeps: bool, t: Translator) -> Signal:
    if mode == "min":  # -max(-x)
        minus = Scaling(np.zeros(1), -np.ones(1), inverse=True)
        largest = _over_steps("max", affine(t, signal, minus), axis, keeps, t)
        return affine(t, largest, minus)
    if any(is_tail(node) for node in signal.nodes.flat):
        raise Untranslated("pools the last steps alone, only all steps have a stage")
    rest = ("one",) if keeps else ()
    names: tuple[Axis, ...] = (*signal.axes[:axis], *rest, *signal.axes[axis + 1 :])
    return Signal(names, signal.map(lambda node: t.nodes.pool(mode, node)).nodes)


def _only(dim: Any, count: int) -> int:
    """The one axis of a call that may name several."""
    if isinstance(dim, tuple) and len(dim) == 1:
        (dim,) = dim
    if dim is None or isinstance(dim, tuple):
        raise Untranslated("works over several axes at once, only over the steps")
    return axes.place(dim, count)


def adaptive_pool(mode: str) -> Rule:
    """`AdaptiveAvgPool1d(1)` and its like, over the last axis: that has to be the steps."""

    def rule(call: Call, data: Data, t: Translator) -> Signal:
        signal = t.signal(call.args[0])
        size = call.argument(1, "output_size")
        if size not in (1, (1,)) or data.index:
            raise Untranslated(f"pools to {size} places, only to one")
        if signal.axes[-1] != "seq":
            raise Untranslated(f"pools along the axis of {signal.axes[-1]}, only along the steps")
        return _over_steps(mode, signal, len(signal.axes) - 1, True, t)

    return rule


def expanded(call: Call, data: Data, t: Translator) -> Signal:
    """A row at every step, as `x.expand(-1, seq, -1)` and `x.repeat(1, seq, 1)`, or nothing."""
    signal = t.signal(call.args[0])
    shape = axes.shape_of(call.args[0])
    if data.shape == shape:
        return signal
    added = len(data.shape) - len(shape)
    for _ in range(added):
        signal = axes.inserted(signal, 0)
    return _spread(signal, (1,) * added + shape, data.shape, t)


def _spread(
    signal: Signal, before: tuple[int, ...], after: tuple[int, ...], t: Translator
) -> Signal:
    pairs = zip(before, after, strict=True)
    changed = [axis for axis, (old, new) in enumerate(pairs) if old != new]
    if len(changed) != 1 or signal.axes[changed[0]] != "one" or "seq" in signal.axes:
        raise Untranslated(f"makes {after} of {before}")
    (axis,) = changed
    if after[axis] != t.steps:
        raise Untranslated(
            f"repeats a row {after[axis]} times, not at every one of {t.steps} steps"
        )
    names: tuple[Axis, ...] = (*signal.axes[:axis], "seq", *signal.axes[axis + 1 :])
    return Signal(names, signal.map(lambda node: t.nodes.spread(node, t.steps)).nodes)


def powered(call: Call, data: Data, t: Translator) -> Signal:
    """`x ** 2` and `square(x)`: x times itself; `x ** 0.5`: its root."""
    signal = t.signal(call.args[0])
    exponent = 2 if call.name == "square" else call.argument(1, "exponent")
    if exponent == 0.5:
        return activated(signal, t, "sqrt")
    if exponent != 2:
        raise Untranslated(f"takes the power {exponent!r}, only 2 and 0.5 have a stage")
    return signal.map(lambda node: _squared(node, t))
