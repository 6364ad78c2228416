"""lstm-export evaluate."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ..files import check_output, write_bytes
from . import show
from .again import command_again
from .show_evaluation import evaluation_lines

# The library's words, repeated here so that --help need not import it; a test compares the two.
Part = Enum(
    "Part", {"all": "all", "train": "train", "validation": "validation", "test": "test"}, type=str
)
WRITES = ("report", "as_json")  # parameters that do not change what is judged


def evaluate(  # noqa: PLR0913, PLR0917 - the options of a command
    context: typer.Context,
    source: Annotated[
        Path, typer.Argument(help="A checkpoint, or a bundle.", metavar="MODEL|BUNDLE")
    ],
    data: Annotated[
        Path,
        typer.Argument(help="A table with the model's inputs and targets.", metavar="DATA"),
    ],
    artifact: Annotated[
        list[Path] | None,
        typer.Option(
            help="An artifact of the model, judged beside it; repeat for several.", metavar="PATH"
        ),
    ] = None,
    part: Annotated[
        Part | None,
        typer.Option(
            help="Which windows; by default all, or the test part of the file that the model was "
            "trained on.",
            show_default=False,
        ),
    ] = None,
    missing: Annotated[
        show.Missing | None,
        typer.Option(
            help="What happens to rows with an empty cell; by default as in training.",
            show_default=False,
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write it all as one HTML page.", metavar="FILE")
    ] = None,
    trust: show.Trust = False,
    as_json: show.AsJson = False,
) -> None:
    """Judge a model on a table, by step and by group."""
    from ..evaluation import evaluate as judge
    from ..evaluation.error_page import evaluation_page
    from ..evaluation.of_files import open_judged

    if report:
        check_output(report, source, data)
    judged = open_judged(source, artifact or (), trust=trust)
    found = judge(
        judged.checkpoint.model,
        data,
        facts=judged.checkpoint.facts,
        artifacts=judged.runners,
        part=None if part is None else part.value,
        missing=None if missing is None else missing.value,
    )
    if report:
        again = command_again(context, WRITES)
        write_bytes(report, evaluation_page(found, source.name, data.name, again))
    for note in judged.notes:
        typer.echo(f"warning: {note}", err=True)
    if as_json:
        show.as_json("evaluate", **found.to_record(), warnings=list(judged.notes))
        return
    for line in evaluation_lines(found):
        typer.echo(line)
    if report:
        typer.echo(f"wrote {report} ({report.stat().st_size:,} bytes)")
