"""The verbs of the public API: train, export, verify, package, load.

Nothing is called good that was not verified. A model is a path, a live module or a `Checkpoint`;
`reading` are the keywords of `ReadingOptions`: `input_scaler`, `features`, `units` and others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .bundle import Mode, write_bundle
from .chains import Checkpoint, ReadingOptions, write_checkpoint
from .device import Nonfinite, Session
from .files import check_output
from .parity import ParityReport
from .signing import SecretKey, key_file, secret_key_for, sign_data
from .verification.judge import judge_file
from .verification.opened_file import open_file
from .verification.permission import Permission
from .verification.production import artifact_path, bundle_of, write_verified
from .verification.reopening import travelling_session
from .verification.subject import Source, Subject

if TYPE_CHECKING:
    from .training import Epoch, Search, TrainingOptions, TrainingResult

DEFAULT_TARGETS = ("onnx",)


def train(  # noqa: PLR0913 - what is trained, and how
    data: Any,
    output: Path | str,
    options: TrainingOptions,
    progress: Callable[[Epoch], None] | None = None,
    resume: Path | None = None,
    *,
    search: Search | None = None,
    notice: Callable[[str], None] | None = None,
) -> TrainingResult:
    """Train a model on a table and write its checkpoint.

    Of processes that torchrun started together the first one writes it.

    Args:
        data: path of a CSV or Parquet file or of a folder of them, a `Table`, or a mapping of
            columns.
        output: the checkpoint to write, such as `model.pt`.
        options: what to predict from what, and how to train.
        progress: called once an epoch.
        resume: what an interrupted run with the same options wrote, to go on with it.
        search: also tries other options; the best on validation is the model.
        notice: told before training what the table may do to the model.

    Raises:
        InputError: the data or the options cannot be used, or the output cannot be written.
    """
    from .training import fit, is_first

    output = Path(output)
    check_output(output, Path(data) if isinstance(data, Path | str) else None)
    result = fit(data, options, progress, resume, search=search, notice=notice, output=output)
    if is_first():
        checkpoint = Checkpoint(result.model, result.windows, result.to_record())
        write_checkpoint(output, checkpoint, result.unfinished_record())
    return result


def export(
    model: Source, target: str, path: Path | str | None = None, **options: Any
) -> ParityReport:
    """Export to one target and verify the artifact; it is left behind only if it passed.

    Args:
        model: checkpoint or module.
        target: one of `targets.names()`.
        path: where the artifact goes; by default beside the checkpoint, with the target's suffix.
        options: the target's own, such as `opset`, and those of `ReadingOptions`.

    Raises:
        ParityError: the artifact does not compute what the model does; `error.report` shows where.
    """
    reading, own = ReadingOptions.among(options)
    subject = Subject.of(model, reading)
    return write_verified(subject, target, artifact_path(subject.checkpoint, target, path), **own)


def verify(
    artifact: Path | str,
    model: Source | Subject | None = None,
    replay: Path | None = None,
    *,
    trust: bool = False,
    key: Path | str | None = None,
    **reading: Any,
) -> tuple[ParityReport, ...]:
    """Judge an artifact against its model, or the artifacts of a bundle against its own answers.

    What may not run, or lacks its runtime here, gets a report without sets, which is never `ok`.

    Args:
        artifact: the artifact, or a bundle.
        model: what it has to compute; a bundle carries its own.
        replay: a file written by `verify --failing`, the one input to judge on.
        trust: run code that is in the file, see `verification.permission`.
        key: the public key that must have signed it; where no file is called so, which state_dict
            of `model` to read.
        reading: options of `ReadingOptions` for `model`.

    Raises:
        InputError: a file is of no known format, or may not run, or its model is missing.
        SignatureError: `key` did not sign it.
        BundleError: the artifact or the bundle is damaged or unsafe.
    """
    permission = Permission(trust, names_model=model is not None)
    public = key_file(key, has_model=model is not None)
    opened = open_file(artifact, permission, public)
    if model is None:
        return judge_file(opened, None, replay)
    name = None if public or key is None else str(key)
    return judge_file(opened, Subject.of(model, ReadingOptions(key=name, **reading)), replay)


def package(  # noqa: PLR0913 - what goes into a bundle
    model: Source,
    path: Path | str,
    target_names: Sequence[str] = DEFAULT_TARGETS,
    *,
    mode: Mode | None = None,
    lengths: bool = False,
    sign: Path | str | SecretKey | None = None,
    provenance: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    **reading: Any,
) -> tuple[ParityReport, ...]:
    """Export to every target, verify every artifact, and write the bundle only if all passed.

    Args:
        model: checkpoint or module.
        path: the bundle to write.
        target_names: what to export to.
        mode: meant to be run on windows (the default where their size is stored), or as a stream.
        lengths: artifacts of targets that can do so also take the lengths of a padded batch.
        sign: a secret key or its file; the signature lies beside the bundle.
        provenance: where it is made: `commit`, `uncommitted_changes`, `command`.
        options: of the targets that know them, such as `arithmetic` and `weights` of C.

    Raises:
        ParityError: an artifact failed; nothing is written.
        InputError: this mode is none of this model, or no target can take lengths or an option.
    """
    subject = Subject.of(model, ReadingOptions(**reading))
    output = Path(path)
    check_output(output, subject.checkpoint.source)
    secret = secret_key_for(output, sign) if isinstance(sign, Path | str) else sign
    own = {**(options or {}), **({"lengths": True} if lengths else {})}
    bundle, reports = bundle_of(subject, target_names, mode, own, provenance)
    data = write_bundle(output, bundle)
    if secret:
        sign_data(output, data, secret)
    return reports


def load(  # noqa: PLR0913 - how a file is opened and run
    path: Path | str,
    engine: str | None = None,
    providers: Sequence[str] = (),
    nonfinite: Nonfinite = "refuse",
    *,
    trust: bool = False,
    key: Path | str | None = None,
    carry: bool = False,
) -> Session:
    """Open a bundle or an artifact for inference.

    Session, streams and pools can be pickled: they travel as path and digest and open the file
    again, once in a process.

    Args:
        path: the file; what it is, is read from its contents.
        engine: which target of a bundle to run; by default `onnx`, or `numpy`, with an
            `EngineWarning`, where ONNX Runtime is not installed or the bundle holds no ONNX file.
        providers: execution providers of ONNX Runtime in order of preference; CPU by default.
        nonfinite: what happens to rows that hold NaN or infinity: `refuse`, or `propagate` as NaN.
        trust: run code that is in the file, see `verification.permission`.
        key: the public key that must have signed it.
        carry: pickles carry the file's bytes, for machines that do not see the path.

    Raises:
        InputError: the file is of no known format, may not run, or has no such engine.
        SignatureError: `key` did not sign it.
        BundleError: the bundle is damaged or unsafe.
    """
    opened = open_file(path, Permission(trust), key)
    return travelling_session(opened, engine, tuple(providers), nonfinite, trust, carry)
