"""The verbs of the public API: train, export, verify, package, load. Nothing is called good that was not verified here.

A model is given as the path of a checkpoint, as a live `nn.Module`, or as a `Checkpoint` that was read before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from . import targets
from .bundle import Artifact, Bundle, Mode, is_bundle, make_bundle, open_bundle, read_golden, write_bundle
from .device import Nonfinite, Session, self_test
from .device.onnx_runner import CHAIN, WEIGHTS_SHA256
from .errors import InputError, LstmExportError, MissingDependency, ParityError, require
from .files import check_output, replacing, replacing_folder
from .intake import ASSUME, Checkpoint, ReadingOptions, from_state_dict, read_checkpoint, write_checkpoint
from .model import Affine, Array, Model, Runner, Signature, forward
from .model.runner import is_stateful, row_by_row, takes_lengths
from .parity import (
    Diagnosis,
    GoldenSet,
    ParityReport,
    asked_of,
    check,
    check_conditions,
    check_streaming,
    diagnose,
    first_wrong_layer,
    golden_sets,
    smallest_failing,
    unequal_lengths,
)
from .parity.noise import U

if TYPE_CHECKING:
    from torch import nn

    from .parity.endless import EndlessReport
    from .training import Epoch, TrainingOptions, TrainingResult

Source: TypeAlias = "Path | str | Checkpoint | nn.Module | Mapping[str, Any]"
COARSE = 1e-3  # share of a feature's spread that one float32 step may take before it is said
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


def read(model: Source, options: ReadingOptions = ASSUME) -> Checkpoint:
    """The model in a checkpoint or a bundle, or in a live module, against whose own forward its chain is proved.

    Args:
        model: a path, a live module, a state_dict, or what was read before.
        options: what the user says about a model that is not ours.

    Raises:
        CheckpointError: the file cannot be read or is not a checkpoint.
        UnsupportedModel: it holds another kind of network.
        InputError: `model` is none of these.
    """
    if isinstance(model, Checkpoint):
        return model
    if isinstance(model, Path | str):
        return _read_file(Path(model), options)
    state_dict = model if isinstance(model, Mapping) else getattr(model, "state_dict", dict)()
    if not isinstance(state_dict, Mapping) or not state_dict:
        raise InputError(f"a {type(model).__name__} is no model; give a checkpoint's path, a module or its state_dict")
    return from_state_dict(state_dict, options, None if isinstance(model, Mapping) else model)


def _read_file(path: Path, options: ReadingOptions) -> Checkpoint:
    """A checkpoint, or the model that a bundle carries in its weights.npz."""
    if path.is_file() and is_bundle(_start(path)):
        data = _bytes(path)
        if options != ASSUME:
            raise InputError(f"{path} is a bundle, which stores its chain; options of reading are for other files")
        bundle = open_bundle(data)
        return Checkpoint(bundle.model, facts=bundle.manifest.get("training", {}), source=path)
    return read_checkpoint(path, options)


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


def verify(artifact: Path | str, model: Source | Subject | None = None) -> tuple[ParityReport, ...]:
    """Judge an artifact against its model, or every artifact of a bundle against the answers that it carries.

    An artifact of a bundle whose runtime is not installed here gets a report without sets, which is never `ok`.

    Raises:
        InputError: the file is of no known format, or it is no bundle and no model was given.
        BundleError: the bundle is damaged or unsafe.
    """
    artifact = Path(artifact)
    data = targets.data_of(artifact)
    if is_bundle(data):
        return _verify_bundle(data, model)
    target = target_of(artifact, data)
    if model is None:
        raise InputError(f"{artifact} is an artifact of {target}; name its model: lstm-export verify {artifact} MODEL")
    return (Subject.of(model).judge(target, artifact),)


def _verify_bundle(data: bytes, model: Source | Subject | None) -> tuple[ParityReport, ...]:
    bundle = open_bundle(data)
    subject = None if model is None else Subject.of(model)
    reports = []
    for name in bundle.artifacts:
        reason = not_run(name, trusted=subject is not None)
        if reason:
            reports.append(ParityReport(name, "not checked", (), (f"not run here: {reason}",)))
        elif subject is None:
            reports.append(self_test(bundle, bundle_runner(bundle, name), subject=name))
        else:
            reports.append(
                subject.check(
                    name,
                    bundle_runner(bundle, name),
                    _compared(subject.checkpoint.model, bundle.model) or "as packaged",
                    source=None if hasattr(targets.get(name), "from_model") else bundle.artifacts[name],
                )
            )
    return tuple(reports)


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


def not_run(target: str, trusted: bool) -> str:
    """Why an artifact of a bundle is not run here; empty where it is."""
    if target not in targets.names():
        return "this version does not know the target"
    module = targets.get(target)
    if getattr(module, "runs_code", False) and not trusted and not hasattr(module, "from_model"):
        return "opening it runs code; name the model that the bundle was made from if you trust it"
    try:
        if module.needs:
            require(module.needs, module.extra, f"running {target}")
    except MissingDependency as error:
        return str(error)
    return targets.missing(module)


def bundle_runner(bundle: Bundle, target: str, providers: tuple[str, ...] = ()) -> targets.ArtifactRunner:
    """A runner for one target of a bundle: of its artifact, or made from its weights where a target can do that."""
    module = targets.get(target)
    if hasattr(module, "from_model"):
        made: targets.ArtifactRunner = module.from_model(bundle.model)
        return made
    return module.load(bundle.artifacts[target], providers)


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
    data, chosen = targets.data_of(Path(path)), tuple(providers)
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


def engines(bundle: Bundle) -> tuple[str, ...]:
    """What a bundle can be run with: the targets of its artifacts, and those that need only its weights."""
    made = [name for name in targets.names() if hasattr(targets.get(name), "from_model")]
    return tuple(dict.fromkeys([*bundle.artifacts, *made]))


def target_of(path: Path | str, data: bytes) -> str:
    """The target whose artifact these bytes are.

    Raises:
        InputError: it is of no known one.
    """
    name = targets.of_artifact(data)
    if name is None:
        raise InputError(f"{path} is no bundle and no artifact of {', '.join(targets.names())}")
    return name


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _start(path: Path) -> bytes:
    """What shows a bundle, whose manifest comes first; a file of any size costs no more than this."""
    try:
        with path.open("rb") as file:
            return file.read(4096)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


@dataclass(frozen=True)
class Subject:
    """A model with what every verification of it needs, computed once.

    Attributes:
        checkpoint: the model and what is known of it.
        golden: inputs and float64 answers.
        reference: PyTorch eager: the user's own module where it is at hand, else the chain in torch.nn.
        alone: whether runners that take lengths are judged on nothing but `golden` too.
    """

    checkpoint: Checkpoint
    golden: tuple[GoldenSet, ...]
    reference: Runner
    alone: bool = False

    @classmethod
    def of(cls, model: Source | Subject) -> Subject:
        """Read the model, answer its golden sets, and set up PyTorch."""
        if isinstance(model, Subject):
            return model
        require("torch", "export", "verification against PyTorch")
        from .model.torch_module import eager, to_module

        checkpoint = read(model)
        golden = golden_sets(checkpoint.model, checkpoint.windows)
        return cls(checkpoint, golden, checkpoint.reference or eager(to_module(checkpoint.model)))

    def replaying(self, path: Path) -> Subject:
        """The same subject with the one golden set of a file as `verify --failing` writes it, answered anew.

        Raises:
            InputError: the file is of a newer format, or no golden set for this model.
        """
        x, lengths = read_golden(path)
        model, width = self.checkpoint.model, self.checkpoint.model.signature.input_size
        if x.shape[2] != width:
            raise InputError(
                f"{path} holds x {x.shape}, the model takes {width} features; name the model it belongs to"
            )
        return replace(self, golden=(GoldenSet.of(path.name, model, x, lengths),), alone=True)

    def smallest_failure(self, artifact: Path) -> GoldenSet | None:
        """The smallest input on which an artifact fails; None where it fails on none of the golden sets."""
        module = targets.get(target_of(artifact, targets.data_of(artifact)))
        model = targets.held(module, self.checkpoint.model, artifact)
        runner = module.load(artifact)
        return smallest_failing(runner, model, self.golden_for(runner))

    def golden_for(self, runner: Runner) -> tuple[GoldenSet, ...]:
        """The sets that a runner is judged on: rows of unequal length too if it takes lengths."""
        asked = asked_of(runner, self.golden)
        if self.alone or not takes_lengths(runner):
            return asked
        return (*asked, unequal_lengths(self.checkpoint.model))

    def produce(self, target: str, path: Path, **options: Any) -> ParityReport:
        """Export to `path` and judge what was written.

        Raises:
            ParityError: it failed; the caller removes the file.
        """
        targets.get(target).export(self.checkpoint.model, path, **options)
        report = self.judge(target, path)
        if not report.ok:
            raise ParityError(f"{report.summary()}; nothing was written", report)
        if options.get("lengths") and not takes_lengths(targets.get(target).load(path)):
            raise ParityError(
                f"the artifact of {target} was to take lengths, and does not; nothing was written", report
            )
        return report

    def judge(self, target: str, artifact: Path) -> ParityReport:
        """Read the artifact back where the format allows, then run it on every golden set."""
        module = targets.get(target)
        held = targets.held(module, self.checkpoint.model, artifact)
        subject, cost = (self, ()) if held is self.checkpoint.model else self._rounded(held)
        expected, notes = targets.lowered(module, held)
        runner, structure = module.load(artifact), structure_of(module, artifact, expected)
        _check_sizes(artifact, runner.signature, expected)
        return subject.check(target, runner, structure, (*notes, *cost), source=artifact)

    def _rounded(self, model: Model) -> tuple[Subject, tuple[str, ...]]:
        """The same subject with rounded weights, and what the rounding costs."""
        from .model.torch_module import eager, to_module

        golden = golden_sets(model, self.checkpoint.windows)
        windows = next((one for one in self.golden if one.name == "real windows"), None)
        shown = windows or next(one for one in self.golden if one.name == "nominal")
        cost = rounding_cost(self.checkpoint.model, model, shown.x, real=windows is not None)
        return Subject(replace(self.checkpoint, model=model), golden, eager(to_module(model))), cost

    def check(
        self,
        target: str,
        runner: Runner,
        structure: str,
        notes: tuple[str, ...] = (),
        source: Path | bytes | None = None,
    ) -> ParityReport:
        """Judge a runner on every golden set; see it under other conditions, or say what is wrong with it.

        Args:
            target: what it is a runner of.
            runner: what is judged.
            structure: what was found when the artifact was read back.
            notes: what a user should know besides.
            source: the artifact, where it can be opened in other ways too.
        """
        module, model = targets.get(target), self.checkpoint.model
        note = getattr(module, "note", None)
        notes = (*self.checkpoint.remarks, *_coarse_inputs(model), *notes, *((note,) if note else ()))
        golden, reference = self.golden_for(runner), row_by_row(self.reference)
        report = check(runner, golden, subject=target, structure=structure, reference=reference, notes=notes)
        if not report.ok:
            return replace(report, diagnosis=self._diagnosis(target, source, runner, report))
        if source is not None and hasattr(module, "conditions"):
            found = check_conditions(runner, golden, module.conditions(source))
            report = replace(report, conditions=found)
        if not is_stateful(runner):
            return report
        chain = targets.lowered(module, model)[0]
        return replace(report, sets=(*report.sets, *check_streaming(runner, self.golden, chain)))

    def _diagnosis(
        self, target: str, source: Path | bytes | None, runner: Runner, report: ParityReport
    ) -> Diagnosis | None:
        """What is wrong with a failed artifact, which is opened up where its target can do that."""
        model, module, golden = self.checkpoint.model, targets.get(target), self.golden_for(runner)
        found = diagnose(runner, model, golden, report)
        if found is None or source is None or not hasattr(module, "probes"):
            return found
        held = targets.lowered(module, model)[0]
        return replace(found, layer=first_wrong_layer(module.probes(source), held, golden, report))


def rounding_cost(model: Model, rounded: Model, x: Array, real: bool) -> tuple[str, ...]:
    """What rounded weights change in every output, in its own units, one sentence each; at most four outputs."""
    exact, changed = (forward(one, x).y.reshape(-1, one.signature.output_size) for one in (model, rounded))
    difference = np.abs(changed - exact)  # (answers, output_size)
    on = f"{len(x)} real windows" if real else f"{len(x)} random sequences"
    lines = []
    for index, column in enumerate(model.signature.outputs[:4]):
        unit = f" {column.unit}" if column.unit else ""
        worst, rms, spread = (
            difference[:, index].max(),
            np.sqrt((difference[:, index] ** 2).mean()),
            exact[:, index].std(),
        )
        share = f", {100 * worst / spread:.2g} % of the outputs' spread" if spread > 0 else ""
        lines.append(
            f"rounding the weights moves {column.name} by up to {worst:.2g}{unit} (rms {rms:.2g}) on {on}{share}"
        )
    return tuple(lines)


def _check_sizes(artifact: Path, found: Signature, model: Model) -> None:
    """Refuse an artifact that cannot be this model's."""
    sizes = [(one.input_size, one.output_size) for one in (found, model.signature)]
    if sizes[0] != sizes[1]:
        (width, out), (expected, outputs) = sizes
        raise InputError(
            f"{artifact} takes {width} features and gives {out} outputs, the model {expected} and {outputs}: "
            "it is an artifact of another model"
        )


def _coarse_inputs(model: Model) -> Iterator[str]:
    """Inputs so far from zero that float32 itself, before any model, keeps few digits of what varies in them."""
    scaler = model.stages[0]
    if isinstance(scaler, Affine) and not scaler.inverse:
        resolution = U * np.abs(scaler.offset / scaler.scale)
        for index in np.flatnonzero(resolution > COARSE)[:1]:
            names = model.signature.features
            name = names[index].name if names else f"input {index}"
            yield f"float32 resolves {name} to {resolution[index]:.1e} of its own spread; subtract a constant before"


def structure_of(target: targets.Target, artifact: Path, model: Model) -> str:
    """What reading the artifact back says: `identical`, `not checked`, or what differs."""
    if not hasattr(target, "read"):
        return "not checked"
    try:
        found: Model = target.read(artifact)
    except LstmExportError as error:
        return str(error)
    return _compared(model, found) or "identical"


def _compared(model: Model, found: Model) -> str:
    """What makes the model found in an artifact or a bundle another one; empty where it is the same, bit for bit."""
    if found.signature != model.signature:
        return "the stored signature is not the model's"
    differences = model.differences(found)
    more = f"; and {len(differences) - 2} more" if len(differences) > 2 else ""
    return "; ".join(differences[:2]) + more
