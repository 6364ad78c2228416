"""What `verify` and `evaluate` judge, and what they write."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import choices

# verify
Artifact = Annotated[
    Path, typer.Argument(help="An exported artifact, or a bundle.", metavar="ARTIFACT|BUNDLE")
]
ModelOfArtifact = Annotated[
    Path | None,
    typer.Argument(
        help="The checkpoint that it was made from; a bundle needs none.", metavar="[MODEL]"
    ),
]
Junit = Annotated[
    Path | None,
    typer.Option(help="Also write JUnit XML, one test case a golden set.", metavar="FILE"),
]
Failing = Annotated[
    Path | None,
    typer.Option(help="If it fails, write the smallest failing input, as .npz.", metavar="FILE"),
]
Replay = Annotated[
    Path | None,
    typer.Option(help="Judge only this input, a file that --failing wrote.", metavar="FILE"),
]
CheckSelf = Annotated[
    bool,
    typer.Option(
        "--self-check",
        help="Put known bugs into copies of the artifact; fail if one goes unnoticed.",
    ),
]
Streaming = Annotated[
    bool,
    typer.Option(
        "--streaming",
        help="Also measure how the answers change when it runs as one endless stream.",
    ),
]
StreamedTable = Annotated[
    Path | None,
    typer.Option(
        help="With --streaming: the table to measure on; without it, the stored windows.",
        metavar="FILE",
    ),
]
NumbersOnly = Annotated[
    bool,
    typer.Option(
        "--numbers-only",
        help="Judge an ONNX file by its answers alone, in a process of its own; files of other "
        "tools are judged so unasked.",
    ),
]
KeyOrName = Annotated[
    str | None,
    typer.Option(
        help="The public key that must have signed the file, of minisign or in PEM; "
        "with MODEL also: which state_dict of it to read, where no file is called so.",
        metavar="PUB|NAME",
    ),
]

# evaluate
Source = Annotated[Path, typer.Argument(help="A checkpoint, or a bundle.", metavar="MODEL|BUNDLE")]
Table = Annotated[
    Path,
    typer.Argument(help="A table with the model's inputs and targets.", metavar="DATA"),
]
Artifacts = Annotated[
    list[Path] | None,
    typer.Option(
        help="An artifact of the model, judged beside it; repeat for several.", metavar="PATH"
    ),
]
Part = Annotated[
    choices.Part | None,
    typer.Option(
        help="Which windows; by default all, or the test part of the file that the model was "
        "trained on.",
        show_default=False,
    ),
]
Missing = Annotated[
    choices.Missing | None,
    typer.Option(
        help="What happens to rows with an empty cell; by default as in training.",
        show_default=False,
    ),
]
Report = Annotated[Path | None, typer.Option(help="Write it all as one HTML page.", metavar="FILE")]
