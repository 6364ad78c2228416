"""What several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import choices

Model = Annotated[
    Path,
    typer.Argument(help="A checkpoint: model.pt from train, or one of your own.", metavar="MODEL"),
]
Trust = Annotated[
    bool, typer.Option("--trust", help="Run the code in the files that you name (C, TorchScript).")
]
Key = Annotated[
    Path | None,
    typer.Option(
        "--key",
        help="The public key that must have signed the file, of minisign or in PEM.",
        metavar="PUB",
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object for programs instead of text.")
]
Missing = Annotated[choices.Missing, typer.Option(help="What happens to rows with an empty cell.")]
Html = Annotated[
    Path | None, typer.Option(help="Also write the report as one HTML page.", metavar="FILE")
]
