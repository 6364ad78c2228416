"""The options of every command that takes MODEL: how the file is read and understood."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from ..errors import InputError

if TYPE_CHECKING:
    from ..chains import ReadingOptions

    Reading: TypeAlias = ReadingOptions
else:
    Reading = Any  # its module needs numpy, for which --help must not wait

# `chains.outline.Readout`, repeated here for the same reason; a test compares the two.
Readout = Enum("Readout", {"last": "last", "hidden": "hidden", "all": "all"}, type=str)


def _option(*names: str, text: str, **more: Any) -> Any:
    return typer.Option(*names, help=text, **more)


OPTIONS: dict[str, Any] = {
    "key": Annotated[
        str | None,
        _option(
            "--key",
            text="Which state_dict to read, where the file holds several.",
            metavar="NAME",
        ),
    ],
    "forward": Annotated[
        str | None,
        _option(
            "--forward",
            text='The forward as a chain, such as "lstm, last, relu, fc", or as a formula; '
            "inspect shows it.",
            metavar="CHAIN",
        ),
    ],
    "readout": Annotated[
        Readout | None,
        _option("--readout", text="Which step the head reads, where the file does not say."),
    ],
    "batch_first": Annotated[
        bool | None,
        _option(
            "--batch-first/--no-batch-first",
            text="Layout of x in your module and in recorded answers; by default both are tried.",
        ),
    ],
    "module": Annotated[
        str | None,
        _option(
            "--module",
            metavar="PKG.MOD:CLASS",
            text="Your class, to prove the chain against. Importing it runs its code.",
        ),
    ],
    "kwargs": Annotated[
        str | None,
        _option("--kwargs", metavar="JSON", text="Arguments of the class, as a JSON object."),
    ],
    "trust": Annotated[
        bool,
        _option(
            "--trust",
            text="Run the code in the files that you name (C, TorchScript).",
        ),
    ],
    "reference": Annotated[
        Path | None,
        _option("--reference", metavar="NPZ", text="Recorded x and y, to prove the chain against."),
    ],
    "input_scaler": Annotated[
        str | None,
        _option(
            "--input-scaler",
            metavar="NAME",
            text="A fitted scaler to apply to the inputs: its name in the file (inspect lists "
            "them), or a file of its own, scaler.joblib or scalers.pkl:NAME.",
        ),
    ],
    "output_scaler": Annotated[
        str | None,
        _option(
            "--output-scaler",
            metavar="NAME",
            text="A fitted scaler to undo on the outputs, given in the same way.",
        ),
    ],
    "features": Annotated[
        str | None,
        _option(
            "--features", metavar="COL[,COL]", text="Names of the columns of x, in their order."
        ),
    ],
    "outputs": Annotated[
        str | None,
        _option(
            "--outputs", metavar="COL[,COL]", text="Names of the columns of y, in their order."
        ),
    ],
    "units": Annotated[
        str | None,
        _option("--units", metavar="COL=UNIT[,...]", text="Units of columns, such as flow=l/min."),
    ],
    "window": Annotated[
        int | None,
        _option("--window", min=1, text="Steps of the windows that the model was trained on."),
    ],
    "data": Annotated[
        Path | None,
        _option(
            "--data",
            metavar="FILE",
            text="Real inputs, a table or a .npz, to prove the chain and every artifact on.",
        ),
    ],
}


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
