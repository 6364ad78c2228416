"""`lstm-export run BUNDLE DATA/ -o OUT/`: a folder of tables in, a folder of predictions out."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..files import check_output, is_folder
from ..workers import import_beforehand
from . import show

if TYPE_CHECKING:
    from ..device import Session
    from ..scale import FolderReport, Outcome

_OF_WORKERS = ("lstm_export.scale.partition_work",)  # what a process needs
MOST_WARNINGS = 5  # lines; all of them are in the records and in the JSON


def folder_to_write(data: Path, output: Path | None, stream: bool) -> Path:
    """The folder for the answers; refuses options that do not go with a folder.

    Raises:
        InputError: the output cannot be written.
    """
    if not is_folder(data):
        raise typer.BadParameter(
            f"{data} is no folder, which --on, --workers and --carry are for", param_hint="DATA"
        )
    if stream:
        raise typer.BadParameter("--stream takes lines of one table: leave it out for a folder")
    if output is None:
        raise typer.BadParameter("the answers to a folder need another: add -o", param_hint="-o")
    if not is_folder(output):
        check_output(output)
    return output


def start_workers(on: str, workers: int | None) -> None:
    """Begin with what processes here will need, before the model is opened."""
    if on == "local" and workers and workers > 1:
        import_beforehand(_OF_WORKERS)


def answer_folder(
    session: Session,
    data: Path,
    output: Path,
    as_json: bool,
    choices: Mapping[str, Any],
    **options: Any,
) -> None:
    """Answer, say what became of every partition, and end with 1 if one failed."""
    from ..scale import Choices, run_folder

    report = run_folder(
        session,
        data,
        output,
        choices=Choices(**choices),
        progress=_progress(),
        **options,
    )
    if as_json:
        show.as_json("run", **_fields(report, str(output)))
    else:
        _print(report, output)
    if report.failed:
        raise typer.Exit(1)


def _print(report: FolderReport, output: Path) -> None:
    warnings = []
    for outcome in report.outcomes:
        warnings += [f"warning: {outcome.name}: {text}" for text in outcome.warnings]
    for line in warnings[:MOST_WARNINGS]:
        typer.echo(line, err=True)
    more = len(warnings) - MOST_WARNINGS
    if more > 0:
        typer.echo(f"warning: {more} more, see --json", err=True)
    for outcome in report.failed:
        typer.echo(f"error: {outcome.name}: {outcome.error}", err=True)
    counts = ", ".join(f"{count} {status}" for status, count in report.counts.items() if count)
    typer.echo(
        f"{len(report.outcomes):,} partitions, {counts}: {report.rows:,} rows, "
        f"{report.predictions:,} predictions, {report.gaps:,} gaps -> {output}",
        err=True,
    )


def _fields(report: FolderReport, output: str) -> dict[str, Any]:
    return {
        "ok": not report.failed,
        "path": output,
        "rows": report.rows,
        "predictions": report.predictions,
        "gaps": report.gaps,
        "partitions": [outcome.to_record() for outcome in report.outcomes],
    }


def _progress() -> Any:
    """A line on stderr that counts partitions; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        return None
    done = 0

    def count(_: Outcome, total: int) -> None:
        nonlocal done
        done += 1
        typer.echo(f"\r{done:,} of {total:,} partitions", nl=done == total, err=True)

    return count
