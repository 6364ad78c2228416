"""lstm-export verify."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..errors import InputError, LstmExportError, ParityError
from ..files import check_output, write_bytes
from . import show
from .again import command_again
from .options import judging, shared
from .reading_arguments import Reading, given_options, reads_model

if TYPE_CHECKING:
    from ..parity import ParityReport
    from ..verification.opened_file import OpenedFile
    from ..verification.subject import Subject

# What does not change what is judged, and is left out where a command is shown to be given again.
WRITES = ("junit", "html", "failing", "as_json")


@reads_model
def verify(  # noqa: PLR0913, PLR0917 - the command's arguments and options
    context: typer.Context,
    reading: Reading,
    artifact: judging.Artifact,
    model: judging.ModelOfArtifact = None,
    junit: judging.Junit = None,
    html: shared.Html = None,
    failing: judging.Failing = None,
    replay: judging.Replay = None,
    check_self: judging.CheckSelf = False,
    streaming: judging.Streaming = False,
    data: judging.StreamedTable = None,
    numbers_only: judging.NumbersOnly = False,
    key: judging.KeyOrName = None,
    as_json: shared.AsJson = False,
) -> None:
    """Check an artifact against its model, or a bundle by itself."""
    reading = replace(reading, data=None)  # here it is for --streaming
    outputs = {"--junit": junit, "--html": html, "--failing": failing}
    _check_usage(model, data, streaming, check_self, {**outputs, "--replay": replay}, reading)
    if numbers_only:
        _check_numbers_only(model, {"--self-check": check_self, "--streaming": streaming}, failing)
    _check_outputs(outputs, artifact, model, replay)
    try:
        opened, subject = _opened(artifact, model, reading, key)
        if check_self and subject:
            return _check_self(opened, subject, as_json)
        reports = _judged(opened, subject, replay, numbers_only)
    except LstmExportError as error:
        _write_refused(context, artifact, error, junit, html)
        raise
    _write_reports(context, opened, subject, reports, junit, html)
    _show(opened, subject, reports, streaming, data, as_json)
    if failing:
        _write_failing(context, failing, opened, subject, reports)
    if not _passed(reports):
        raise ParityError(f"{artifact} did not pass")
    return None


def _passed(reports: tuple[ParityReport, ...]) -> bool:
    from ..parity import all_ok

    return all_ok(reports)


def _check_usage(  # noqa: PLR0913, PLR0917 - what was given
    model: Path | None,
    data: Path | None,
    streaming: bool,
    check_self: bool,
    files: Mapping[str, Path | None],
    reading: Reading,
) -> None:
    """Refuse options that would do nothing as they are given."""
    if data and not streaming:
        raise typer.BadParameter("the table is for --streaming: add it", param_hint="--data")
    about_model = [option for option in given_options(reading) if option != "--key"]
    if about_model and model is None:
        raise typer.BadParameter(
            "it says how MODEL is read: name the model too: ARTIFACT MODEL",
            param_hint=about_model[0],
        )
    if not check_self:
        return
    if model is None:
        raise typer.BadParameter(
            "name the artifact's model too: ARTIFACT MODEL", param_hint="--self-check"
        )
    if streaming or any(files.values()):
        others = ", ".join(["--streaming", *files])
        raise typer.BadParameter(
            f"it judges copies of the artifact, and takes none of {others}",
            param_hint="--self-check",
        )


def _check_numbers_only(
    model: Path | None, others: Mapping[str, bool], failing: Path | None
) -> None:
    """Refuse options that need the file's structure, and a missing model."""
    if model is None:
        raise typer.BadParameter(
            "name the model whose numbers it has to have: ARTIFACT MODEL",
            param_hint="--numbers-only",
        )
    options = {**others, "--failing": failing}
    unfit = [option for option, value in options.items() if value]
    if unfit:
        raise typer.BadParameter(
            f"the file is asked for its answers alone: leave out {', '.join(unfit)}",
            param_hint="--numbers-only",
        )


def _check_outputs(outputs: Mapping[str, Path | None], *inputs: Path | None) -> None:
    written: dict[Path, str] = {}
    for option, path in outputs.items():
        if path is None:
            continue
        check_output(path, *inputs)
        other = written.setdefault(path.resolve(), option)
        if other != option:
            raise InputError(f"{other} and {option} both write {path}; name two files")


def _opened(
    artifact: Path, model: Path | None, reading: Reading, key: str | None
) -> tuple[OpenedFile, Subject | None]:
    from ..signing import key_file
    from ..verification.opened_file import open_file
    from ..verification.permission import Permission
    from ..verification.subject import Subject, read

    permission = Permission(reading.trust, names_model=model is not None)
    public = key_file(key, has_model=model is not None)
    opened = open_file(artifact, permission, public)
    reading = replace(reading, key=None if public else key)
    if model is None:
        return opened, None
    if any(entry.runs_code for entry in opened.artifacts.values()):
        reading = replace(reading, trust=False)  # it was said of the artifact
    return opened, Subject.of(read(model, reading))


def _judged(
    opened: OpenedFile, subject: Subject | None, replay: Path | None, numbers_only: bool
) -> tuple[ParityReport, ...]:
    from ..verification.judge import judge_file

    return judge_file(opened, subject, replay, numbers_only=numbers_only)


def _write_reports(  # noqa: PLR0913, PLR0917 - what is written, and where
    context: typer.Context,
    opened: OpenedFile,
    subject: Subject | None,
    reports: tuple[ParityReport, ...],
    junit: Path | None,
    html: Path | None,
) -> None:
    from ..parity import to_junit
    from ..verification.page import page

    if junit:
        write_bytes(junit, to_junit(reports))
    if html:
        write_bytes(html, page(opened, subject, reports, command_again(context, WRITES)))


def _write_refused(
    context: typer.Context,
    artifact: Path,
    error: LstmExportError,
    junit: Path | None,
    html: Path | None,
) -> None:
    """Write the reports of a file that could not be judged, so that a CI server shows why."""
    if not junit and not html:
        return
    from ..parity import could_not_be_opened, to_junit
    from ..verification.page import page_of_refused

    reports = (could_not_be_opened(artifact.name, str(error)),)
    if junit:
        write_bytes(junit, to_junit(reports))
    if html:
        write_bytes(html, page_of_refused(artifact.name, reports, command_again(context, WRITES)))


def _show(  # noqa: PLR0913, PLR0917 - what is shown, and how
    opened: OpenedFile,
    subject: Subject | None,
    reports: tuple[ParityReport, ...],
    streaming: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    from ..verification.endless_stream import endless_stream

    signed = {"signed": opened.signed.to_record()} if opened.signed else {}
    if opened.signed and not as_json:
        typer.echo(opened.signed.text())
    if not streaming:
        show.reports(reports, as_json, "verify", more=signed)
        return
    endless = endless_stream(opened, subject.checkpoint if subject else None, data)
    more = {"streaming": endless.to_record(), **signed}
    show.reports(reports, as_json, "verify", more=more)
    if not as_json:
        typer.echo(f"\n{endless.text()}")


def _write_failing(
    context: typer.Context,
    path: Path,
    opened: OpenedFile,
    subject: Subject | None,
    reports: tuple[ParityReport, ...],
) -> None:
    """The smallest failing input, and on stderr the command that replays it, or why there is
    none."""
    from ..bundle import write_golden
    from ..verification.failure import smallest_failure

    passed = _passed(reports)
    is_foreign = opened.is_foreign_onnx
    smallest = None if passed or is_foreign else smallest_failure(opened, subject)
    if smallest is None:
        reason = "nothing failed" if passed else "no golden set fails by its numbers"
        typer.echo(f"{reason}: {path} was not written", err=True)
        return
    write_golden(path, smallest)
    again = command_again(context, WRITES, replay=path)
    typer.echo(f"wrote {path}, x {smallest.x.shape}; again: {again}", err=True)


def _check_self(opened: OpenedFile, subject: Subject, as_json: bool) -> None:
    from ..verification.self_check import self_check

    result = self_check(opened, subject)
    if as_json:
        show.as_json("verify --self-check", **result.to_record())
    else:
        typer.echo(result.table())
    if not result.ok:
        raise ParityError(
            "the verifier missed a bug that moves the answers by more than is allowed"
        )
