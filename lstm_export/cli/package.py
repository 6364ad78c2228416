"""lstm-export package."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import targets
from ..errors import ParityError
from . import show
from .again import command_again
from .model_options import Reading, reads_model

# `bundle.Mode`, repeated here so that --help need not import it; a test compares the two.
Mode = Enum("Mode", {"window": "window", "state": "state"}, type=str)

OF_TARGETS = ("arithmetic", "weights", "max_error")  # parameters that targets are handed


def known_targets(names: list[str] | None) -> list[str]:
    """Refuse a target that there is not."""
    for name in names or []:
        if name not in targets.names():
            raise typer.BadParameter(
                f"unknown target {name!r}; known targets: {', '.join(targets.names())}"
            )
    return names or []


Targets = Annotated[
    list[str] | None,
    typer.Option(
        "-t",
        "--target",
        callback=known_targets,
        help="A target to include, such as c or numpy; repeat for several. By default onnx.",
        metavar="TARGET",
    ),
]


@reads_model
def package(  # noqa: PLR0913, PLR0917 - the options of a command
    context: typer.Context,
    model: show.Model,
    reading: Reading,
    target: Targets = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", help="The bundle; by default beside MODEL, ending in .bundle."
        ),
    ] = None,
    mode: Annotated[
        Mode | None,
        typer.Option(
            help="How a device is to run it: on windows of the stored size, or as a stream."
        ),
    ] = None,
    lengths: Annotated[
        bool,
        typer.Option(
            "--lengths", help="Also take the lengths of padded rows, in the targets that can."
        ),
    ] = False,
    arithmetic: Annotated[
        str,
        typer.Option(
            help="integer: targets that can compute in whole numbers do; by default in floats."
        ),
    ] = "",
    weights: Annotated[
        str,
        typer.Option(help="How targets that can round weights store them: float32, int16, int8."),
    ] = "",
    max_error: Annotated[
        str,
        typer.Option(
            help="Refuse whole numbers that move an answer by more: a share of its spread, 2% "
            "unless you say otherwise, or a number in its unit."
        ),
    ] = "",
    sign: Annotated[
        Path | None,
        typer.Option(
            help="Also sign the bundle with this secret key, of minisign or in PEM.",
            metavar="KEY",
        ),
    ] = None,
    provenance: Annotated[
        bool,
        typer.Option(
            "--provenance",
            help="Also record the git commit of MODEL's folder and this command in the bundle.",
        ),
    ] = False,
    as_json: show.AsJson = False,
) -> None:
    """Export, verify, and put what a device needs into one bundle.

    Nothing is written unless every artifact passed.
    """
    from .. import pipeline
    from ..signing import secret_key_for, signature_by
    from ..verification.subject import read

    checkpoint = read(model, reading)
    show.warnings_of(checkpoint)
    path = output or model.with_suffix(".bundle")
    secret = secret_key_for(path, sign) if sign else None
    try:
        options: dict[str, Any] = {
            "mode": mode.value if mode else None,
            "lengths": lengths,
            "sign": secret,
            "provenance": _provenance(context, model) if provenance else None,
            "options": options_of_targets(context.params),
        }
        reports = pipeline.package(checkpoint, path, target or pipeline.DEFAULT_TARGETS, **options)
    except ParityError as error:
        show.reports([error.report], as_json, "package")
        raise
    signed = signature_by(secret, path) if secret else None
    more = {"signed": signed.to_record()} if signed else {}
    show.reports(reports, as_json, "package", path, tables=False, more=more)
    if signed and not as_json:
        typer.echo(f"wrote {signed.path}, signed by {signed.key}")


def options_of_targets(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a command's parameters say of how targets export; only what was said."""
    return {name: given[name] for name in OF_TARGETS if given[name]}


def _provenance(context: typer.Context, model: Path) -> dict[str, Any]:
    from ..verification.provenance import commit_of

    return {**commit_of(model.resolve().parent), "command": command_again(context)}
