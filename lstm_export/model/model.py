"""A model: a validated small graph of stages and its interface."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import UnsupportedModel, quoted
from . import skip
from .arrays import Array
from .recurrent import GRU, LSTM, RNN, Recurrent
from .signature import Signature
from .stage import Shape, Stage, X
from .stages import (
    Activation,
    Add,
    Affine,
    Clamp,
    Concat,
    Divide,
    Flatten,
    LastHidden,
    LastStep,
    LastSteps,
    LayerNorm,
    Linear,
    Multiply,
    Pool,
    PReLU,
    Replace,
    RMSNorm,
    Slice,
    Subtract,
)
from .wiring import Sources, plainly, shapes_of, sources_of

_KINDS: tuple[type[Stage], ...] = (
    LSTM,
    GRU,
    RNN,
    Linear,
    Affine,
    LastStep,
    LastHidden,
    Activation,
    LayerNorm,
    Clamp,
    Slice,
    Pool,
    Add,
    Subtract,
    Multiply,
    Divide,
    Concat,
    LastSteps,
    Flatten,
    Replace,
    RMSNorm,
    PReLU,
)
STAGES: dict[str, type[Stage]] = {stage.kind: stage for stage in _KINDS}


@dataclass(frozen=True, eq=False)
class Model:
    """A small graph of stages with numpy float32 arrays, validated once, on construction.

    Mostly it is a chain, each stage taking the value of the one before. Two models are equal when
    stages, names, inputs, options, signatures and every array agree, the arrays bit for bit.

    Attributes:
        stages: in the order in which they are computed; the last one gives the answer.
        signature: the interface; its sizes agree with the stages.
        origin: how the chain became known: `stored`, `assumed`, `given`, or `proved against the
            user's module`.
        sources: by stage the indices of the stages whose values it takes, -1 for x.
        shapes: what every stage gives.

    Raises:
        UnsupportedModel: the shapes do not fit, a name is used twice, a stage takes what does not
            stand before it or is taken by none, or a value is not finite.
    """

    stages: tuple[Stage, ...]
    signature: Signature
    origin: str = field(default="given")
    sources: tuple[Sources, ...] = field(init=False)
    shapes: tuple[Shape, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", plainly(tuple(self.stages)))
        self._check_names()
        object.__setattr__(self, "sources", sources_of(self.stages))
        input_size = self.signature.input_size
        object.__setattr__(self, "shapes", shapes_of(self.stages, self.sources, input_size))
        for stage in self.stages:
            _check_finite(stage)
        width, _, kept = self.shapes[-1]
        if kept:
            fault = f"the last {kept} steps are the answer"
            raise UnsupportedModel(f"{fault}; put a Flatten at the end, so that it is one row")
        expected = self.signature.output_size
        if width != expected:
            raise UnsupportedModel(f"the chain yields {width} outputs, the signature {expected}")

    def _check_names(self) -> None:
        names = [stage.name for stage in self.stages]
        for name in names:
            _check_text(name)
        if len(set(names)) != len(names):
            raise UnsupportedModel(f"stage names must differ, got {', '.join(names)}; rename one")
        if X in names and any(X in stage.inputs for stage in self.stages):
            raise UnsupportedModel(f"a stage is named {X}, as the input is; rename the stage")
        if not self.recurrent:
            chain = self.chain or "it is empty"
            raise UnsupportedModel(
                f"the chain holds no LSTM, GRU or RNN: {chain}; put the recurrent module into it"
            )

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
        arrays = {}
        for stage in self.stages:
            for key, array in stage.arrays.items():
                arrays[f"{stage.name}.{key}"] = array
        return arrays

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(array.size for array in self.arrays.values())

    @property
    def returns_every_step(self) -> bool:
        """Whether `y` is `(batch, seq, output_size)`."""
        return self.shapes[-1].is_sequence

    @property
    def least_steps(self) -> int:
        """How many steps an input must have."""
        return max(stage.least_steps for stage in self.stages)

    @property
    def is_chain(self) -> bool:
        """Whether every stage takes just the one before it."""
        return not any(stage.inputs for stage in self.stages)

    def readers_of(self, index: int) -> tuple[Stage, ...]:
        """The stages that take the value of the stage of this index, -1 for x."""
        pairs = zip(self.stages, self.sources, strict=True)
        return tuple(stage for stage, taken in pairs if index in taken)

    def taken(self, index: int) -> tuple[Shape, ...]:
        """The shapes of what the stage of this index takes."""
        x = Shape(self.signature.input_size, is_sequence=True)
        return tuple(x if source < 0 else self.shapes[source] for source in self.sources[index])

    def widths(self, index: int) -> tuple[int, int]:
        """The width of what the stage of this index takes first, and of what it gives."""
        return self.taken(index)[0].width, self.shapes[index].width

    @property
    def weights_sha256(self) -> str:
        """Digest over the names, shapes and bytes of all arrays, the same on every machine."""
        digest = hashlib.sha256()
        for name, array in sorted(self.arrays.items()):
            digest.update(f"{name} {array.shape} {array.dtype.str}\n".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()

    def differences(self, other: Model) -> list[str]:
        """What in the chain of `other` is not as here, a sentence each; empty if bit-identical."""
        if self.chain_record() != other.chain_record():
            return [f"the chain is '{other.describe()}', expected '{self.describe()}'"]
        expected = self.arrays
        others = other.arrays
        found = [sentence for stage in self.stages for sentence in _differences(stage, others)]
        left_over = [name for name in others if name not in expected]
        return found + [f"{name} is there, but not in the model" for name in left_over]

    def describe(self) -> str:
        """The chain with its widths, for people: `lstm LSTM(10, 50, num_layers=2) -> last ...`."""
        parts = []
        for index, stage in enumerate(self.stages):
            before, after = self.widths(index)
            taken = f" of {', '.join(stage.inputs)}" if stage.inputs else ""
            parts.append(f"{stage.name} {stage.kind}{stage.sizes(before, after)}{taken}")
        return " -> ".join(parts)

    def chain_record(self) -> list[dict[str, Any]]:
        """The chain without its arrays, JSON-ready."""
        return [_record(stage) for stage in self.stages]

    def has_record(self, chain: Any) -> bool:
        """Whether a stored chain, also that of an older version, is the one of this model."""
        if chain == self.chain_record():
            return True
        is_list = isinstance(chain, list) and all(isinstance(each, dict) for each in chain)
        if not is_list or all(each.get("stage") != skip.KIND for each in chain):
            return False
        try:
            return Model.from_record(chain, self.arrays, self.signature) == self
        except UnsupportedModel:
            return False

    @classmethod
    def from_record(
        cls,
        chain: list[dict[str, Any]],
        arrays: Mapping[str, Array],
        signature: Signature,
        origin: str = "stored",
    ) -> Model:
        """Rebuild a model from `chain_record`, `arrays` and its signature.

        Raises:
            UnsupportedModel: a stage is unknown, an array is missing or left over, or the model is
                not valid.
        """
        if not isinstance(chain, list) or not all(isinstance(record, dict) for record in chain):
            raise UnsupportedModel("the chain is no list of stages; export the model again")
        stages: list[Stage] = []
        for record in chain:
            if record.get("stage") == skip.KIND:
                stages += skip.of_record(record, stages, signature.input_size)
            else:
                stages.append(_build(record, arrays))
        model = cls(tuple(stages), signature, origin)
        left = sorted(set(arrays) - set(model.arrays))
        if left:
            said = f"arrays that belong to no stage: {', '.join(left)}"
            raise UnsupportedModel(f"{said}; export the model again")
        return model


def _check_text(name: str) -> None:
    """Refuse a name that no file can hold: UTF-8 has no half of a surrogate pair."""
    if any("\ud800" <= character <= "\udfff" for character in name):
        fault = "holds half of a surrogate pair, which is no character"
        raise UnsupportedModel(f"the stage name {quoted(name)} {fault}; rename the stage")


def _check_finite(stage: Stage) -> None:
    for key, array in stage.arrays.items():
        finite = np.isfinite(array)
        if not finite.all():
            bad = tuple(np.argwhere(~finite)[0])  # the first
            name = f"{stage.name}.{key}[{', '.join(map(str, bad))}]"
            fault = f"{name} is {array[bad]}, not a finite number"
            raise UnsupportedModel(f"{fault}; the training diverged, or it was altered")


def _differences(stage: Stage, others: Mapping[str, Array]) -> Iterator[str]:
    """What is not as in `stage` among arrays under their full names."""
    for key, array in stage.arrays.items():
        name = f"{stage.name}.{key}"
        got = others.get(name)
        if got is None or got.shape != array.shape or got.dtype != array.dtype:
            yield f"{name} is missing or has another shape"
        elif got.tobytes() != array.tobytes():
            changed = got.view(np.uint32) != array.view(np.uint32)  # bits: -0 is not 0
            where = stage.where(key, changed)
            yield f"{name} differs in {changed.sum()} of {array.size} values{where}"


def _record(stage: Stage) -> dict[str, Any]:
    record = {"stage": stage.kind, "name": stage.name} | stage.options
    if stage.inputs:  # older readers know no such key
        record["inputs"] = list(stage.inputs)
    return record


def _build(record: Mapping[str, Any], arrays: Mapping[str, Array]) -> Stage:
    """One stage from its record and from the arrays under its prefix."""
    options = dict(record)
    kind = options.pop("stage", None)
    name = options.pop("name", None)
    inputs = options.pop("inputs", [])
    if not isinstance(inputs, list) or not all(isinstance(each, str) for each in inputs):
        raise UnsupportedModel(f"stage {name} has the inputs {inputs!r}, expected a list of names")
    if not isinstance(kind, str) or kind not in STAGES or not isinstance(name, str):
        raise UnsupportedModel(f"unknown stage {kind!r}; this version knows {', '.join(STAGES)}")
    own = {}
    for full, array in arrays.items():
        prefix, _, key = full.rpartition(".")  # a stage's name may hold dots, `head.0`
        if prefix == name:
            own[key] = array
    try:
        return replace(STAGES[kind].build(name, own, options), inputs=tuple(inputs))
    except (TypeError, KeyError) as error:
        fault = "what is stored of it is missing, unknown or of another kind"
        raise UnsupportedModel(f"stage {name} ({kind}): {fault}; export the model again") from error
