"""lstm-export evaluate."""

from __future__ import annotations

import typer

from ..files import check_output, write_bytes
from . import show
from .again import command_again
from .options import judging, shared
from .show_evaluation import evaluation_lines

WRITES = ("report", "as_json")  # parameters that do not change what is judged


def evaluate(  # noqa: PLR0913, PLR0917 - the options of a command
    context: typer.Context,
    source: judging.Source,
    data: judging.Table,
    artifact: judging.Artifacts = None,
    part: judging.Part = None,
    missing: judging.Missing = None,
    report: judging.Report = None,
    trust: shared.Trust = False,
    as_json: shared.AsJson = False,
) -> None:
    """Judge a model on a table, by step and by group."""
    from ..evaluation import evaluate as judge
    from ..evaluation.error_page import evaluation_page
    from ..evaluation.of_files import open_judged

    if report:
        check_output(report, source, data)
    judged = open_judged(source, artifact or (), trust=trust)
    evaluation = judge(
        judged.checkpoint.model,
        data,
        facts=judged.checkpoint.facts,
        artifacts=judged.runners,
        part=None if part is None else part.value,
        missing=None if missing is None else missing.value,
    )
    if report:
        again = command_again(context, WRITES)
        write_bytes(report, evaluation_page(evaluation, source.name, data.name, again))
    warnings = [*judged.notes, *evaluation.warnings]
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
    if as_json:
        show.as_json("evaluate", **evaluation.to_record(), warnings=warnings)
        return
    for line in evaluation_lines(evaluation):
        typer.echo(line)
    if report:
        typer.echo(f"wrote {report} ({report.stat().st_size:,} bytes)")
