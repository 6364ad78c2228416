"""The verbs of the public API: train, export, verify, package, load. Nothing is called good that was not verified here.

A model is given as the path of a checkpoint, as a live `nn.Module`, or as a `Checkpoint` that was read before.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from functools import partial
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import targets
from .bundle import Artifact, Bundle, Mode, is_bundle, make_bundle, open_bundle, write_bundle
from .chains import Checkpoint, write_checkpoint
from .device import Nonfinite, Session, self_test
from .device.onnx_runner import CHAIN, WEIGHTS_SHA256
from .errors import InputError, naming
from .files import check_output, replacing, replacing_folder
from .model import Model
from .parity import GoldenSet, ParityReport, asked_of, smallest_failing, unequal_lengths
from .verification.artifact import bundle_runner, engines, not_run
from .verification.subject import Source, Subject, check_sizes, compared, read, replayed, target_of

if TYPE_CHECKING:
    from .parity.endless import EndlessReport
    from .training import Epoch, TrainingOptions, TrainingResult

DEFAULT_TARGETS = ("onnx",)
STREAM = "onnx-stream"  # the target whose artifacts carry the state


def train(
    data: Any, output: Path | str, options: TrainingOptions, progress: Callable[[Epoch], None] | None = None
) -> TrainingResult:
    """Train a model on a table and write its checkpoint.

    Args:
        data: path of a CSV or Parquet file, a `Table`, or a mapping of columns.
        output: the checkpoint to write, such as `model.pt`.
        options: what to predict from what, and how to train.
        progress: called once an epoch.

    Raises:
        InputError: the data or the options cannot be used, or the output cannot be written.
    """
    from .training import fit

    output = Path(output)
    check_output(output, Path(data) if isinstance(data, Path | str) else None)
    result = fit(data, options, progress)
    write_checkpoint(output, Checkpoint(result.model, result.windows, result.to_record()))
    return result


def export(model: Source, target: str, path: Path | str | None = None, **options: Any) -> ParityReport:
    """Export to one target and verify the artifact; it is left behind only if it passed.

    Args:
        model: checkpoint or module.
        target: one of `targets.names()`.
        path: where the artifact goes; by default beside the checkpoint, with the target's suffix.
        options: the target's own, such as `opset`.

    Raises:
        ParityError: the artifact does not compute what the model does; `error.report` shows where.
    """
    subject = Subject.of(model)
    output = artifact_path(subject.checkpoint, target, path)
    check_artifact_output(target, output, subject.checkpoint)
    is_ours = targets.folder_check(targets.get(target))
    with replacing_folder(output, is_ours) if is_ours else replacing(output) as partial:
        return subject.produce(target, partial, **options)


def check_artifact_output(target: str, path: Path, checkpoint: Checkpoint) -> None:
    """Refuse an artifact's path before any work is done for it.

    Raises:
        InputError: it cannot be written, or it is the checkpoint itself.
    """
    check_output(path, checkpoint.source, folder=bool(targets.folder_check(targets.get(target))))


def artifact_path(checkpoint: Checkpoint, target: str, path: Path | str | None = None) -> Path:
    """`path`, or the checkpoint's own path with the target's suffix."""
    if path is not None:
        return Path(path)
    source = checkpoint.source or Path("model")
    return source.with_name(source.stem + targets.get(target).suffix)


def verify(
    artifact: Path | str, model: Source | Subject | None = None, replay: Path | None = None
) -> tuple[ParityReport, ...]:
    """Judge an artifact against its model, or every artifact of a bundle against the answers that it carries.

    An artifact of a bundle whose runtime is not installed here gets a report without sets, which is never `ok`.

    Args:
        artifact: the artifact, or a bundle.
        model: what it has to compute; a bundle carries its own.
        replay: judge on the one golden set of this file alone, as `verify --failing` writes it.

    Raises:
        InputError: a file is of no known format, or it is no bundle and no model was given.
        BundleError: the artifact or the bundle is damaged or unsafe.
    """
    artifact = Path(artifact)
    bundle, target = _opened(artifact)
    if model is not None:
        subject = Subject.of(model).replaying(replay) if replay else Subject.of(model)
        with naming(artifact):
            if bundle:
                check_sizes(artifact, bundle.model.signature, subject.checkpoint.model)
            return _beside_its_model(bundle, subject) if bundle else (subject.judge(target, artifact),)
    if bundle is None:
        raise InputError(f"{artifact} is an artifact of {target}; name its model: lstm-export verify {artifact} MODEL")
    if replay:
        bundle = dataclasses.replace(bundle, golden=(replayed(replay, bundle.model),))
    with naming(artifact):
        return _by_itself(bundle)


def _opened(artifact: Path) -> tuple[Bundle | None, str]:
    """The bundle, or the target whose artifact it is."""
    data = targets.data_of(artifact)
    if not is_bundle(data):
        return None, target_of(artifact, data)
    with naming(artifact):
        return open_bundle(data), ""


def smallest_failure(artifact: Path, subject: Subject | None = None) -> GoldenSet | None:
    """The smallest input on which an artifact, or the first of a bundle's that does, fails; None where none is seen.

    Raises:
        InputError: it is no bundle, and there is no subject.
    """
    bundle, target = _opened(artifact)
    if bundle is None:
        if subject is None:
            raise InputError(f"{artifact} is an artifact of {target}; name its model")
        return subject.smallest_failure(artifact)
    model = subject.checkpoint.model if subject else bundle.model
    for name in bundle.artifacts:
        if not_run(name, trusted=subject is not None):
            continue
        runner = bundle_runner(bundle, name)
        golden = subject.golden_for(runner) if subject else asked_of(runner, bundle.golden)
        if one := smallest_failing(runner, model, golden):
            return one
    return None


def _by_itself(bundle: Bundle) -> tuple[ParityReport, ...]:
    """A bundle's artifacts, judged by the answers that it carries."""
    return tuple(
        _not_run(name, reason)
        if (reason := not_run(name, trusted=False))
        else self_test(bundle, bundle_runner(bundle, name), subject=name)
        for name in bundle.artifacts
    )


def _beside_its_model(bundle: Bundle, subject: Subject) -> tuple[ParityReport, ...]:
    """A bundle's artifacts, judged as artifacts of the model that it was made from."""
    structure = compared(subject.checkpoint.model, bundle.model) or "as packaged"
    reports = []
    for name, artifact in bundle.artifacts.items():
        if reason := not_run(name, trusted=True):
            reports.append(_not_run(name, reason))
        else:
            source = None if hasattr(targets.get(name), "from_model") else artifact
            reports.append(subject.check(name, bundle_runner(bundle, name), structure, source=source))
    return tuple(reports)


def _not_run(name: str, reason: str) -> ParityReport:
    return ParityReport(name, "not checked", (), (f"not run here: {reason}",))


def endless(
    artifact: Path | str, model: Source | Subject | None = None, data: Path | str | None = None
) -> EndlessReport:
    """What it changes to run a model as one endless stream instead of on the windows that it was trained on.

    Args:
        artifact: a bundle, or any artifact if `model` is given.
        model: the model; of a bundle by default its own.
        data: a table; by default the real windows that the checkpoint or the bundle keeps.

    Raises:
        InputError: the chain cannot be streamed, or there is neither a table nor a stored window.
    """
    from .parity import endless as measured

    data_of = targets.data_of(Path(artifact))
    if model is not None:
        checkpoint = Subject.of(model).checkpoint if isinstance(model, Subject) else read(model)
        found, windows, facts = checkpoint.model, checkpoint.windows, checkpoint.facts
    elif is_bundle(data_of):
        with naming(artifact):
            bundle = open_bundle(data_of)
        real = [one.x for one in bundle.golden if one.name == "real windows"]
        found, windows, facts = bundle.model, real[0] if real else None, bundle.manifest.get("training", {})
    else:
        raise InputError(f"{artifact} is an artifact; name its model to measure it as a stream")
    metrics = facts.get("metrics", ())
    if data is not None:
        return measured.on_data(found, Path(data), metrics)
    if windows is None:
        raise InputError("no real windows are stored with this model; name a table with --data")
    return measured.on_windows(found, windows, metrics)


def package(
    model: Source,
    path: Path | str,
    target_names: Sequence[str] = DEFAULT_TARGETS,
    *,
    mode: Mode | None = None,
    lengths: bool = False,
) -> tuple[ParityReport, ...]:
    """Export to every target, verify every artifact, and write the bundle only if all passed.

    Args:
        model: checkpoint or module.
        path: the bundle to write.
        target_names: what to export to.
        mode: whether the model is meant to be run on windows or as a stream that keeps its state; by default on
            windows where it stores their size.
        lengths: artifacts of targets that can do so also take the lengths of a padded batch.

    Raises:
        ParityError: an artifact failed; nothing is written.
        InputError: this mode is none of this model, or no target can take lengths.
    """
    from tempfile import TemporaryDirectory

    subject, output, target_names = Subject.of(model), Path(path), tuple(dict.fromkeys(target_names))
    check_output(output, subject.checkpoint.source)
    _check_mode(mode, subject.checkpoint.model)
    padding = [name for name in target_names if lengths and "lengths" in signature(targets.get(name).export).parameters]
    if lengths and not padding:
        raise InputError(f"none of {', '.join(target_names)} can take lengths; add the target onnx")
    reports, artifacts = [], []
    with TemporaryDirectory() as folder:
        for name in target_names:
            suffix = targets.get(name).suffix
            file = Path(folder) / f"{name}{suffix}"
            report = subject.produce(name, file, **({"lengths": True} if name in padding else {}))
            reports.append(report)
            artifacts.append(Artifact(name, suffix, targets.data_of(file), report.to_record()))
    checkpoint = subject.checkpoint
    golden = (*subject.golden, unequal_lengths(checkpoint.model)) if padding else subject.golden
    write_bundle(output, make_bundle(checkpoint.model, golden, artifacts, checkpoint.facts, mode))
    return tuple(reports)


def _check_mode(mode: Mode | None, model: Model) -> None:
    for stage in model.recurrent:
        if mode == "state" and stage.bidirectional:
            raise InputError(
                f"mode state: {stage.name} is bidirectional, and reads a sequence from its end too, which a stream "
                "does not have; package it with mode window"
            )


def load(
    path: Path | str,
    engine: str = "onnx",
    providers: Sequence[str] = (),
    nonfinite: Nonfinite = "refuse",
) -> Session:
    """Open a bundle or an artifact for inference.

    Args:
        path: the file; what it is, is read from its contents.
        engine: which of a bundle's artifacts to run.
        providers: execution providers of ONNX Runtime in order of preference; CPU by default.
        nonfinite: what happens to rows that hold NaN or infinity: `refuse`, or `propagate` as NaN.

    Raises:
        InputError: the file is of no known format, or the bundle has no such artifact.
        BundleError: the bundle is damaged or unsafe.
    """
    data = targets.data_of(Path(path))
    with naming(path):
        return _session(path, data, engine, tuple(providers), nonfinite)


def _session(path: Path | str, data: bytes, engine: str, chosen: tuple[str, ...], nonfinite: Nonfinite) -> Session:
    if not is_bundle(data):
        runner = targets.get(target_of(path, data)).load(data, chosen)
        return Session(runner, runner.signature, nonfinite=nonfinite)
    bundle = open_bundle(data)
    if engine not in engines(bundle):
        raise InputError(f"{path} holds no artifact for {engine!r}; it runs with {', '.join(engines(bundle))}")
    runner = bundle_runner(bundle, engine, chosen)
    twin = bundle.artifacts.get(STREAM)
    opened = partial(targets.get(STREAM).load, twin, chosen) if twin else None
    said = {CHAIN: json.dumps(bundle.model.chain_record(), sort_keys=True), WEIGHTS_SHA256: bundle.model.weights_sha256}
    return Session(runner, runner.signature, nonfinite=nonfinite, twin=opened, mode=bundle.mode, said=said)
