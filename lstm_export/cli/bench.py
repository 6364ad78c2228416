"""lstm-export bench."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from ..errors import InputError, ParityError
from . import show
from .options import measuring, shared


def bench(  # noqa: PLR0913, PLR0917 - the options of a command
    sources: measuring.Sources,
    engine: measuring.Engines = None,
    batch: measuring.Batch = 32,
    seq: measuring.Seq = None,
    seconds: measuring.Seconds = 1.0,
    deadline: measuring.Deadline = None,
    rate: measuring.Rate = None,
    plot: measuring.Plot = None,
    trust: shared.Trust = False,
    key: shared.Key = None,
    as_json: shared.AsJson = False,
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
    if as_json:
        show.as_json("bench", **report.to_record())
    else:
        typer.echo(report.text())
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
