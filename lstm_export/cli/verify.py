"""lstm-export verify."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ParityError
from ..files import check_output, write_bytes
from . import show
from .model_options import Reading, reads_model

if TYPE_CHECKING:
    from ..chains import Checkpoint
    from ..verification.subject import Subject


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
    failing: Annotated[
        Path | None,
        typer.Option(help="Where it fails, write the smallest failing input, an .npz.", metavar="FILE"),
    ] = None,
    replay: Annotated[
        Path | None, typer.Option(help="Judge this input alone, written by --failing.", metavar="FILE")
    ] = None,
    check_self: Annotated[
        bool, typer.Option("--self-check", help="Put known bugs into copies of the artifact; fail if one is missed.")
    ] = False,
    streaming: Annotated[
        bool, typer.Option("--streaming", help="Also measure what running as an endless stream changes.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(help="With --streaming: a table to measure on; else the stored windows.", metavar="FILE"),
    ] = None,
    as_json: show.AsJson = False,
) -> None:
    """Check an artifact against its model, or a bundle by itself."""
    from .. import pipeline
    from ..parity import all_ok, to_junit
    from ..verification import page
    from ..verification.subject import Subject, read

    _check_usage(model, data, streaming, check_self, [junit, html, failing, replay])
    for path in (junit, html, failing):
        if path:
            check_output(path, artifact, model, replay)
    checkpoint = None if model is None else read(model, reading)
    if check_self and checkpoint:
        return _check_self(artifact, checkpoint, as_json)
    subject = Subject.of(checkpoint) if checkpoint else None
    reports = pipeline.verify(artifact, subject, replay)
    if junit:
        write_bytes(junit, to_junit(reports))
    if html:
        write_bytes(html, page.page(artifact, subject, reports))
    endless = pipeline.endless(artifact, checkpoint, data) if streaming else None
    show.reports(reports, as_json, "verify", more={"streaming": endless.to_record()} if endless else None)
    if endless and not as_json:
        typer.echo(f"\n{endless.text()}")
    if failing:
        _write_failing(failing, artifact, subject, all_ok(reports))
    if not all_ok(reports):
        raise ParityError(f"{artifact} did not pass")


def _check_usage(
    model: Path | None, data: Path | None, streaming: bool, check_self: bool, files: Sequence[Path | None]
) -> None:
    """Options that would do nothing as they are given."""
    if data and not streaming:
        raise typer.BadParameter("the table is for --streaming: add it", param_hint="--data")
    if check_self and model is None:
        raise typer.BadParameter("name the artifact's model too: ARTIFACT MODEL", param_hint="--self-check")
    if check_self and (streaming or any(files)):
        raise typer.BadParameter(
            "it judges copies of the artifact, and takes none of --streaming, --junit, --html, --failing, --replay",
            param_hint="--self-check",
        )


def _write_failing(path: Path, artifact: Path, subject: Subject | None, passed: bool) -> None:
    """The smallest failing input, and on stderr the command that replays it, or why there is none."""
    from ..bundle import write_golden
    from ..pipeline import smallest_failure

    one = None if passed else smallest_failure(artifact, subject)
    if one is None:
        reason = "nothing failed" if passed else "no golden set fails by its numbers"
        typer.echo(f"{reason}: {path} was not written", err=True)
        return
    write_golden(path, one)
    model = f" {subject.checkpoint.source or 'MODEL'}" if subject else ""
    typer.echo(f"wrote {path}, x {one.x.shape}; again: lstm-export verify {artifact}{model} --replay {path}", err=True)


def _check_self(artifact: Path, checkpoint: Checkpoint, as_json: bool) -> None:
    from ..verification.self_check import self_check

    found = self_check(artifact, checkpoint)
    if as_json:
        show.as_json("verify --self-check", **found.to_record())
    else:
        typer.echo(found.table())
    if not found.ok:
        raise ParityError("the verifier missed a bug that moves the answers by more than is allowed")
