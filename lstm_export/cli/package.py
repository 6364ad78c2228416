"""lstm-export package."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from ..errors import ParityError
from . import show
from .again import command_again
from .options import bundling, shared
from .reading_arguments import Reading, reads_model

# Parameters that targets are handed.
OF_TARGETS = ("arithmetic", "weights", "calibrate", "input_format", "max_error")


@reads_model
def package(  # noqa: PLR0913, PLR0917 - the options of a command
    context: typer.Context,
    model: shared.Model,
    reading: Reading,
    target: bundling.Targets = None,
    output: bundling.Output = None,
    mode: bundling.Mode = None,
    lengths: bundling.Lengths = False,
    arithmetic: bundling.Arithmetic = "",
    weights: bundling.Weights = "",
    calibrate: bundling.Calibrate = "",
    input_format: bundling.InputFormat = "",
    max_error: bundling.MaxError = "",
    sign: bundling.Sign = None,
    provenance: bundling.Provenance = False,
    as_json: shared.AsJson = False,
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


def options_of_targets(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that the targets' exports take, without those that were not given."""
    return {name: parameters[name] for name in OF_TARGETS if parameters[name]}


def _provenance(context: typer.Context, model: Path) -> dict[str, Any]:
    from ..verification.provenance import commit_of

    return {**commit_of(model.resolve().parent), "command": command_again(context)}
