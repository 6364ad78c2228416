"""One module a target: how a model is written in a format, loaded from it and read back.

A target is a module in this folder that meets `Target`; its name is its file name, with `_` as `-`. Nothing else
registers it: the command line, the parity tests, the table in the README and the bundle find the file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from ..errors import InputError
from ..model import Model, Runner


class Target(Protocol):
    """What a module of this folder provides. Its docstring's first line is the help text of its command.

    Attributes:
        suffix: ending of its artifacts, with the dot.
        extra: the extra of this package that brings what `export` needs.
        needs: the packages that `load` needs on a device, for people.
        export: `export(model, path, **options)` writes the artifact; keyword-only parameters become options of the
            command. Raises UnsupportedModel naming target and stage.
        load: `load(source, **options) -> Runner` from a path or from the artifact's bytes.
        recognises: whether the bytes are an artifact of this format.
    """

    suffix: str
    extra: str
    needs: str
    __name__: str
    __doc__: str
    export: Callable[..., None]
    load: Callable[..., Runner]
    recognises: Callable[[bytes], bool]


class ReadableTarget(Target, Protocol):
    """A target whose format holds the model exactly: `read(export(model)) == model`, bit for bit."""

    read: Callable[[Path], Model]


def names() -> tuple[str, ...]:
    """The known targets in alphabetical order."""
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)))


def get(name: str) -> Target:
    """The module of one target.

    Raises:
        InputError: there is no such target; the message lists the known ones.
    """
    if name not in names():
        raise InputError(f"unknown target {name!r}; known targets: {', '.join(names())}")
    return cast(Target, importlib.import_module(f"{__name__}.{name.replace('-', '_')}"))


def of_artifact(data: bytes) -> str | None:
    """The name of the target whose format these bytes are in, whatever the file was called."""
    return next((name for name in names() if get(name).recognises(data)), None)
