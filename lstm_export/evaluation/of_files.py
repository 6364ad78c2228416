"""What the files that a user names hold: the model, how it was trained, and runners beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..bundle import holds_bundle
from ..chains import Checkpoint
from ..errors import InputError
from ..model import Runner
from ..verification.artifact import ArtifactFile
from ..verification.opened_file import OpenedFile, open_file
from ..verification.permission import Permission
from ..verification.subject import read


@dataclass(frozen=True, eq=False)
class Judged:
    """A model with the artifacts that are judged beside it.

    Attributes:
        checkpoint: the model and what is known of it.
        runners: of its artifacts, by what they are called.
        notes: why others are not judged, a sentence each.
    """

    checkpoint: Checkpoint
    runners: dict[str, Runner]
    notes: tuple[str, ...]


def open_judged(source: Path, artifacts: Sequence[Path], *, trust: bool = False) -> Judged:
    """Read a model or a bundle, and open the artifacts in it and beside it.

    Args:
        source: a checkpoint, or a bundle, whose artifacts are judged too.
        artifacts: what else was exported from the model.
        trust: run code that is in a bundle, see `verification.permission`.

    Raises:
        InputError: a file is of no known format, or holds answers of another shape.
        LstmExportError: it is damaged, or what was named does not run here.
    """
    checkpoint = read(source)
    runners: dict[str, Runner] = {}
    notes = []
    if holds_bundle(source):
        opened = open_file(source, Permission(trust))
        for name, artifact in opened.artifacts.items():
            why_not = artifact.why_not_run()
            if why_not:
                notes.append(f"{name} is not judged: {why_not}")
            else:
                runners[name] = artifact.runner()
    for path in artifacts:
        artifact = _lone(open_file(path, Permission(trust, names_model=True)))
        runner = artifact.runner()
        _check_alike(checkpoint, path, runner.signature)
        runners[_free_name(artifact.target, path, runners)] = runner
    return Judged(checkpoint, runners, tuple(notes))


def _lone(opened: OpenedFile) -> ArtifactFile:
    if opened.bundle is not None:
        raise InputError(
            f"{opened.path} is a bundle, expected one artifact; give the bundle in place of MODEL"
        )
    return opened.artifact


def _check_alike(checkpoint: Checkpoint, path: Path, signature: Any) -> None:
    expected = checkpoint.model.signature
    sizes = (signature.input_size, signature.output_size)
    if sizes != (expected.input_size, expected.output_size):
        raise InputError(
            f"{path} maps {sizes[0]} inputs to {sizes[1]} outputs, the model "
            f"{expected.input_size} to {expected.output_size}; name artifacts of this model"
        )


def _free_name(target: str, path: Path, taken: dict[str, Runner]) -> str:
    """The target's name, or the path's where another artifact of the target was named."""
    return path.name if target in taken else target
