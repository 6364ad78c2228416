"""Which module or stage a word of `--forward` names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ..errors import InputError, UnsupportedModel
from ..model import RNN, Stage
from ..model.stages import PReLU, RMSNorm
from .parts import Part, unwrapped
from .tokens import JOINS, STAGES, Item, skip_features, stage_of

NONLINEARITIES = ("tanh", "relu")
_SAID = re.compile(r"(.+)\((tanh|relu|rms_norm|prelu)\)")


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
        if skip_features(stage) is None:
            stage_of(stage, set())
    except UnsupportedModel as error:
        modules = ", ".join(part.token for part in parts)
        raise InputError(
            f"--forward: {token!r} is no module of this file and no stage ({error}); "
            f"modules: {modules}; stages: {', '.join(STAGES)}"
        ) from error
    return stage


def _module(token: str, parts: Sequence[Part]) -> Part | None:
    """A module; with a word in parentheses what it is, where its weights tell less: `rnn(relu)`,
    `norm(rms_norm)`, `act(prelu)`."""
    match = _SAID.fullmatch(token)
    part = module_named(match[1].strip(), parts) if match else None
    if match is None or part is None:
        return module_named(token, parts)
    stage = _as_said(part.stages[0], match[2])
    if stage is None:
        raise InputError(
            f"--forward: {token}: {part.token} is a {part.kind}, and no such module; write "
            f"{part.token} alone"
        )
    return replace(part, kind=stage.kind, stages=(stage,))


def _as_said(stage: Stage, said: str) -> Stage | None:
    if said in NONLINEARITIES:
        return replace(stage, nonlinearity=said) if isinstance(stage, RNN) else None
    weight = stage.arrays.get("weight")
    if weight is None or weight.ndim != 1 or "bias" in stage.arrays:
        return None
    return RMSNorm(stage.name, weight) if said == "rms_norm" else PReLU(stage.name, weight)


def word_of(part: Part) -> str:
    """How a text names a module, with what its weights do not tell."""
    stage = part.stages[0]
    if isinstance(stage, RNN) and stage.nonlinearity != "tanh":
        return f"{part.token}({stage.nonlinearity})"
    words = {RMSNorm: "rms_norm", PReLU: "prelu"}
    return f"{part.token}({words[type(stage)]})" if type(stage) in words else part.token


def module_named(token: str, parts: Sequence[Part]) -> Part | None:
    """The one module of this prefix, or of this prefix behind wrappers."""
    found = [part for part in parts if part.token == token]
    if not found:
        found = [part for part in parts if part.prefix and part.name == unwrapped(token)]
    return found[0] if len(found) == 1 else None
