"""One command a target: the module's docstring is its help, keywords of `export` its options."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import targets
from ..errors import ParityError
from . import show
from .model_options import Reading, reads_model


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
    parameters = [*_common(target.suffix), *_own(target.export)]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return reads_model(command)


def _common(suffix: str) -> list[inspect.Parameter]:
    output_help = f"Where the artifact goes; by default beside MODEL, ending in {suffix}."
    return [
        _parameter("model", show.Model),
        _parameter("reading", Reading),
        _parameter(
            "output", Annotated[Path | None, typer.Option("-o", "--output", help=output_help)], None
        ),
        _parameter("as_json", show.AsJson, False),
    ]


def _own(export: Callable[..., None]) -> list[inspect.Parameter]:
    """The keyword-only parameters of a target's export, with their help from its docstring."""
    described = _described(inspect.getdoc(export) or "")
    keywords = [
        p for p in inspect.signature(export).parameters.values() if p.kind is p.KEYWORD_ONLY
    ]
    return [
        _parameter(
            p.name, Annotated[type(p.default), typer.Option(help=described.get(p.name))], p.default
        )
        for p in keywords
    ]


def _described(docstring: str) -> dict[str, str]:
    """What a docstring says of each argument, which may go on over more lines, as a sentence."""
    found = re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)$", docstring, re.MULTILINE)
    sentences = {name: " ".join(text.split()) for name, text in found}
    return {name: text[0].upper() + text[1:] for name, text in sentences.items()}


def _parameter(
    name: str, annotation: Any, default: Any = inspect.Parameter.empty
) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=annotation
    )
