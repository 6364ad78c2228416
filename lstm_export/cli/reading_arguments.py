"""The options about MODEL on the command line, as the library takes them."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
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
        own_values = {name: values[name] for name in values if name in signature.parameters}
        command(**own_values, reading=reading_of(values))

    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [*own]
    for name, annotation in OPTIONS.items():
        if name in signature.parameters:
            continue  # the command says itself what it means
        default = False if name == "trust" else None
        parameter = inspect.Parameter(name, kind, default=default, annotation=annotation)
        parameters.append(parameter)
    wrapped.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapped.__doc__ = command.__doc__
    wrapped.__name__ = command.__name__
    wrapped.__annotations__ = {}
    return wrapped


def given_options(reading: ReadingOptions) -> list[str]:
    """The options about MODEL that were given, `--trust` aside, which may be said of an
    artifact."""
    options = []
    for name, value in vars(reading).items():
        if name != "trust" and value:
            options.append(f"--{name.replace('_', '-')}")
    return options


def reading_of(values: Mapping[str, Any]) -> ReadingOptions:
    """The options of reading a model, out of the values of a command's parameters."""
    from ..chains import ReadingOptions

    options = {name: values[name] for name in OPTIONS}
    readout = options["readout"]
    options["readout"] = readout.value if readout else None
    options["kwargs"] = _kwargs(options["kwargs"])
    options["features"] = _names(options["features"])
    options["outputs"] = _names(options["outputs"])
    options["units"] = _units(options["units"])
    try:
        return ReadingOptions(**options)
    except InputError as error:
        raise typer.BadParameter(str(error)) from error


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",")) if text else ()


def _units(text: str | None) -> dict[str, str]:
    units: dict[str, str] = {}
    for pair in _names(text):
        name, equals, unit = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"--units has {pair!r}, expected COLUMN=UNIT")
        units[name.strip()] = unit.strip()
    return units


def _kwargs(text: str | None) -> dict[str, Any]:
    try:
        kwargs = json.loads(text or "{}")
    except ValueError as error:
        raise typer.BadParameter(f"--kwargs is no JSON: {error}") from error
    if not isinstance(kwargs, dict):
        raise typer.BadParameter('--kwargs is no JSON object, such as {"input_size": 10}')
    return kwargs
