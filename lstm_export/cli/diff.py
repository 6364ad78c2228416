"""lstm-export diff."""

from __future__ import annotations

import typer

from ..errors import ParityError
from . import show
from .options import bundling, shared


def diff(
    old: bundling.Old,
    new: bundling.New,
    trust: shared.Trust = False,
    key: shared.Key = None,
    as_json: shared.AsJson = False,
) -> None:
    """Say whether a new bundle can replace an old one.

    Compares the interface, and runs the new artifacts on the old bundle's golden sets.
    """
    from ..verification.artifact import UsersWord
    from ..verification.difference import diff as compare

    found = compare(old, new, UsersWord(trust), key)
    if as_json:
        show.as_json("diff", **found.to_record())
    else:
        for kind, sentences in (("breaking", found.breaking), ("compatible", found.compatible)):
            for sentence in sentences:
                typer.echo(f"{kind}: {sentence}")
        if not found.breaking + found.compatible:
            typer.echo("the same model, interface and artifacts")
    if not found.ok:
        raise ParityError(f"{new} cannot take the place of {old}")
