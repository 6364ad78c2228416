"""The text of a chain, `lstm, last, relu, fc1`: what `--forward` reads and recognition shows.

A token is a module's prefix as it stands in the state_dict (`.` is the root), or a stage without
weights. A prefix wins over a stage of the same name; `@hidden` always means the stage.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain as chained
from itertools import count
from typing import TypeAlias

import numpy as np

from ..errors import InputError, UnsupportedModel
from ..model import (
    Activation,
    Affine,
    Array,
    Clamp,
    LastHidden,
    LastStep,
    Model,
    Signature,
    Skip,
    Stage,
)
from ..model.stages import ACTIVATIONS
from .parts import Part, unwrapped

Item: TypeAlias = "Part | str"  # a module, or a token of a stage without weights

NOTHING = ("dropout", "squeeze")  # no stage: the identity in evaluation, and a change of shape
READ_OUTS: Mapping[str, Callable[[str], Stage]] = {"last": LastStep, "hidden": LastHidden}
SCALERS = ("normalize", "denormalize")
STAGES = ("last", "hidden", *ACTIVATIONS, *NOTHING, "clamp(0, 6)", "skip(0)")
STAGES = (*STAGES, "normalize(20, 5)", "denormalize(20, 5)")

_STAGE = re.compile(r"(?P<name>[a-z_]+)\s*(\((?P<arguments>[^()]*)\))?")
_COMMA = re.compile(r",(?![^(]*\))")  # outside of parentheses


def parse_forward(text: str, parts: Sequence[Part]) -> tuple[Item, ...]:
    """The modules and stages that a text names, in its order.

    Raises:
        InputError: a token is neither, or a module stands twice.
    """
    items = tuple(_item(token.strip(), parts) for token in _COMMA.split(text))
    modules = [item.token for item in items if isinstance(item, Part)]
    for token in modules:
        if modules.count(token) > 1:
            why = "every module has one place in a chain"
            raise InputError(f"--forward: {token} stands twice; {why}")
    return items


def _item(token: str, parts: Sequence[Part]) -> Item:
    part = None if token.startswith("@") else _named(token, parts)
    if part is not None:
        return part
    stage = token.removeprefix("@")
    try:
        stage_of(stage, set())
    except UnsupportedModel as error:
        modules = ", ".join(part.token for part in parts)
        raise InputError(
            f"--forward: {token!r} is no module of this file and no stage ({error}); "
            f"modules: {modules}; stages: {', '.join(STAGES)}"
        ) from error
    return stage


def _named(token: str, parts: Sequence[Part]) -> Part | None:
    """The one module of this prefix, or of this prefix behind wrappers."""
    found = [part for part in parts if part.token == token]
    if not found:
        found = [part for part in parts if part.prefix and part.name == unwrapped(token)]
    return found[0] if len(found) == 1 else None


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
    name = _free(kind, used)
    if kind in SCALERS:
        return _scaler(name, kind, match["arguments"] or "", width)
    arguments = _numbers(match["arguments"])
    if kind == "skip":
        return Skip(name, tuple(map(_feature, arguments or (0.0,))))
    if kind == "clamp" and len(arguments) == 2:
        low, high = (None if math.isinf(bound) else bound for bound in arguments)
        return Clamp(name, low, high)
    if kind in ACTIVATIONS and len(arguments) < 2:
        return Activation(name, kind, *arguments)
    if arguments:
        raise UnsupportedModel(f"{kind} takes no {match['arguments']!r}")
    if kind in READ_OUTS:
        return READ_OUTS[kind](name)
    if kind in NOTHING:
        return None
    raise UnsupportedModel("unknown")


def _scaler(name: str, kind: str, text: str, width: int) -> Stage:
    """`(x - offset) / scale`, or `x * scale + offset`: a number for all features, or one each."""
    lists = [_numbers(",".join(part.split())) for part in text.split(",")]
    width = width or max(map(len, lists))
    if len(lists) != 2 or any(len(numbers) not in (1, width) for numbers in lists):
        got = f"an offset and a scale, of one number or of {width}, got {text!r}"
        raise UnsupportedModel(f"{kind} takes {got}")
    offset, scale = (np.broadcast_to(numbers, width).astype(np.float32) for numbers in lists)
    return Affine(name, offset, scale, inverse=kind == "denormalize")


def scaler_text(stage: Affine) -> str:
    """The token of a scaler without weights of its own."""
    kind = "denormalize" if stage.inverse else "normalize"
    return f"{kind}({_each(stage.offset)}, {_each(stage.scale)})"


def _each(array: Array) -> str:
    """One number where all are the same, else all of them."""
    numbers = [number(float(value)) for value in array]
    return numbers[0] if len(set(numbers)) == 1 else " ".join(numbers)


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
    return short if np.float32(short) == np.float32(value) else repr(float(np.float32(value)))


def _free(kind: str, used: set[str]) -> str:
    """`relu`, or `relu_2` and so on where that is used."""
    names = chained([kind], (f"{kind}_{number}" for number in count(2)))
    return next(name for name in names if name not in used)


def stages_of(items: Iterable[Item]) -> tuple[Stage, ...]:
    """The stages of a chain in order, each under a name of its own."""
    items = tuple(items)
    used = {stage.name for item in items if isinstance(item, Part) for stage in item.stages}
    stages: list[Stage] = []
    width = _takes(items) or 0
    for item in items:
        if isinstance(item, Part):
            stages += item.stages
            width = item.widths[1] or width
            continue
        stage = stage_of(item, used, width)
        if stage is not None:
            used.add(stage.name)
            stages.append(stage)
    return tuple(stages)


def _takes(items: Iterable[Item]) -> int | None:
    """How many features the first module takes that says so."""
    widths = [item.widths[0] for item in items if isinstance(item, Part)]
    return next((width for width in widths if width), None)


def model_of(items: Iterable[Item], origin: str) -> Model:
    """The chain as a model.

    Raises:
        UnsupportedModel: its shapes do not chain.
    """
    items = tuple(items)
    input_size = _takes(items)
    if input_size is None:
        raise UnsupportedModel(f"the chain holds no LSTM and no GRU: {forward_text(items)}")
    stages = stages_of(items)
    output_size = input_size
    for stage in stages:
        output_size = stage.output_size(output_size)
    return Model(stages, Signature(input_size, output_size), origin)


def forward_text(items: Iterable[Item]) -> str:
    """The chain as `--forward` reads it.

    Law: `parse_forward(forward_text(items), parts) == items`.
    """
    items = tuple(items)
    modules = {item.token for item in items if isinstance(item, Part)}
    return ", ".join(_token(item, modules) for item in items)


def _token(item: Item, modules: set[str]) -> str:
    if isinstance(item, Part):
        return item.token
    return f"@{item}" if item in modules else item
