"""The text of a chain, `lstm, last, relu, fc1`: what `--forward` reads, and what recognition shows.

A token is a module's prefix as it stands in the state_dict (`.` is the root), or a stage without weights. A prefix
wins over a stage of the same name; `@hidden` always means the stage.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from ..errors import InputError, UnsupportedModel
from ..model import Activation, LastHidden, LastStep, Model, Signature, Skip, Stage
from ..model.stages import ACTIVATIONS
from .parts import Part, unwrapped

Item: TypeAlias = "Part | str"  # a module, or a token of a stage without weights

NOTHING = ("dropout", "squeeze")  # no stage: the first is the identity in evaluation, the second changes a shape
STAGES = ("last", "hidden", *ACTIVATIONS, *NOTHING, "skip(0)")

_STAGE = re.compile(r"(?P<name>[a-z_]+)\s*(\((?P<arguments>[^()]*)\))?")


def parse_forward(text: str, parts: Sequence[Part]) -> tuple[Item, ...]:
    """The modules and stages that a text names, in its order.

    Raises:
        InputError: a token is neither, or a module stands twice.
    """
    items = tuple(_item(token.strip(), parts) for token in re.split(r",(?![^(]*\))", text))
    modules = [item.token for item in items if isinstance(item, Part)]
    for token in modules:
        if modules.count(token) > 1:
            raise InputError(f"--forward: {token} stands twice; every module has one place in a chain")
    return items


def _item(token: str, parts: Sequence[Part]) -> Item:
    if not token.startswith("@"):
        exact = [part for part in parts if part.token == token]
        found = exact or [part for part in parts if part.prefix and part.name == unwrapped(token)]
        if len(found) == 1:
            return found[0]
    try:
        stage_of(token.removeprefix("@"), set())
    except UnsupportedModel as error:
        modules = ", ".join(part.token for part in parts)
        raise InputError(
            f"--forward: {token!r} is no module of this file and no stage ({error}); "
            f"modules: {modules}; stages: {', '.join(STAGES)}"
        ) from error
    return token.removeprefix("@")


def stage_of(token: str, used: set[str]) -> Stage | None:
    """The stage that a token names, under a name that is not yet used; None for dropout and squeeze.

    Raises:
        UnsupportedModel: it names none, or its arguments are none of its.
    """
    match = _STAGE.fullmatch(token)
    if match is None:
        raise UnsupportedModel("not of the form name or name(number)")
    kind, arguments = match["name"], _numbers(match["arguments"])
    name = _free(kind, used)
    if kind == "skip":
        return Skip(name, tuple(int(number) if number.is_integer() else -1 for number in arguments or (0.0,)))
    if kind in ACTIVATIONS and len(arguments) < 2:
        return Activation(name, kind, *arguments)
    if kind in ("last", "hidden", *NOTHING) and not arguments:
        return {"last": LastStep, "hidden": LastHidden}[kind](name) if kind not in NOTHING else None
    raise UnsupportedModel(f"{kind} takes no {match['arguments']!r}" if arguments else "unknown")


def _numbers(text: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in text.split(",")) if text and text.strip() else ()
    except ValueError as error:
        raise UnsupportedModel(f"{text!r} is no number") from error


def _free(kind: str, used: set[str]) -> str:
    """`relu`, or `@relu` where a module is called so, or `relu_2`."""
    names = (kind, *(f"{kind}_{count}" for count in range(2, len(used) + 3)))
    return next(name for name in names if name not in used)


def stages_of(items: Iterable[Item]) -> tuple[Stage, ...]:
    """The stages of a chain in order, each under a name of its own."""
    items = tuple(items)
    used = {stage.name for item in items if isinstance(item, Part) for stage in item.stages}
    stages: list[Stage] = []
    for item in items:
        if isinstance(item, Part):
            stages += item.stages
        elif (stage := stage_of(item, used)) is not None:
            used.add(stage.name)
            stages.append(stage)
    return tuple(stages)


def model_of(items: Iterable[Item], origin: str) -> Model:
    """The chain as a model.

    Raises:
        UnsupportedModel: its shapes do not chain.
    """
    items = tuple(items)
    takes = next((part.widths[0] for part in items if isinstance(part, Part) and part.widths[0]), None)
    if takes is None:
        raise UnsupportedModel(f"the chain holds no LSTM and no GRU: {forward_text(items)}")
    stages, width = stages_of(items), takes
    for stage in stages:
        width = stage.output_size(width)
    return Model(stages, Signature(takes, width), origin)


def forward_text(items: Iterable[Item]) -> str:
    """The chain as `--forward` reads it. Law: `parse_forward(forward_text(items), parts) == items`."""
    items = tuple(items)
    tokens = {item.token for item in items if isinstance(item, Part)}
    return ", ".join(item.token if isinstance(item, Part) else f"@{item}" if item in tokens else item for item in items)
