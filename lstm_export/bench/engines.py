"""Every engine that the given files hold and that runs here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from .. import targets
from ..device.stream_context import CanBind
from ..errors import InputError, LstmExportError, naming
from ..model import Array, Model, Runner, Signature
from ..model.runner import is_stateful
from ..verification.artifact import ArtifactFile
from ..verification.opened_file import open_file
from ..verification.permission import NO_PERMISSION, Permission


@runtime_checkable
class HasSize(Protocol):
    """A runner of something that was made of the artifact, and has a size of its own."""

    size_bytes: int


class Stepper:
    """An engine that keeps its state from step to step, in memory that is made once where it can do
    that."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner
        self._bound = runner.bind(1) if isinstance(runner, CanBind) else None
        self._initial = self._state = runner.initial_state(1)

    def reset(self) -> None:
        """Back to the initial state."""
        self._state = self._initial
        if self._bound:
            for kept, initial in zip(self._bound.state, self._initial, strict=True):
                kept[...] = initial

    def __call__(self, x_t: Array) -> Array:
        """Map one sample `(1, 1, input_size)` to its answer."""
        y: Array
        if self._bound:
            self._bound.x[...] = x_t
            y = self._bound.run()
        else:
            y, self._state = self._runner.advance(x_t, self._state)
        return y


@dataclass(frozen=True, eq=False)
class Engine:
    """One artifact in its runtime.

    Attributes:
        name: unique among those that run against each other: the target's name, with the file's
            where two share it.
        path: the bundle or artifact.
        target: the target's name.
        size_bytes: of the artifact; of generated C that of the compiled library.
        model: what it has to compute, where that is known.
        definition: what it has to compute bit for bit, where it is in whole numbers and its model
            is known.
    """

    name: str
    path: Path
    target: str
    size_bytes: int | None
    runner: Runner
    signature: Signature
    model: Model | None
    stepper: Stepper | None = None
    definition: Runner | None = None

    @property
    def needs(self) -> str:
        """The package that it runs in, beside numpy."""
        return targets.get(self.target).needs


def open_engines(
    paths: Sequence[Path],
    chosen: Sequence[str] = (),
    permission: Permission = NO_PERMISSION,
    key: Path | None = None,
) -> tuple[tuple[Engine, ...], tuple[str, ...]]:
    """The engines, those of `chosen` targets where any are named, and a note on each that does not
    run here. `key` must have signed every file, where one is named.

    Raises:
        SignatureError: it did not.
        InputError: a file is of no known format, or nothing is left to run.
        BundleError: a bundle is damaged or unsafe.
    """
    engines: list[Engine] = []
    notes: list[str] = []
    held: set[str] = set()
    for path in paths:
        opened = open_file(path, permission, key)
        held.update(opened.engines)
        for name, artifact in opened.engines.items():
            if chosen and name not in chosen:
                continue
            reason = artifact.why_not_run()
            if reason and opened.bundle:
                notes.append(f"{name} of {path.name} is not run here: {reason}")
                continue
            with naming(path):
                engines.append(_engine(path, artifact))
    if not engines:
        wanted = f" for the engine {' or '.join(chosen)}" if chosen else ""
        files = ", ".join(map(str, paths))
        if chosen and not held.intersection(chosen):
            notes = [f"choose from {', '.join(sorted(held))}"]
        raise InputError("; ".join([f"nothing to run{wanted} in {files}", *notes]))
    return _named(engines), tuple(notes)


def _engine(path: Path, artifact: ArtifactFile) -> Engine:
    runner = artifact.runner()
    size_bytes = len(artifact.data) if artifact.data is not None else None
    if isinstance(runner, HasSize):
        size_bytes = runner.size_bytes
    stepper = Stepper(runner) if is_stateful(runner) else None
    model = _model_of(artifact)
    return Engine(
        name=artifact.target,
        path=path,
        target=artifact.target,
        size_bytes=size_bytes,
        runner=runner,
        signature=runner.signature,
        model=model,
        stepper=stepper,
        definition=artifact.definition(model) if model else None,
    )


def _model_of(artifact: ArtifactFile) -> Model | None:
    """The bundle's, or what is read back; None where there is none to be had."""
    if artifact.model is not None:
        return artifact.model
    try:
        return artifact.read_back()
    except LstmExportError:  # of another tool, or without the package that reads it
        return None


def _named(engines: list[Engine]) -> tuple[Engine, ...]:
    """With the file's name, and a number if need be, wherever two would have the same."""
    names = [engine.name for engine in engines]
    if len(set(names)) < len(names):
        names = [f"{engine.path.name} {engine.name}" for engine in engines]
    unique = []
    for index, engine in enumerate(engines):
        name = names[index]
        is_shared = names.count(name) > 1
        unique.append(replace(engine, name=f"{name} ({index + 1})" if is_shared else name))
    return tuple(unique)
