"""The model under verification, with the golden sets and the PyTorch run that judge it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from ..bundle import holds_bundle, open_bundle, read_golden
from ..chains import ASSUME, Checkpoint, ReadingOptions, from_state_dict, read_checkpoint
from ..errors import InputError, naming, require
from ..model import Model, Runner
from ..model.runner import takes_lengths
from ..parity import GoldenSet, asked_of, golden_sets, unequal_lengths

if TYPE_CHECKING:
    from torch import nn

Source: TypeAlias = "Path | str | Checkpoint | nn.Module | Mapping[str, Any]"


@runtime_checkable
class HasStateDict(Protocol):
    """A module, be it of torch's own class or of one that wraps it."""

    def state_dict(self) -> Mapping[str, Any]: ...


def read(model: Source, options: ReadingOptions = ASSUME) -> Checkpoint:
    """The model in a checkpoint or a bundle, or in a live module, against which its chain is
    proved.

    Args:
        model: a path, a live module, a state_dict, or what was read before.
        options: what the user says about a model that is not ours.

    Raises:
        CheckpointError: the file cannot be read or is not a checkpoint.
        UnsupportedModel: it holds another kind of network.
        InputError: `model` is none of these, or was read already and options are given.
    """
    if isinstance(model, Checkpoint):
        if options.given:
            raise InputError(f"{', '.join(options.given)}: the model was read before; say it there")
        return model
    if isinstance(model, Path | str):
        return _read_file(Path(model), options)
    if isinstance(model, Mapping):
        return from_state_dict(_not_empty(model, model), options)
    state_dict = model.state_dict() if isinstance(model, HasStateDict) else None
    return from_state_dict(_not_empty(state_dict, model), options, model)


def _not_empty(state_dict: object, model: object) -> Mapping[str, Any]:
    if isinstance(state_dict, Mapping) and state_dict:
        return state_dict
    raise InputError(
        f"a {type(model).__name__} is no model; "
        "give a checkpoint's path, a module or its state_dict"
    )


def _read_file(path: Path, options: ReadingOptions) -> Checkpoint:
    """A checkpoint, or the model that a bundle carries in its weights.npz."""
    if not holds_bundle(path):
        return read_checkpoint(path, options)
    if options.given:
        raise InputError(
            f"{path} is a bundle, which stores its chain; options of reading are for other files"
        )
    with naming(path):
        bundle = open_bundle(path)
    facts = bundle.manifest.get("training", {})
    return Checkpoint(bundle.model, facts=facts, source=path)


@dataclass(frozen=True)
class Subject:
    """A model with what every verification of it needs, computed once.

    Attributes:
        checkpoint: the model and what is known of it.
        golden: inputs and float64 answers.
        reference: PyTorch eager: the user's own module where it is at hand, else the chain in
            torch.nn.
        is_replay: whether `golden` is one replayed input, and nothing else is to be asked.
    """

    checkpoint: Checkpoint
    golden: tuple[GoldenSet, ...]
    reference: Runner
    is_replay: bool = False

    @property
    def model(self) -> Model:
        """The model itself."""
        return self.checkpoint.model

    @classmethod
    def of(cls, model: Source | Subject, options: ReadingOptions = ASSUME) -> Subject:
        """Read the model as `options` say, answer its golden sets, and set up PyTorch."""
        if isinstance(model, Subject):
            return model
        require("torch", "export", "verification against PyTorch")
        from ..model.torch_module import eager, to_module

        checkpoint = read(model, options)
        golden = golden_sets(checkpoint.model, checkpoint.windows)
        reference = checkpoint.reference or eager(to_module(checkpoint.model))
        return cls(checkpoint, golden, reference)

    def with_weights_of(self, model: Model) -> Subject:
        """The same subject with rounded weights, its golden sets answered anew."""
        from ..model.torch_module import eager, to_module

        golden = golden_sets(model, self.checkpoint.windows)
        checkpoint = replace(self.checkpoint, model=model)
        return Subject(checkpoint, golden, eager(to_module(model)))

    def replaying(self, path: Path) -> Subject:
        """The same subject with the one golden set of a file as `verify --failing` writes it,
        answered anew.

        Raises:
            InputError: the file is of a newer format, or no golden set for this model.
        """
        return replace(self, golden=(replayed(path, self.model),), is_replay=True)

    def golden_for(self, runner: Runner) -> tuple[GoldenSet, ...]:
        """The sets that a runner is judged on: rows of unequal length too if it takes lengths."""
        asked = asked_of(runner, self.golden)
        if self.is_replay or not takes_lengths(runner):
            return asked
        return (*asked, unequal_lengths(self.model))


def replayed(path: Path, model: Model) -> GoldenSet:
    """The golden set of a file as `verify --failing` writes it, answered anew.

    Raises:
        InputError: the file is of a newer format, or no golden set for this model.
    """
    x, lengths = read_golden(path)  # x (batch, seq, input_size)
    if x.shape[2] != model.signature.input_size:
        raise InputError(
            f"{path} holds x {x.shape}, the model takes {model.signature.input_size} features; "
            "name the model that it belongs to"
        )
    return GoldenSet.of(path.name, model, x, lengths)
