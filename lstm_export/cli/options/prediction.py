"""What `run` answers, with what, and where to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import choices

Source = Annotated[
    Path, typer.Argument(help="A bundle or an exported artifact.", metavar="BUNDLE|ARTIFACT")
]
Data = Annotated[
    Path,
    typer.Argument(
        help="A table (.csv, .csv.gz, .parquet), an array (.npy), a folder of tables, or - "
        "with --stream.",
        metavar="DATA",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        help="Where predictions go: a .csv or .npy file, or for a folder of tables another "
        "folder; by default stdout.",
    ),
]
Window = Annotated[
    int | None, typer.Option(min=1, help="Steps in a window; by default the stored number.")
]
Engine = Annotated[
    str | None,
    typer.Option(
        help=(
            "Which target of a bundle to run; by default onnx, "
            "without onnxruntime or an ONNX file numpy."
        ),
        metavar="TARGET",
        show_default=False,
    ),
]
Provider = Annotated[
    list[str] | None,
    typer.Option(help="An execution provider of ONNX Runtime; repeat for several.", metavar="NAME"),
]

# Streams
Stream = Annotated[
    bool, typer.Option("--stream", help="Answer CSV from stdin line by line; DATA is then -.")
]
Mode = Annotated[
    choices.Mode | None,
    typer.Option(
        help="What a stream keeps between samples; by default what the bundle says.",
        show_default=False,
    ),
]
State = Annotated[
    Path | None,
    typer.Option(
        help="Start the stream from this file, if it exists, and save to it at the end.",
        metavar="FILE",
    ),
]
Late = Annotated[
    choices.Late,
    typer.Option(help="What happens to a row of a stream that is earlier than the row before."),
]
Duplicate = Annotated[
    choices.Duplicate,
    typer.Option(
        help="What happens to a row of a stream with the time of the row before; last takes "
        "its place."
    ),
]
MostUnanswered = Annotated[
    float,
    typer.Option(
        help="A stream ends with code 1 if more than this share of its rows got no answer.",
        min=0,
        max=1,
    ),
]

# Folders of tables
On = Annotated[
    choices.On, typer.Option(help="What shares the tables of a folder out to processes.")
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Processes for the tables of a folder; by default 1, on a cluster what there is.",
        show_default=False,
    ),
]
Carry = Annotated[
    bool,
    typer.Option(
        "--carry", help="Series of a folder go on from table to table, in the order of names."
    ),
]
