"""One module a target: how a model is written in a format, loaded from it and read back.

A target is a module in this folder that meets `Target`; its name is its file name, with `_` as `-`. Nothing else
registers it: the command line, the parity tests, the table in the README and the bundle find the file.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from ..errors import InputError
from ..files import unreadable

if TYPE_CHECKING:  # the command line lists targets, and must not wait for numpy to do so
    from ..model import Array, Model, Signature


class ArtifactRunner(Protocol):
    """A Runner that knows the interface of the artifact behind it."""

    @property
    def signature(self) -> Signature:
        """Sizes, and where the artifact tells them, names, units, ranges and window."""

    def __call__(self, x: Array) -> Array:
        """Map float32 `x (batch, seq, input_size)` to `y`."""


class Target(Protocol):
    """What a module of this folder provides. Its docstring's first line is the help text of its command.

    A target whose format holds a model exactly also has `read(path) -> Model`, with the law
    `read(export(model)) == lowered(model)`, bit for bit. Where the format lacks a stage, the target has
    `lowered(model)`: the same model without that stage, and sentences that say so; elsewhere it is the model itself.

    Where an option of `export` rounds the weights, the target has `held(model, artifact) -> Model`: the model with the
    weights as that artifact has them, which is what the artifact has to compute. `from_model(model) -> ArtifactRunner`
    makes a runner without an artifact; what a bundle holds of such a target is never opened. `unavailable() -> str`:
    what is missing here to run it, beside a package. `is_export(path) -> bool`: its artifacts are folders, and whether
    one holds such an artifact and nothing else.

    For verification a target may also have `conditions(source) -> Iterator[(name, Runner)]`, the artifact as its
    runtime computes it under other settings; it is then asked row by row, in large batches, repeatedly and from several
    threads too. `probes(source) -> Iterator[Runner]` gives the outputs of its recurrent layers in order,
    `(batch, seq, directions * size)`, and `broken(data, kind) -> bytes | None` the artifact with one of the bugs of
    `parity.catalogue` that a changed model cannot express.

    Attributes:
        suffix: ending of its artifacts, put behind the model's name without its own.
        extra: the extra of this package that brings what `export` needs.
        needs: the package that `load` needs beside numpy; empty for none.
    """

    suffix: str
    extra: str
    needs: str
    __doc__: str

    def export(self, model: Model, path: Path, **options: Any) -> None:
        """Write the artifact; keyword-only parameters become options of the command.

        Raises:
            UnsupportedModel: a stage cannot be expressed; the message names target and stage.
        """

    def load(self, source: Path | bytes, providers: tuple[str, ...] = ()) -> ArtifactRunner:
        """Open an artifact, from a path or from its bytes."""

    def recognises(self, data: bytes) -> bool:
        """Whether the bytes are an artifact of this format."""


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


def lowered(target: Target, model: Model) -> tuple[Model, tuple[str, ...]]:
    """The chain as the target's format holds it, and what a user should know of the difference."""
    if not hasattr(target, "lowered"):
        return model, ()
    chain, notes = target.lowered(model)
    return chain, tuple(notes)


def held(target: Target, model: Model, artifact: Path | bytes) -> Model:
    """The model with its weights as the artifact has them."""
    return cast("Model", target.held(model, artifact)) if hasattr(target, "held") else model


def missing(target: Target) -> str:
    """Why this target's artifacts cannot be run here; empty where they can."""
    if hasattr(target, "unavailable") and (reason := str(target.unavailable())):
        return reason
    return ""


def folder_check(target: Target) -> Callable[[Path], bool] | None:
    """Where the target's artifacts are folders: whether one holds an earlier artifact and nothing else."""
    return getattr(target, "is_export", None)


def data_of(path: Path) -> bytes:
    """The bytes that an artifact is known by: the file's; of a folder, the first that a target recognises.

    Raises:
        InputError: it cannot be read, or the folder holds no such file.
    """
    try:
        if not path.is_dir():
            return path.read_bytes()
        for file in sorted(path.iterdir()):
            if file.is_file() and of_artifact(data := file.read_bytes()):
                return data
    except OSError as error:
        raise unreadable(path, error, "a bundle or an exported artifact") from error
    raise InputError(
        f"{path} is a folder that holds no artifact of {', '.join(names())}; name one that lstm-export wrote"
    )


def of_artifact(data: bytes) -> str | None:
    """The name of the target whose format these bytes are in, whatever the file was called."""
    return next((name for name in names() if get(name).recognises(data)), None)
