"""One command a target: the module's docstring is its help, the options of `export` are its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import targets
from ..errors import ParityError
from . import show
from .options import shared
from .reading_arguments import Reading, reads_model


def target_command(name: str) -> Callable[..., None]:
    """The function behind `lstm-export NAME MODEL [-o PATH]`."""
    target = targets.get(name)

    def command(
        model: Path, output: Path | None, as_json: bool, reading: Reading, **options: Any
    ) -> None:
        from .. import pipeline
        from ..verification.production import artifact_path
        from ..verification.subject import read

        checkpoint = read(model, reading)
        path = artifact_path(checkpoint, name, output)
        show.warnings_of(checkpoint)
        if not as_json:
            show.chain(checkpoint)
        try:
            report = pipeline.export(checkpoint, name, path, **options)
        except ParityError as error:
            show.reports([error.report], as_json, name)
            raise
        show.reports([report], as_json, name, path)

    command.__doc__ = (target.__doc__ or f"Export to {name}.").splitlines()[0]  # python -OO
    parameters = [*_parameters_of_all(target.suffix), *_parameters_of_target(target)]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return reads_model(command)


def _parameters_of_all(suffix: str) -> list[inspect.Parameter]:
    output_help = f"Where the artifact goes; by default beside MODEL, ending in {suffix}."
    output = Annotated[Path | None, typer.Option("-o", "--output", help=output_help)]
    return [
        _parameter("model", shared.Model),
        _parameter("reading", Reading),
        _parameter("output", output, None),
        _parameter("as_json", shared.AsJson, False),
    ]


def _parameters_of_target(target: targets.Target) -> list[inspect.Parameter]:
    """The options of a target's export."""
    parameters = []
    for option in targets.options(target):
        annotation: Any = Annotated[type(option.default), typer.Option(help=option.what)]
        parameters.append(_parameter(option.name, annotation, option.default))
    return parameters


def _parameter(
    name: str, annotation: Any, default: Any = inspect.Parameter.empty
) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=annotation
    )
