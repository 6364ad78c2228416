"""From a model to files that were verified: one artifact, or a bundle of several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .. import targets
from ..bundle import Artifact, Bundle, Mode, make_bundle
from ..chains import Checkpoint
from ..errors import InputError, ParityError
from ..files import check_output, replacing, replacing_folder
from ..model import Model
from ..model.runner import takes_lengths
from ..parity import ParityReport, unequal_lengths
from .artifact import ArtifactFile
from .judge import judge
from .opened_file import own_artifact
from .subject import Subject


def artifact_path(checkpoint: Checkpoint, target: str, path: Path | str | None = None) -> Path:
    """`path`, or the checkpoint's own path with the target's suffix.

    Raises:
        InputError: it cannot be written, or it is the checkpoint itself.
    """
    module = targets.get(target)
    if path is None:
        source = checkpoint.source or Path("model")
        path = source.with_name(source.stem + module.suffix)
    path = Path(path)
    check_output(path, checkpoint.source, folder=isinstance(module, targets.WritesFolder))
    return path


def write_verified(subject: Subject, target: str, path: Path, **options: Any) -> ParityReport:
    """Export to `path` and judge what was written; only what passed takes the name.

    Raises:
        ParityError: it failed, and nothing was written.
    """
    module = targets.get(target)
    if isinstance(module, targets.WritesFolder):
        place = replacing_folder(path, module.is_export)
    else:
        place = replacing(path)
    with place as partial:
        return _produce(subject, target, partial, options)[1]


def bundle_of(
    subject: Subject,
    target_names: Sequence[str],
    mode: Mode | None,
    options: Mapping[str, Any],
    provenance: Mapping[str, Any] | None,
) -> tuple[Bundle, tuple[ParityReport, ...]]:
    """Export to every target, each with those of the options that it knows, and put together what
    passed.

    Raises:
        ParityError: an artifact failed.
        InputError: this mode is none of this model, no target knows an option, or an artifact of
            floats rounded its weights.
    """
    _check_mode(mode, subject.model)
    names = tuple(dict.fromkeys(target_names))
    _check_options(options, names)
    reports = []
    artifacts = []
    with TemporaryDirectory() as folder:
        for name in names:
            module = targets.get(name)
            suffix = module.suffix
            own = {key: options[key] for key in options if targets.takes_option(module, key)}
            made, report = _produce(subject, name, Path(folder) / f"{name}{suffix}", own)
            if not report.must_equal:  # what must has a definition of its own
                _check_holds_weights(made, subject.model)
            reports.append(report)
            artifacts.append(Artifact(name, suffix, made.data or b"", report.to_record()))
    golden = subject.golden
    if options.get("lengths"):
        golden = (*golden, unequal_lengths(subject.model))
    facts = subject.checkpoint.facts
    bundle = make_bundle(subject.model, golden, artifacts, facts, mode, provenance)
    return bundle, tuple(reports)


def _check_options(options: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuse an option that would do nothing."""
    modules = {name: targets.get(name) for name in targets.names()}
    for option in options:
        knowing = [name for name in modules if targets.takes_option(modules[name], option)]
        if not set(knowing) & set(names):
            raise InputError(
                f"none of {', '.join(names)} takes {option.replace('_', '-')}; "
                f"add the target {' or '.join(knowing)}"
            )


def _produce(
    subject: Subject, target: str, path: Path, options: dict[str, Any]
) -> tuple[ArtifactFile, ParityReport]:
    """Export to `path` and judge what was written.

    Raises:
        ParityError: it failed; the caller removes the file.
    """
    module = targets.get(target)
    targets.export_on(module, subject.model, path, subject.checkpoint.windows, options)
    artifact = own_artifact(target, path)
    report = judge(subject, artifact)
    if not report.ok:
        raise ParityError(f"{report.summary()}; nothing was written", report)
    if options.get("lengths") and not takes_lengths(artifact.runner()):
        raise ParityError(
            f"the artifact of {target} was to take lengths, and does not; nothing was written",
            report,
        )
    return artifact, report


def _check_holds_weights(made: ArtifactFile, model: Model) -> None:
    """A device judges a bundle by the weights that it holds, which rounded ones are not."""
    if targets.held(made.module, model, made.data or b"") is not model:
        raise InputError(
            f"a bundle holds the model's float32 weights, by which a device judges {made.target}, "
            "and --weights rounded them; add --arithmetic integer, or export by itself: "
            f"lstm-export {made.target} MODEL --weights ..."
        )


def _check_mode(mode: Mode | None, model: Model) -> None:
    for stage in model.recurrent:
        if mode == "state" and stage.bidirectional:
            raise InputError(
                f"mode state: {stage.name} is bidirectional, and reads a sequence from its end "
                "too, which a stream does not have; package it with mode window"
            )
