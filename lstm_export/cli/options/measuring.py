"""What `bench` measures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Sources = Annotated[
    list[Path], typer.Argument(help="Bundles and artifacts.", metavar="BUNDLE|ARTIFACT")
]
Engines = Annotated[
    list[str] | None,
    typer.Option(
        help="Which targets to measure; repeat for several. All by default.", metavar="TARGET"
    ),
]
Batch = Annotated[int, typer.Option(min=1, help="Sequences in a batch.")]
Seq = Annotated[
    int | None,
    typer.Option(min=1, help="Steps in a sequence; by default the stored window, or 100."),
]
Seconds = Annotated[
    float, typer.Option(min=0.01, help="Seconds for each engine at each shape, after warm-up.")
]
Deadline = Annotated[
    str | None,
    typer.Option(
        help="Fail unless the 99th percentile of the answer to a new sample is below this, "
        "such as 1ms.",
        metavar="TIME",
    ),
]
Rate = Annotated[
    str | None,
    typer.Option(
        help="Samples a second, such as 48kHz: show the share of a core that they take, and "
        "fail above 100 %.",
        metavar="RATE",
    ),
]
Plot = Annotated[
    Path | None,
    typer.Option(
        help="Also draw the latencies as a PNG file; needs the plot extra.", metavar="FILE"
    ),
]
