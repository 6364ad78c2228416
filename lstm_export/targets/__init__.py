"""One module a target: how a model is written in a format, loaded from it and read back.

A target is a module in this folder that meets `target.Target`; its name is its file name, with `_`
as `-`. Nothing else registers it: the command line, verification, bundles, tests, benchmarks and
the README's table find the file.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from ..errors import InputError
from .target import (
    ArtifactRunner,
    CanBreak,
    CanLower,
    CanRead,
    Definition,
    DiffersFrom,
    EditedArtifact,
    HasConditions,
    HasDefinition,
    HasForms,
    HasNote,
    HasNotesOnModel,
    HasOptions,
    HasProbes,
    MakesRunner,
    MayBeUnavailable,
    MayNotExport,
    RoundsWeights,
    RunsCode,
    TakesWindows,
    Target,
    WritesFolder,
)

if TYPE_CHECKING:  # the command line lists targets, and must not wait for numpy to do so
    from ..model import Array, Model

__all__ = [
    "ArtifactRunner",
    "CanBreak",
    "CanLower",
    "CanRead",
    "Definition",
    "DiffersFrom",
    "EditedArtifact",
    "HasConditions",
    "HasDefinition",
    "HasForms",
    "HasNote",
    "HasNotesOnModel",
    "HasOptions",
    "HasProbes",
    "MakesRunner",
    "MayBeUnavailable",
    "MayNotExport",
    "Option",
    "RoundsWeights",
    "RunsCode",
    "TakesWindows",
    "Target",
    "WritesFolder",
    "definition",
    "export_on",
    "get",
    "held",
    "lowered",
    "names",
    "notes_on",
    "options",
    "takes_option",
    "unavailable",
]

_NO_TARGET = "target"  # the one file of this folder that is none


class Option(NamedTuple):
    """An option of an export, and what its docstring says of it."""

    name: str
    default: Any
    what: str | None


@cache
def names() -> tuple[str, ...]:
    """The known targets in alphabetical order."""
    files = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name.replace("_", "-") for name in files if name != _NO_TARGET))


def get(name: str) -> Target:
    """The module of one target.

    Raises:
        InputError: there is no such target; the message lists the known ones.
    """
    if name not in names():
        raise InputError(f"unknown target {name!r}; known targets: {', '.join(names())}")
    return cast(Target, importlib.import_module(f"{__name__}.{name.replace('-', '_')}"))


def lowered(target: Target, model: Model) -> tuple[Model, tuple[str, ...]]:
    """The chain as the target's format holds it, and what a user should know of the difference."""
    if not isinstance(target, CanLower):
        return model, ()
    chain, notes = target.lowered(model)
    return chain, tuple(notes)


def notes_on(target: Target, model: Model, windows: Array | None) -> tuple[str, ...]:
    """What a user of the target should know, always and of this model and its real windows."""
    always = (target.note,) if isinstance(target, HasNote) else ()
    of_model = target.notes_on(model, windows) if isinstance(target, HasNotesOnModel) else ()
    return (*always, *of_model)


def held(target: Target, model: Model, data: bytes) -> Model:
    """The model with its weights as the artifact has them."""
    if not isinstance(target, RoundsWeights):
        return model
    return target.held(model, data)


def export_on(
    target: Target, model: Model, path: Path, windows: Array | None, options: Mapping[str, Any]
) -> None:
    """Write an artifact; targets that can choose numbers on real inputs get them."""
    if isinstance(target, TakesWindows):
        target.export_on(model, path, windows, **options)
    else:
        target.export(model, path, **options)


def definition(target: Target, model: Model, data: bytes) -> Definition | None:
    """What an artifact has to compute bit for bit; None where the float model judges it."""
    if not isinstance(target, HasDefinition):
        return None
    return target.definition(model, data)


def unavailable(target: Target) -> str:
    """What is missing here to run this target's artifacts, beside a package; empty where nothing
    is."""
    if not isinstance(target, MayBeUnavailable):
        return ""
    return target.unavailable()


def options(target: Target) -> tuple[Option, ...]:
    """The options of the target's `export`: keyword-only parameters, of it or of its record."""
    described = target.Options if isinstance(target, HasOptions) else target.export
    told = _told(described)
    found = []
    for name, parameter in inspect.signature(described).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY:
            found.append(Option(name, parameter.default, told.get(name)))
    return tuple(found)


def takes_option(target: Target, name: str) -> bool:
    """Whether the target's `export` has this option."""
    return any(option.name == name for option in options(target))


def _told(described: Callable[..., Any]) -> dict[str, str]:
    """What docstrings say of each argument, which may go on over more lines, as a sentence."""
    bases = reversed(described.__mro__) if isinstance(described, type) else [described]
    text = "\n".join(inspect.getdoc(base) or "" for base in bases)
    sentences = {}
    for name, lines in re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)$", text, re.MULTILINE):
        sentence = " ".join(lines.split())
        sentences[name] = sentence[0].upper() + sentence[1:]
    return sentences
