"""A model under verification: read once, with the golden sets and the PyTorch run that every artifact is judged by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .. import targets
from ..bundle import is_bundle, open_bundle, read_golden
from ..chains import ASSUME, Checkpoint, ReadingOptions, from_state_dict, read_checkpoint
from ..errors import InputError, LstmExportError, ParityError, naming, require
from ..files import unreadable
from ..model import Affine, Array, Model, Runner, Signature, forward
from ..model.runner import is_stateful, row_by_row, takes_lengths
from ..parity import (
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
from ..parity.noise import U

if TYPE_CHECKING:
    from torch import nn

Source: TypeAlias = "Path | str | Checkpoint | nn.Module | Mapping[str, Any]"
COARSE = 1e-3  # share of a feature's spread that one float32 step may take before it is said


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
        if options != ASSUME:
            raise InputError(f"{path} is a bundle, which stores its chain; options of reading are for other files")
        with naming(path):
            bundle = open_bundle(path)
        return Checkpoint(bundle.model, facts=bundle.manifest.get("training", {}), source=path)
    return read_checkpoint(path, options)


def target_of(path: Path | str, data: bytes) -> str:
    """The target whose artifact these bytes are.

    Raises:
        InputError: it is of no known one.
    """
    name = targets.of_artifact(data)
    if name is None:
        raise InputError(
            f"{path} is no bundle and no artifact of {', '.join(targets.names())}; name a file that lstm-export wrote"
        )
    return name


def _start(path: Path) -> bytes:
    """What shows a bundle, whose manifest comes first; a file of any size costs no more than this."""
    try:
        with path.open("rb") as file:
            return file.read(4096)
    except OSError as error:
        raise unreadable(path, error, "a checkpoint or a bundle") from error


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
        from ..model.torch_module import eager, to_module

        checkpoint = read(model)
        golden = golden_sets(checkpoint.model, checkpoint.windows)
        return cls(checkpoint, golden, checkpoint.reference or eager(to_module(checkpoint.model)))

    def replaying(self, path: Path) -> Subject:
        """The same subject with the one golden set of a file as `verify --failing` writes it, answered anew.

        Raises:
            InputError: the file is of a newer format, or no golden set for this model.
        """
        return replace(self, golden=(replayed(path, self.checkpoint.model),), alone=True)

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
        check_sizes(artifact, runner.signature, expected)
        return subject.check(target, runner, structure, (*notes, *cost), source=artifact)

    def _rounded(self, model: Model) -> tuple[Subject, tuple[str, ...]]:
        """The same subject with rounded weights, and what the rounding costs."""
        from ..model.torch_module import eager, to_module

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


def replayed(path: Path, model: Model) -> GoldenSet:
    """The golden set of a file as `verify --failing` writes it, answered anew.

    Raises:
        InputError: the file is of a newer format, or no golden set for this model.
    """
    x, lengths = read_golden(path)
    if x.shape[2] != model.signature.input_size:
        raise InputError(
            f"{path} holds x {x.shape}, the model takes {model.signature.input_size} features; "
            "name the model that it belongs to"
        )
    return GoldenSet.of(path.name, model, x, lengths)


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


def check_sizes(artifact: Path, found: Signature, model: Model) -> None:
    """Refuse an artifact that cannot be this model's.

    Raises:
        InputError: it takes or gives another number of values.
    """
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
    return compared(model, found) or "identical"


def compared(model: Model, found: Model) -> str:
    """What makes the model found in an artifact or a bundle another one; empty where it is the same, bit for bit."""
    if found.signature != model.signature:
        return "the stored signature is not the model's"
    differences = model.differences(found)
    more = f"; and {len(differences) - 2} more" if len(differences) > 2 else ""
    return "; ".join(differences[:2]) + more
