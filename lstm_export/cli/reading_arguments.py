"""What is written on the command line about MODEL, as the library takes it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeAlias

import typer

from ..errors import InputError
from .options.model_reading import OPTIONS

if TYPE_CHECKING:
    from ..chains import ReadingOptions

    Reading: TypeAlias = ReadingOptions
else:
    Reading = Any  # its module needs numpy, for which --help must not wait


def reads_model(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options, and it their values as its parameter `reading`."""

    signature = inspect.signature(command, eval_str=True)
    own = [parameter for name, parameter in signature.parameters.items() if name != "reading"]

    def wrapped(**values: Any) -> None:
        left = {name: value for name, value in values.items() if name in signature.parameters}
        command(**left, reading=reading_of(values))

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    added = [
        inspect.Parameter(
            name, kind, default=False if name == "trust" else None, annotation=annotation
        )
        for name, annotation in OPTIONS.items()
        if name not in signature.parameters  # the command says itself what it means
    ]
    parameters = [*own, *added]
    wrapped.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapped.__doc__ = command.__doc__
    wrapped.__name__ = command.__name__
    wrapped.__annotations__ = {}
    return wrapped


def said_of_reading(reading: ReadingOptions) -> list[str]:
    """The options about MODEL that were given, `--trust` aside, which may be said of an
    artifact."""
    said = []
    for option in fields(reading):
        value = getattr(reading, option.name)
        if option.name != "trust" and value:
            said.append(f"--{option.name.replace('_', '-')}")
    return said


def reading_of(values: Mapping[str, Any]) -> ReadingOptions:
    """What the values of a command's parameters say of how its model is read."""
    from ..chains import ReadingOptions

    chosen = {name: values[name] for name in OPTIONS}
    readout = chosen["readout"]
    given = {
        **chosen,
        "readout": readout.value if readout else None,
        "kwargs": _kwargs(chosen["kwargs"]),
        "features": _names(chosen["features"]),
        "outputs": _names(chosen["outputs"]),
        "units": _units(chosen["units"]),
    }
    try:
        return ReadingOptions(**given)
    except InputError as error:
        raise typer.BadParameter(str(error)) from error


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",")) if text else ()


def _units(text: str | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in _names(text):
        name, equals, unit = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"--units has {pair!r}, expected COLUMN=UNIT")
        found[name.strip()] = unit.strip()
    return found


def _kwargs(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError as error:
        raise typer.BadParameter(f"--kwargs is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise typer.BadParameter('--kwargs is no JSON object, such as {"input_size": 10}')
    return found
