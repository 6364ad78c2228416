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
def verify(  # noqa: PLR0913, PLR0917 - the command's arguments and options
    reading: Reading,
    artifact: Annotated[Path, typer.Argument(help="An exported artifact, or a bundle.", metavar="ARTIFACT|BUNDLE")],
    model: Annotated[
        Path | None, typer.Argument(help="The checkpoint it was made from; a bundle needs none.", metavar="[MODEL]")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(help="Also write JUnit XML here, one test case a golden set.", metavar="FILE")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Also write the report as a page, one file for any browser.", metavar="FILE")
    ] = None,
    as_json: show.AsJson = False,
) -> None:
    """Check an artifact against its model, or a bundle by itself."""
    from .. import evidence, pipeline
    from ..parity import all_ok, to_junit

    for path in (junit, html):
        if path:
            check_output(path, artifact, model)
    checkpoint = None if model is None else pipeline.read(model, reading)
    subject = pipeline.Subject.of(checkpoint) if html and checkpoint else None
    reports = pipeline.verify(artifact, subject or checkpoint)
    if junit:
        write_bytes(junit, to_junit(reports))
    if html:
        write_bytes(html, evidence.page(artifact, subject, reports))
    show.reports(reports, as_json, "verify")
    if not all_ok(reports):
        raise ParityError(f"{artifact} did not pass")
