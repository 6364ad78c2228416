"""lstm-export doctor."""

from __future__ import annotations

import typer

from . import show


def doctor(as_json: show.AsJson = False) -> None:
    """Say what this machine can do, and why not."""
    from ..doctor import examine

    found = examine()
    if as_json:
        show.as_json("doctor", **found.to_record())
    else:
        typer.echo(found.text())
