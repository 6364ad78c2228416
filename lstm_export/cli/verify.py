"""lstm-export verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import ParityError
from ..files import check_output, write_bytes
from . import show
from .model_options import Reading, reads_model


@reads_model
def verify(
    reading: Reading,
    artifact: Annotated[Path, typer.Argument(help="An exported artifact, or a bundle.", metavar="ARTIFACT|BUNDLE")],
    model: Annotated[
        Path | None, typer.Argument(help="The checkpoint it was made from; a bundle needs none.", metavar="[MODEL]")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(help="Also write JUnit XML here, one test case a golden set.", metavar="FILE")
    ] = None,
    as_json: show.AsJson = False,
) -> None:
    """Check an artifact against its model, or a bundle by itself."""
    from .. import pipeline
    from ..parity import all_ok, to_junit

    if junit:
        check_output(junit, artifact, model)
    reports = pipeline.verify(artifact, None if model is None else pipeline.read(model, reading))
    if junit:
        write_bytes(junit, to_junit(reports))
    show.reports(reports, as_json, "verify")
    if not all_ok(reports):
        raise ParityError(f"{artifact} did not pass")
