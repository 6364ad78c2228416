"""lstm-export verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import ParityError
from . import show


def verify(
    artifact: Annotated[Path, typer.Argument(help="An exported artifact, or a bundle.", metavar="ARTIFACT|BUNDLE")],
    model: Annotated[
        Path | None, typer.Argument(help="The checkpoint it was made from; a bundle needs none.", metavar="[MODEL]")
    ] = None,
    as_json: show.AsJson = False,
) -> None:
    """Check an artifact against its model, or a bundle by itself."""
    from .. import pipeline
    from ..parity import all_ok

    reports = pipeline.verify(artifact, model)
    show.reports(reports, as_json, "verify")
    if not all_ok(reports):
        raise ParityError(f"{artifact} did not pass")
