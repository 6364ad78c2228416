"""A model: a validated small graph of stages and its interface."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import UnsupportedModel, quoted
from . import skip
from .arrays import Array, sha256_of_arrays
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
from .wiring import INPUT, Sources, shapes_of, shortened, sources_of

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
        object.__setattr__(self, "stages", shortened(tuple(self.stages)))
        self._check_names()
        object.__setattr__(self, "sources", sources_of(self.stages))
        input_size = self.signature.input_size
        object.__setattr__(self, "shapes", shapes_of(self.stages, self.sources, input_size))
        for stage in self.stages:
            _check_finite(stage)
        self._check_answer()

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

    def _check_answer(self) -> None:
        answer = self.shapes[-1]
        if answer.kept:
            fault = f"the last {answer.kept} steps are the answer"
            raise UnsupportedModel(f"{fault}; put a Flatten at the end, so that it is one row")
        expected = self.signature.output_size
        if answer.width != expected:
            got = f"the chain yields {answer.width} outputs"
            raise UnsupportedModel(f"{got}, the signature {expected}")

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
        return tuple(stage for stage, sources in pairs if index in sources)

    def input_shapes(self, index: int) -> tuple[Shape, ...]:
        """The shapes of what the stage of this index takes."""
        x = Shape(self.signature.input_size, is_sequence=True)
        sources = self.sources[index]
        return tuple(x if source == INPUT else self.shapes[source] for source in sources)

    def widths(self, index: int) -> tuple[int, int]:
        """The width of what the stage of this index takes first, and of what it gives."""
        first, *_ = self.input_shapes(index)
        return first.width, self.shapes[index].width

    @property
    def weights_sha256(self) -> str:
        """Digest over the names, shapes and bytes of all arrays, the same on every machine."""
        return sha256_of_arrays(self.arrays)

    def differences(self, other: Model) -> list[str]:
        """How the chain of `other` differs, a sentence each; empty where every bit is the same."""
        if self.chain_record() != other.chain_record():
            return [f"the chain is '{other.describe()}', expected '{self.describe()}'"]
        expected = self.arrays
        others = other.arrays
        sentences: list[str] = []
        for stage in self.stages:
            sentences += _differences(stage, others)
        for name in others:
            if name not in expected:
                sentences.append(f"{name} is there, but not in the model")
        return sentences

    def describe(self) -> str:
        """The chain with its widths, for people: `lstm LSTM(10, 50, num_layers=2) -> last ...`."""
        stages = []
        for index, stage in enumerate(self.stages):
            before, after = self.widths(index)
            inputs = f" of {', '.join(stage.inputs)}" if stage.inputs else ""
            stages.append(f"{stage.name} {stage.kind}{stage.sizes(before, after)}{inputs}")
        return " -> ".join(stages)

    def chain_record(self) -> list[dict[str, Any]]:
        """The chain without its arrays, JSON-ready."""
        return [_record(stage) for stage in self.stages]

    def has_record(self, chain: Any) -> bool:
        """Whether a stored chain, also that of an older version, is the one of this model."""
        if chain == self.chain_record():
            return True
        if not _is_list_of_records(chain):
            return False
        is_older = any(record.get("stage") == skip.KIND for record in chain)
        if not is_older:
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
        if not _is_list_of_records(chain):
            raise UnsupportedModel("the chain is no list of stages; export the model again")
        stages: list[Stage] = []
        for record in chain:
            if record.get("stage") == skip.KIND:
                stages += skip.of_record(record, stages, signature.input_size)
            else:
                stages.append(_build(record, arrays))
        model = cls(tuple(stages), signature, origin)
        left_over = sorted(set(arrays) - set(model.arrays))
        if left_over:
            fault = f"arrays that belong to no stage: {', '.join(left_over)}"
            raise UnsupportedModel(f"{fault}; export the model again")
        return model


def _is_list_of_records(chain: object) -> bool:
    return isinstance(chain, list) and all(isinstance(record, dict) for record in chain)


def _check_text(name: str) -> None:
    """Refuse a name that no file can hold: UTF-8 has no half of a surrogate pair."""
    if any("\ud800" <= character <= "\udfff" for character in name):
        fault = "holds half of a surrogate pair, which is no character"
        raise UnsupportedModel(f"the stage name {quoted(name)} {fault}; rename the stage")


def _check_finite(stage: Stage) -> None:
    for key, array in stage.arrays.items():
        finite = np.isfinite(array)
        if not finite.all():
            first = tuple(np.argwhere(~finite)[0])
            place = f"{stage.name}.{key}[{', '.join(map(str, first))}]"
            fault = f"{place} is {array[first]}, not a finite number"
            raise UnsupportedModel(f"{fault}; the training diverged, or it was altered")


def _differences(stage: Stage, others: Mapping[str, Array]) -> Iterator[str]:
    """Sentences on the arrays of `stage` that differ from `others`, which have their full names."""
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
    for full_name, array in arrays.items():
        prefix, _, key = full_name.rpartition(".")  # a stage's name may hold dots, `head.0`
        if prefix == name:
            own[key] = array
    try:
        stage = STAGES[kind].build(name, own, options)
        return replace(stage, inputs=tuple(inputs))
    except (TypeError, KeyError) as error:
        fault = "what is stored of it is missing, unknown or of another kind"
        raise UnsupportedModel(f"stage {name} ({kind}): {fault}; export the model again") from error
