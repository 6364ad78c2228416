"""What `fleet` and `fleet verify` take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import choices

Table = Annotated[
    Path,
    typer.Argument(
        help="A CSV with a row a model: name; checkpoint, or data to train on; and options of "
        "package, or of train, a column each.",
        metavar="TABLE",
    ),
]
Output = Annotated[
    Path,
    typer.Option(
        "-o", "--output", help="The folder of the bundles and the report.", metavar="BUNDLES"
    ),
]
Bundles = Annotated[Path, typer.Argument(help="The folder that `fleet` wrote.", metavar="BUNDLES")]
Against = Annotated[
    Path | None,
    typer.Option(
        help="The report to compare with, which --json prints; by default BUNDLES/fleet.json.",
        metavar="FILE",
        show_default=False,
    ),
]
On = Annotated[choices.On, typer.Option("--on", help="What shares the models out to processes.")]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Processes, of a thread each; by default one a core, on a cluster what there is.",
    ),
]
