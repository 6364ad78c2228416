"""lstm-export bench."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError, ParityError
from . import show


def bench(  # noqa: PLR0913, PLR0917 - the options of a command
    sources: Annotated[
        list[Path], typer.Argument(help="Bundles and artifacts.", metavar="BUNDLE|ARTIFACT")
    ],
    engine: Annotated[
        list[str] | None,
        typer.Option(
            help="Which targets to measure; repeat for several. All by default.", metavar="TARGET"
        ),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, help="Sequences in a batch.")] = 32,
    seq: Annotated[
        int | None,
        typer.Option(min=1, help="Steps in a sequence; by default the stored window, or 100."),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.01, help="Seconds for each engine at each shape, after warm-up.")
    ] = 1.0,
    deadline: Annotated[
        str | None,
        typer.Option(
            help="Fail unless the 99th percentile of the answer to a new sample is below this, "
            "such as 1ms.",
            metavar="TIME",
        ),
    ] = None,
    rate: Annotated[
        str | None,
        typer.Option(
            help="Samples a second, such as 48kHz: show the share of a core that they take, and "
            "fail above 100 %.",
            metavar="RATE",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(
            help="Also draw the latencies as a PNG file; needs the plot extra.", metavar="FILE"
        ),
    ] = None,
    trust: show.Trust = False,
    key: show.Key = None,
    as_json: show.AsJson = False,
) -> None:
    """Measure latency, start-up, memory and size.

    Engines take turns on one thread, and the answers of the timed runs are checked. The answer to a
    new sample is a streaming step, or a whole sequence where the engine cannot stream.
    """
    from .. import bench as library

    options = library.Options(
        engines=tuple(engine or ()),
        batch=batch,
        seq=seq,
        budget_s=seconds,
        deadline_s=_quantity(library.seconds, deadline, "--deadline"),
        rate_hz=_quantity(library.frequency_hz, rate, "--rate"),
        trust=trust,
        key=key,
    )
    if plot:
        library.check_plot(plot, *sources)
    report = library.bench(sources, options, _say if sys.stderr.isatty() else None)
    if plot:
        library.plot(report, plot)
    show.as_json("bench", **report.to_record()) if as_json else typer.echo(report.text())
    for warning in report.warnings:
        typer.echo(f"warning: {warning}", err=True)
    if report.failures:
        raise ParityError("; ".join(report.failures))


def _quantity(read: Callable[[str], float], text: str | None, option: str) -> float | None:
    """The value of an option; without its unit it is wrong usage."""
    try:
        return None if text is None else read(text)
    except InputError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def _say(what: str) -> None:
    typer.echo(f"{what} ...", err=True)
