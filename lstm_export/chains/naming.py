"""Which module or stage a word of `--forward` names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ..errors import InputError, UnsupportedModel
from ..model import RNN
from .parts import Part, unwrapped
from .tokens import JOINS, STAGES, Item, stage_of

_NONLINEAR = re.compile(r"(.+)\((tanh|relu)\)")


def item_named(token: str, parts: Sequence[Part]) -> Item:
    """The module or the token of a stage; a prefix wins over a stage of the same name.

    Raises:
        InputError: it names neither.
    """
    part = None if token.startswith("@") else _module(token, parts)
    if part is not None:
        return part
    stage = token.removeprefix("@")
    try:
        if stage in JOINS:
            raise UnsupportedModel(f"it takes several values, as in {stage}(a, b)")
        stage_of(stage, set())
    except UnsupportedModel as error:
        modules = ", ".join(part.token for part in parts)
        raise InputError(
            f"--forward: {token!r} is no module of this file and no stage ({error}); "
            f"modules: {modules}; stages: {', '.join(STAGES)}"
        ) from error
    return stage


def _module(token: str, parts: Sequence[Part]) -> Part | None:
    """A module; of an RNN also its nonlinearity, `rnn(relu)`."""
    match = _NONLINEAR.fullmatch(token)
    part = module_named(match[1].strip(), parts) if match else None
    if match is None or part is None:
        return module_named(token, parts)
    (stage,) = part.stages
    if not isinstance(stage, RNN):
        raise InputError(f"--forward: {token}: {part.token} is a {part.kind}, and no RNN")
    return replace(part, stages=(replace(stage, nonlinearity=match[2]),))


def word_of(part: Part) -> str:
    """How a text names a module: `rnn(relu)` for an RNN that is not torch's usual."""
    stage = part.stages[0]
    if isinstance(stage, RNN) and stage.nonlinearity != "tanh":
        return f"{part.token}({stage.nonlinearity})"
    return part.token


def module_named(token: str, parts: Sequence[Part]) -> Part | None:
    """The one module of this prefix, or of this prefix behind wrappers."""
    found = [part for part in parts if part.token == token]
    if not found:
        found = [part for part in parts if part.prefix and part.name == unwrapped(token)]
    return found[0] if len(found) == 1 else None
