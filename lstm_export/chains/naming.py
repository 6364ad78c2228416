"""Which module or stage a word of `--forward` names."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import InputError, UnsupportedModel
from .parts import Part, unwrapped
from .tokens import JOINS, STAGES, Item, stage_of


def item_named(token: str, parts: Sequence[Part]) -> Item:
    """The module or the token of a stage; a prefix wins over a stage of the same name.

    Raises:
        InputError: it names neither.
    """
    part = None if token.startswith("@") else module_named(token, parts)
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


def module_named(token: str, parts: Sequence[Part]) -> Part | None:
    """The one module of this prefix, or of this prefix behind wrappers."""
    found = [part for part in parts if part.token == token]
    if not found:
        found = [part for part in parts if part.prefix and part.name == unwrapped(token)]
    return found[0] if len(found) == 1 else None
