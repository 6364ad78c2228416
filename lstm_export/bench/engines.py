"""Every engine that the given files hold and that runs here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import targets
from ..bundle import is_bundle, open_bundle
from ..errors import InputError, LstmExportError, naming
from ..model import Array, Model, Runner, Signature
from ..verification.artifact import bundle_runner, not_run
from ..verification.artifact import engines as runnable
from ..verification.subject import target_of


class Stepper:
    """An engine that keeps its state from step to step, in memory that is made once where it can do that."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner
        self._bound = runner.bind(1) if hasattr(runner, "bind") else None
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
        name: unique among those that run against each other: the target's name, with the file's where two share it.
        path: the bundle or artifact.
        target: the target's name.
        size_bytes: of the artifact; of generated C that of the compiled library.
        model: what it has to compute, where that is known.
    """

    name: str
    path: Path
    target: str
    size_bytes: int | None
    runner: Runner
    signature: Signature
    model: Model | None
    stepper: Stepper | None = None

    @property
    def needs(self) -> str:
        """The package that it runs in, beside numpy."""
        return targets.get(self.target).needs


def open_engines(paths: Sequence[Path], chosen: Sequence[str] = ()) -> tuple[tuple[Engine, ...], tuple[str, ...]]:
    """The engines, those of `chosen` targets where any are named, and a note on each that does not run here.

    Raises:
        InputError: a file is of no known format, or nothing is left to run.
        BundleError: a bundle is damaged or unsafe.
    """
    engines: list[Engine] = []
    notes: list[str] = []
    for path in paths:
        data = targets.data_of(path)
        with naming(path):
            opened = list(_of_bundle(path, data, chosen) if is_bundle(data) else _of_artifact(path, data, chosen))
        engines += (one for one in opened if isinstance(one, Engine))
        notes += (one for one in opened if isinstance(one, str))
    if not engines:
        wanted = f" for the engine {' or '.join(chosen)}" if chosen else ""
        raise InputError(f"nothing to run{wanted} in {', '.join(map(str, paths))}{''.join(f'; {n}' for n in notes)}")
    return _named(engines), tuple(notes)


def _of_bundle(path: Path, data: bytes, chosen: Sequence[str]) -> Iterator[Engine | str]:
    bundle = open_bundle(data)
    for name in (name for name in runnable(bundle) if name in chosen or not chosen):
        reason = not_run(name, trusted=False)
        if reason:
            yield f"{name} of {path.name} is not run here: {reason}"
        else:
            artifact = bundle.artifacts.get(name)
            yield _engine(path, name, artifact, bundle_runner(bundle, name), bundle.model)


def _of_artifact(path: Path, data: bytes, chosen: Sequence[str]) -> Iterator[Engine | str]:
    target = target_of(path, data)
    if chosen and target not in chosen:
        return
    module = targets.get(target)
    runner = module.load(data)
    model: Model | None = None
    if hasattr(module, "read"):
        try:
            model = module.read(path)
        except LstmExportError:  # of another tool, or without the package that reads it: judged by the others' answers
            model = None
    yield _engine(path, target, data, runner, model)


def _engine(path: Path, target: str, data: bytes | None, runner: Any, model: Model | None) -> Engine:
    size_bytes = getattr(runner, "size_bytes", None if data is None else len(data))
    stepper = Stepper(runner) if hasattr(runner, "advance") else None
    return Engine(target, path, target, size_bytes, runner, runner.signature, model, stepper)


def _named(engines: list[Engine]) -> tuple[Engine, ...]:
    """With the file's name, and a number if need be, wherever two would have the same."""
    names = [engine.name for engine in engines]
    if len(set(names)) < len(names):
        names = [f"{engine.path.name} {engine.name}" for engine in engines]
    names = [f"{name} ({index + 1})" if names.count(name) > 1 else name for index, name in enumerate(names)]
    return tuple(replace(one, name=name) for name, one in zip(names, engines, strict=True))
