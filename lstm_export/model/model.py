"""A model: a validated chain of stages and its interface."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import UnsupportedModel
from .arrays import Array
from .recurrent import GRU, LSTM, Recurrent
from .signature import Signature
from .stages import Activation, Affine, LastHidden, LastStep, LayerNorm, Linear, Skip, Stage

STAGES: dict[str, type[Stage]] = {
    stage.kind: stage for stage in (LSTM, GRU, Linear, Affine, LastStep, LastHidden, Activation, LayerNorm, Skip)
}


@dataclass(frozen=True, eq=False)
class Model:
    """A chain of stages with numpy float32 arrays. Validated once, on construction; trusted afterwards.

    Two models are equal when stages, names, options, signatures and every array agree, the arrays bit for bit.

    Attributes:
        stages: in the order in which they are applied.
        signature: the interface; its sizes agree with the stages.
        origin: how the chain became known: `stored`, `assumed`, or `proved against the user's module`.

    Raises:
        UnsupportedModel: the shapes do not chain, a name is used twice, or a value is not finite.
    """

    stages: tuple[Stage, ...]
    signature: Signature
    origin: str = field(default="given")

    def __post_init__(self) -> None:
        self._check_names()
        width, reduced = self.signature.input_size, False
        for before, stage in zip((None, *self.stages), self.stages, strict=False):
            width = stage.output_size(width)
            if reduced and (stage.steps == "reduce" or isinstance(stage, Recurrent)):
                raise UnsupportedModel(f"{stage.name} needs a sequence, but a step was already picked before it")
            if isinstance(stage, LastHidden) and not isinstance(before, Recurrent):
                raise UnsupportedModel(f"{stage.name} takes a hidden state, but no recurrent stage stands before it")
            if isinstance(stage, Skip) and max(stage.features) >= self.signature.input_size:
                raise UnsupportedModel(
                    f"{stage.name} adds the features {stage.features} of an input of {self.signature.input_size}"
                )
            reduced = reduced or stage.steps == "reduce"
            self._check_finite(stage)
        if width != self.signature.output_size:
            raise UnsupportedModel(f"the chain yields {width} outputs, the signature {self.signature.output_size}")

    def _check_names(self) -> None:
        names = [stage.name for stage in self.stages]
        if len(set(names)) != len(names):
            raise UnsupportedModel(f"stage names must differ, got {', '.join(names)}")
        if not self.recurrent:
            raise UnsupportedModel(f"the chain holds no LSTM and no GRU: {self.chain or 'it is empty'}")

    @staticmethod
    def _check_finite(stage: Stage) -> None:
        for name, array in stage.arrays.items():
            finite = np.isfinite(array)
            if not finite.all():
                bad = np.argwhere(~finite)[0]
                place = ", ".join(map(str, bad))
                raise UnsupportedModel(f"{stage.name}.{name}[{place}] is {array[tuple(bad)]}, not a finite number")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Model):
            return NotImplemented
        return self.signature == other.signature and not self.differences(other)

    def __hash__(self) -> int:
        return hash(self.weights_sha256)

    @property
    def chain(self) -> str:
        """The chain as text, `lstm, last, fc`."""
        return ", ".join(stage.name for stage in self.stages)

    @property
    def recurrent(self) -> tuple[Recurrent, ...]:
        """The recurrent stages in order."""
        return tuple(stage for stage in self.stages if isinstance(stage, Recurrent))

    @property
    def arrays(self) -> dict[str, Array]:
        """Every array under its full name, `lstm.weight_ih_l0`."""
        return {f"{stage.name}.{key}": array for stage in self.stages for key, array in stage.arrays.items()}

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(array.size for array in self.arrays.values())

    @property
    def returns_every_step(self) -> bool:
        """Whether `y` is `(batch, seq, output_size)`."""
        return all(stage.steps != "reduce" for stage in self.stages)

    @property
    def weights_sha256(self) -> str:
        """Digest over the names, shapes and bytes of all arrays, the same on every machine."""
        digest = hashlib.sha256()
        for name, array in sorted(self.arrays.items()):
            digest.update(f"{name} {array.shape} {array.dtype.str}\n".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()

    def differences(self, other: Model) -> list[str]:
        """What in the chain of `other` is not as here, one sentence each; empty when bit-identical."""
        if self.chain_record() != other.chain_record():
            return [f"the chain is '{other.describe()}', expected '{self.describe()}'"]
        others = other.arrays
        found = [sentence for stage in self.stages for sentence in _differences(stage, others)]
        found += [f"{name} is there, but not in the model" for name in others if name not in self.arrays]
        return found

    def describe(self) -> str:
        """The chain with its widths, for people: `x 10 -> lstm LSTM(10, 50, num_layers=2) -> ... -> y 2`."""
        width, parts = self.signature.input_size, []
        for stage in self.stages:
            before, width = width, stage.output_size(width)
            parts.append(f"{stage.name} {stage.kind}{stage.sizes(before, width)}")
        return " -> ".join(parts)

    def chain_record(self) -> list[dict[str, Any]]:
        """The chain without its arrays, JSON-ready."""
        return [{"stage": stage.kind, "name": stage.name, **stage.options} for stage in self.stages]

    @classmethod
    def from_record(
        cls, chain: list[dict[str, Any]], arrays: Mapping[str, Array], signature: Signature, origin: str = "stored"
    ) -> Model:
        """Rebuild a model from `chain_record`, `arrays` and its signature.

        Raises:
            UnsupportedModel: a stage is unknown, an array is missing or left over, or the model is not valid.
        """
        stages = tuple(_build(record, arrays) for record in chain)
        model = cls(stages, signature, origin)
        left = sorted(set(arrays) - set(model.arrays))
        if left:
            raise UnsupportedModel(f"arrays that belong to no stage: {', '.join(left)}")
        return model


def _differences(stage: Stage, others: Mapping[str, Array]) -> Iterator[str]:
    """What is not as in `stage` among arrays under their full names."""
    for key, array in stage.arrays.items():
        name = f"{stage.name}.{key}"
        got = others.get(name)
        if got is None or got.shape != array.shape or got.dtype != array.dtype:
            yield f"{name} is missing or has another shape"
        elif got.tobytes() != array.tobytes():
            changed = got.view(np.uint32) != array.view(np.uint32)
            yield f"{name} differs in {changed.sum()} of {array.size} values{stage.where(key, changed)}"


def _build(record: Mapping[str, Any], arrays: Mapping[str, Array]) -> Stage:
    """One stage from its record and from the arrays under its prefix."""
    options = dict(record)
    kind, name = options.pop("stage", None), options.pop("name", None)
    if kind not in STAGES or not isinstance(name, str):
        raise UnsupportedModel(f"unknown stage {kind!r}; this version knows {', '.join(STAGES)}")
    own = {key[len(name) + 1 :]: array for key, array in arrays.items() if key.rpartition(".")[0] == name}
    try:
        return STAGES[kind].build(name, own, options)
    except (TypeError, KeyError) as error:
        raise UnsupportedModel(f"stage {name} ({kind}) cannot be built: {error}") from error
