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
    from ..verification.difference import diff as compare
    from ..verification.permission import Permission

    difference = compare(old, new, Permission(trust), key)
    if as_json:
        show.as_json("diff", **difference.to_record())
    else:
        for sentence in difference.breaking:
            typer.echo(f"breaking: {sentence}")
        for sentence in difference.compatible:
            typer.echo(f"compatible: {sentence}")
        if not difference.breaking + difference.compatible:
            typer.echo("the same model, interface and artifacts")
    if not difference.ok:
        raise ParityError(f"{new} cannot take the place of {old}")
