"""What `--forward` calls the stages without weights of their own: `last`, `relu`, `clamp(0, 6)`."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from itertools import chain as chained
from itertools import count
from typing import Any, TypeAlias

import numpy as np

from ..errors import UnsupportedModel
from ..model import (
    Activation,
    Add,
    Affine,
    Array,
    Clamp,
    Concat,
    Divide,
    Join,
    LastHidden,
    LastStep,
    LayerNorm,
    Multiply,
    Pool,
    Slice,
    Stage,
    Subtract,
)
from ..model.stages import ACTIVATIONS, Flatten, LastSteps, Replace, RMSNorm
from .parts import Part

Item: TypeAlias = "Part | str"  # a module, or a token of a stage without weights

SKIP = "skip"
NOTHING = ("dropout", "squeeze")  # no stage: the identity in evaluation, and a change of shape
SCALERS = ("normalize", "denormalize")
READ_OUTS: Mapping[str, Callable[[str], Stage]] = {
    "last": LastStep,
    "hidden": LastHidden,
    "cell": lambda name: LastHidden(name, "c"),
    "mean": lambda name: Pool(name, "mean"),
    "max": lambda name: Pool(name, "max"),
    "first": lambda name: Pool(name, "first"),
    "sum": lambda name: Pool(name, "sum"),
    "flatten": Flatten,
}
# Of several values; `+`, `-`, `*` and `/` in a formula.
JOINS: Mapping[str, type[Join]] = {
    "add": Add,
    "subtract": Subtract,
    "multiply": Multiply,
    "divide": Divide,
    "concat": Concat,
}
# As examples, for a message.
STAGES = (
    *READ_OUTS,
    *ACTIVATIONS,
    *NOTHING,
    "last(6)",
    "mean(1)",
    "clamp(0, 6)",
    "skip(0)",
    "replace(-999, 0)",
    "layer_norm(1e-05)",
    "rms_norm",
    "normalize(20, 5)",
    "denormalize(20, 5)",
)

_NAMES = {"first": "first_step"}  # of stages; `first` is a constant of ONNX graphs
_STAGE = re.compile(r"(?P<name>[a-z_]+)\s*(\((?P<arguments>[^()]*)\))?")


def stage_of(token: str, used: set[str], width: int = 0) -> Stage | None:
    """The stage that a token names, under a name that is not yet used.

    None for dropout and squeeze. A scaler has so many features as its token has numbers, unless
    the width is given.

    Raises:
        UnsupportedModel: it names none, or its arguments are none of its.
    """
    match = _STAGE.fullmatch(token)
    if match is None:
        raise UnsupportedModel("not of the form name or name(number)")
    kind = match["name"]
    name = free_name(_NAMES.get(kind, kind), used)
    if kind in SCALERS:
        return _scaler(name, kind, match["arguments"] or "", width)
    arguments = _numbers(match["arguments"])
    if kind in _WITH_NUMBERS:
        return _WITH_NUMBERS[kind](name, arguments)
    if kind in ACTIVATIONS and len(arguments) < 2:
        return Activation(name, kind, *arguments)
    if arguments:
        raise UnsupportedModel(f"{kind} takes no {match['arguments']!r}")
    if kind in NOTHING:
        return None
    makers: dict[str, Callable[[str], Stage]] = {**READ_OUTS, **JOINS}
    if kind not in makers:
        raise UnsupportedModel("unknown")
    return makers[kind](name)


def _state(state: str) -> Callable[[str, tuple[float, ...]], Stage]:
    """`hidden`, of the last layer, or `hidden(-2)`, of the one before; the same of the cell."""

    def made(name: str, numbers: tuple[float, ...]) -> Stage:
        if len(numbers) > 1 or not all(number.is_integer() for number in numbers):
            raise UnsupportedModel("a final state takes its layer, counted back from -1")
        return LastHidden(name, state, *map(int, numbers))

    return made


def state_text(state: str, layer: int) -> str:
    """The token of a final state."""
    word = "cell" if state == "c" else "hidden"
    return word if layer == -1 else f"{word}({layer})"


def skip_features(token: str) -> tuple[int, ...] | None:
    """What `skip(0)` or `skip(0, 1)` adds of x, which takes several stages; None for others."""
    match = _STAGE.fullmatch(token)
    if match is None or match["name"] != SKIP:
        return None
    return tuple(map(_feature, _numbers(match["arguments"]) or (0.0,)))


def _slice(name: str, numbers: tuple[float, ...]) -> Stage:
    return Slice(name, tuple(map(_feature, numbers)))


def _layer_norm(name: str, numbers: tuple[float, ...]) -> Stage:
    if len(numbers) > 1:
        raise UnsupportedModel(f"layer_norm takes its eps, got {len(numbers)} numbers")
    return LayerNorm(name, eps=numbers[0] if numbers else 1e-5)


def _rms_norm(name: str, numbers: tuple[float, ...]) -> Stage:
    if len(numbers) > 1:
        raise UnsupportedModel(f"rms_norm takes its eps, got {len(numbers)} numbers")
    return RMSNorm(name, None, *numbers)


def _replace(name: str, numbers: tuple[float, ...]) -> Stage:
    if len(numbers) != 2:
        raise UnsupportedModel(f"replace takes a value and what stands for it, got {len(numbers)}")
    return Replace(name, *numbers)


def _last(name: str, numbers: tuple[float, ...]) -> Stage:
    """The last step, or with a number so many."""
    if len(numbers) > 1 or not all(number.is_integer() for number in numbers):
        raise UnsupportedModel("last takes a whole number of steps")
    return LastSteps(name, int(numbers[0])) if numbers else LastStep(name)


def _mean(name: str, numbers: tuple[float, ...]) -> Stage:
    """The mean, or with a number its divisor is so much less than the number of steps."""
    if len(numbers) > 1 or not all(number.is_integer() for number in numbers):
        raise UnsupportedModel("mean takes its correction, 0 or 1")
    return Pool(name, "mean", *map(int, numbers))


def _clamp(name: str, numbers: tuple[float, ...]) -> Stage:
    if len(numbers) != 2:
        raise UnsupportedModel(f"clamp takes two numbers, got {len(numbers)}")
    low, high = (None if math.isinf(bound) else bound for bound in numbers)
    return Clamp(name, low, high)


_WITH_NUMBERS: Mapping[str, Callable[[str, tuple[float, ...]], Stage]] = {
    "hidden": _state("h"),
    "cell": _state("c"),
    "slice": _slice,
    "clamp": _clamp,
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "replace": _replace,
    "last": _last,
    "mean": _mean,
}


def _scaler(name: str, kind: str, text: str, width: int) -> Stage:
    """`(x - offset) / scale`, or `x * scale + offset`: a number for all features, or one each."""
    parts = text.split(",")  # offsets, scales: in each numbers with blanks between
    lists = [_numbers(",".join(part.split())) for part in parts]
    width = width or max(map(len, lists))
    if len(lists) != 2 or any(len(numbers) not in (1, width) for numbers in lists):
        got = f"an offset and a scale, of one number or of {width}, got {text!r}"
        raise UnsupportedModel(f"{kind} takes {got}")
    offset, scale = (np.broadcast_to(each, width).astype(np.float32) for each in lists)  # (width,)
    return Affine(name, offset, scale, inverse=kind == "denormalize")


def scaler_text(stage: Affine) -> str:
    """The token of a scaler without weights of its own."""
    kind = "denormalize" if stage.inverse else "normalize"
    return f"{kind}({_each(stage.offset)}, {_each(stage.scale)})"


def _each(array: Array) -> str:
    """One number where all are the same, else all of them."""
    numbers = [number(float(value)) for value in array]
    return numbers[0] if len(set(numbers)) == 1 else " ".join(numbers)


def token_of(stage: Stage) -> str:
    """The token of a stage that has one: `stage_of` is the inverse.

    Raises:
        UnsupportedModel: its weights stand for it.
    """
    for token, make in READ_OUTS.items():
        made = make(stage.name)
        if type(stage) is type(made) and stage.options == made.options:
            return token
    for token, kind in JOINS.items():
        if isinstance(stage, kind):
            return token
    write = _TEXTS.get(type(stage))
    if write is None:
        raise UnsupportedModel(f"{stage.name} ({stage.kind}) is no stage without weights")
    return write(stage)


def _activation_text(stage: Activation) -> str:
    if stage.parameter == ACTIVATIONS[stage.function]:
        return stage.function
    return f"{stage.function}({number(stage.parameter or 0.0)})"


def has_token(stage: Stage) -> bool:
    """Whether a token stands for a stage, and no module's name."""
    return isinstance(stage, Affine) or not stage.arrays


def clamp_text(low: float | None, high: float | None) -> str:
    """The token of a clamp; None for no bound."""
    texts = ("-inf" if low is None else number(low), "inf" if high is None else number(high))
    return f"clamp({', '.join(texts)})"


def layer_norm_text(eps: float) -> str:
    """The token of a LayerNorm without weights."""
    return f"layer_norm({number(eps)})"


def rms_norm_text(eps: float) -> str:
    """The token of an RMSNorm without weights."""
    return f"rms_norm({number(eps)})"


def replace_text(value: float, by: float) -> str:
    """The token of a sentinel and what stands for it."""
    return f"replace({number(value)}, {number(by)})"


def mean_text(correction: int) -> str:
    """The token of a mean, whose divisor is so much less than the number of steps."""
    return f"mean({correction})" if correction else "mean"


def slice_text(features: tuple[int, ...]) -> str:
    """The token of picked features."""
    return f"slice({', '.join(map(str, features))})"


def is_slice(token: str) -> bool:
    """Whether it is the token of picked features."""
    return token.startswith("slice")


_TEXTS: Mapping[type[Stage], Callable[[Any], str]] = {
    Activation: _activation_text,
    Affine: scaler_text,
    Clamp: lambda stage: clamp_text(stage.low, stage.high),
    LastHidden: lambda stage: state_text(stage.state, stage.layer),
    LastSteps: lambda stage: f"last({stage.count})",
    LayerNorm: lambda stage: layer_norm_text(stage.eps),
    Pool: lambda stage: mean_text(stage.correction),
    Replace: lambda stage: replace_text(stage.value, stage.by),
    RMSNorm: lambda stage: rms_norm_text(stage.eps),
    Slice: lambda stage: slice_text(stage.features),
}


def _feature(number: float) -> int:
    """A whole number; -1, which no input has, for others."""
    return int(number) if number.is_integer() else -1


def _numbers(text: str | None) -> tuple[float, ...]:
    if text is None or not text.strip():
        return ()
    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError as error:
        raise UnsupportedModel(f"{text!r} is no number") from error


def number(value: float) -> str:
    """A number as text that reads back as the same float32."""
    short = f"{value:g}"
    held = np.float32(value)
    if np.float32(short) == held:
        return short
    return repr(float(held))


def free_name(kind: str, used: set[str]) -> str:
    """`relu`, or `relu_2` and so on where that is used."""
    names = chained([kind], (f"{kind}_{number}" for number in count(2)))
    return next(name for name in names if name not in used)
