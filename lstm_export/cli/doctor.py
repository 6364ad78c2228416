"""lstm-export doctor."""

from __future__ import annotations

import typer

from . import show
from .options import shared


def doctor(as_json: shared.AsJson = False) -> None:
    """Show what this machine can do, and what is missing."""
    from ..doctor import examine

    examination = examine()
    if as_json:
        show.as_json("doctor", **examination.to_record())
    else:
        typer.echo(examination.text())
