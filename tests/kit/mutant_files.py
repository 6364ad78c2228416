"""Broken ONNX files of one chain: what writers and converters get wrong, each as a file.

Most are another model, written by this package's own writer: its gates, biases, layers or read-out
are wrong, but the file is as tidy as a correct one. The others are a correct file whose graph was
edited after it was written (edited_graphs.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstm_export.errors import UnsupportedModel
from lstm_export.model import (
    GRU,
    LSTM,
    Activation,
    Add,
    Affine,
    Array,
    Join,
    LastHidden,
    LastStep,
    LayerNorm,
    Linear,
    Model,
    Multiply,
    Pool,
    Recurrent,
    Slice,
    Stage,
    wiring,
)
from lstm_export.model.gates import reorder_gates
from lstm_export.targets.onnx import DEFAULT_OPSET
from lstm_export.targets.onnx.writer import to_bytes

from .edited_graphs import with_changed_attribute, with_changed_input, with_nan

STRUCTURE = "structure"
SUBTLE = "subtle"


@dataclass(frozen=True)
class Mutant:
    """A broken file.

    Attributes:
        kind: what is wrong with it.
        group: the row of the table that it counts for.
        data: its bytes.
        model: what it computes, where a chain of this package says so.
        change: what it does to its input before.
    """

    kind: str
    group: str
    data: bytes
    model: Model | None = None
    change: Callable[[Array], Array] = lambda x: x


def mutants(model: Model, random: np.random.Generator) -> Iterator[Mutant]:
    """Every kind that applies to this chain, once."""
    for kind, group, changed in (*_models(model, random), *_weights(model, random)):
        yield Mutant(kind, group, to_bytes(changed, DEFAULT_OPSET), changed)
    correct = to_bytes(model, DEFAULT_OPSET)
    for kind, data, change in with_changed_input(correct, model):
        yield Mutant(kind, STRUCTURE, data, model, change)
    for kind, data in with_changed_attribute(correct, model):
        yield Mutant(kind, STRUCTURE, data)
    yield Mutant("NaN", "NaN outputs", with_nan(correct))


_Named = tuple[str, str, Model]


def _models(model: Model, random: np.random.Generator) -> Iterator[_Named]:
    """Chains that differ in a stage."""
    for kind, group, change in _STAGES:
        others = {index: change(stage) for index, stage in enumerate(model.stages)}
        if any(others[index] != (stage,) for index, stage in enumerate(model.stages)):
            found = _valid(model, wiring.exchanged(model.stages, model.sources, others))
            if found is not None:
                yield kind, group, found
    yield from _joined_otherwise(model)
    longer = (*model.stages, Activation("added", "tanh"))
    yield "activation added", STRUCTURE, replace(model, stages=longer)
    for kind, found in _other_ends(model):
        yield kind, STRUCTURE, found


def _joined_otherwise(model: Model) -> Iterator[_Named]:
    """Every kind of join with its values in the other order, and with another one for its last."""
    spelled_out = wiring.spelled_out(model.stages, model.sources)
    for index, stage in enumerate(spelled_out):
        if isinstance(stage, Join):
            turned = replace(stage, inputs=stage.inputs[::-1])
            wrong = replace(stage, inputs=(*stage.inputs[:-1], stage.inputs[0]))
            kinds = {f"{stage.kind}: first value twice": wrong}
            if not isinstance(stage, Add | Multiply):
                kinds[f"{stage.kind}: values exchanged"] = turned
            for kind, other in kinds.items():
                stages = wiring.needed(_with(spelled_out, index, other))
                found = _valid(model, stages)
                if found is not None:
                    yield kind, STRUCTURE, found


def _valid(model: Model, stages: tuple[Stage, ...]) -> Model | None:
    try:
        return replace(model, stages=stages)
    except UnsupportedModel:  # such as a norm left out whose weights chained the widths
        return None


def _of(
    kind: type[Stage] | tuple[type[Stage], ...], change: Callable[[Any], tuple[Stage, ...]]
) -> Any:
    """A change of the stages of one kind; others stay as they are, the very objects."""
    return lambda stage: change(stage) if isinstance(stage, kind) else (stage,)


def _weights_of(kind: type[Recurrent], change: Callable[[Any, str, Array], Array]) -> Any:
    """A change of the weights of recurrent stages, the stage itself where none of them changed."""

    def changed(stage: Recurrent) -> tuple[Stage, ...]:
        weights = {key: change(stage, key, array) for key, array in stage.weights.items()}
        same = all(
            weights[key] is array or np.array_equal(weights[key], array)
            for key, array in stage.weights.items()
        )
        return (stage,) if same else (replace(stage, weights=weights),)

    return _of(kind, changed)


def _stacked(*order: str) -> Callable[[Any, str, Array], Array]:
    def change(stage: Recurrent, key: str, array: Array) -> Array:
        is_stacked = key.startswith(("weight_ih", "weight_hh", "bias"))
        return reorder_gates(array, stage.gates, order) if is_stacked else array

    return change


def _scaled(start: str, factor: float) -> Callable[[Any, str, Array], Array]:
    return lambda stage, key, array: array * np.float32(factor) if key.startswith(start) else array


def _transposed(stage: Recurrent, key: str, array: Array) -> Array:
    if not key.startswith("weight_hh") or stage.proj_size:
        return array
    return np.concatenate([gate.T for gate in np.split(array, len(stage.gates))])


def _exchanged(renamed: Callable[[Recurrent, str], str]) -> Callable[[Any, str, Array], Array]:
    """Arrays that stand under each other's names, where their shapes allow it."""

    def change(stage: Recurrent, key: str, array: Array) -> Array:
        keys = {old: renamed(stage, old) for old in stage.weights}
        fits = all(
            new in stage.weights and stage.weights[new].shape == stage.weights[old].shape
            for old, new in keys.items()
        )
        return stage.weights[keys[key]] if fits else array

    return change


def _last_layers(stage: Recurrent, key: str) -> str:
    """The names of the last two layers exchanged."""
    before_last = f"_l{stage.num_layers - 2}"
    last = f"_l{stage.num_layers - 1}"
    if before_last in key:
        return key.replace(before_last, last)
    return key.replace(last, before_last)


def _directions(stage: Recurrent, key: str) -> str:
    if not stage.bidirectional or key in ("h0", "c0"):
        return key
    return key.removesuffix("_reverse") if key.endswith("_reverse") else f"{key}_reverse"


def _states(stage: Recurrent, key: str) -> str:
    return {"h0": "c0", "c0": "h0"}.get(key, key)


def _is_norm(stage: Affine) -> bool:
    return stage.name.startswith("bn")


def _scaler(change: Callable[[Affine], tuple[Stage, ...]]) -> Any:
    return _of(Affine, lambda stage: (stage,) if _is_norm(stage) else change(stage))


def _with_eps(stage: Affine) -> tuple[Stage, ...]:
    """A batch norm whose variance was given 1e-3 instead of 1e-5."""
    is_first = _is_norm(stage) and not stage.inverse
    if not is_first:
        return (stage,)
    return (replace(stage, scale=np.sqrt(stage.scale**2 + 1e-3)),)


def _another(stage: Activation) -> tuple[Stage, ...]:
    others = {"relu": "silu", "tanh": "sigmoid"}
    return (Activation(stage.name, others.get(stage.function, "relu")),)


def _other_gelu(stage: Activation) -> tuple[Stage, ...]:
    other = {"gelu": "gelu_tanh", "gelu_tanh": "gelu"}.get(stage.function)
    return (Activation(stage.name, other),) if other else (stage,)


def _another_pool(stage: Pool) -> tuple[Stage, ...]:
    return (replace(stage, mode="max" if stage.mode == "mean" else "mean"),)


def _reversed_columns(stage: Slice) -> tuple[Stage, ...]:
    turned = stage.features[::-1]
    return (stage,) if turned == stage.features else (replace(stage, features=turned),)


_STAGES: list[tuple[str, str, Callable[[Stage], tuple[Stage, ...]]]] = [
    (
        "LSTM gates i and f exchanged",
        STRUCTURE,
        _weights_of(LSTM, _stacked("forget", "input", "cell", "output")),
    ),
    (
        "LSTM gates f and o exchanged",
        STRUCTURE,
        _weights_of(LSTM, _stacked("input", "output", "cell", "forget")),
    ),
    (
        "LSTM gates in ONNX's order",
        STRUCTURE,
        _weights_of(LSTM, _stacked("input", "output", "forget", "cell")),
    ),
    ("GRU gates in ONNX's order", STRUCTURE, _weights_of(GRU, _stacked("update", "reset", "new"))),
    ("bias_ih lost", STRUCTURE, _weights_of(Recurrent, _scaled("bias_ih", 0))),
    ("bias_hh lost", STRUCTURE, _weights_of(Recurrent, _scaled("bias_hh", 0))),
    ("biases halved", STRUCTURE, _weights_of(Recurrent, _scaled("bias", 0.5))),
    ("weight_hh transposed", STRUCTURE, _weights_of(Recurrent, _transposed)),
    ("last two layers exchanged", STRUCTURE, _weights_of(Recurrent, _exchanged(_last_layers))),
    ("directions exchanged", STRUCTURE, _weights_of(Recurrent, _exchanged(_directions))),
    ("learned h0 lost", STRUCTURE, _weights_of(Recurrent, _scaled("h0", 0))),
    ("h0 and c0 exchanged", STRUCTURE, _weights_of(LSTM, _exchanged(_states))),
    ("activation left out", STRUCTURE, _of(Activation, lambda stage: ())),
    ("another activation", STRUCTURE, _of(Activation, _another)),
    ("last step for a pool", STRUCTURE, _of(Pool, lambda stage: (LastStep(stage.name),))),
    ("another pool", STRUCTURE, _of(Pool, _another_pool)),
    ("columns in reverse order", STRUCTURE, _of(Slice, _reversed_columns)),
    ("scaler left out", STRUCTURE, _scaler(lambda stage: ())),
    (
        "scaler applied twice",
        STRUCTURE,
        _scaler(lambda stage: (stage, replace(stage, name=f"{stage.name} again"))),
    ),
    (
        "mean and std exchanged",
        STRUCTURE,
        _scaler(lambda s: (replace(s, offset=s.scale, scale=np.where(s.offset, s.offset, 1)),)),
    ),
    (
        "LayerNorm eps 1e-3",
        SUBTLE,
        _of(LayerNorm, lambda stage: (replace(stage, eps=1e-3),)),
    ),
    ("BatchNorm eps 1e-3", SUBTLE, _of(Affine, _with_eps)),
    ("the other gelu", SUBTLE, _of(Activation, _other_gelu)),
]


def _other_ends(model: Model) -> Iterator[tuple[str, Model]]:
    """The last Linear without its bias, and a reverse direction that is read at its wrong end."""
    stages = model.stages
    heads = [
        index
        for index, stage in enumerate(stages)
        if isinstance(stage, Linear) and stage.bias is not None
    ]
    if heads:
        head = replace(stages[heads[-1]], bias=None)  # type: ignore[type-var]
        yield "head bias lost", replace(model, stages=_with(stages, heads[-1], head))
    for index, stage in enumerate(stages):
        before = stages[model.sources[index][0]]
        has_two_ends = isinstance(before, Recurrent) and before.bidirectional
        if has_two_ends and isinstance(stage, LastStep | LastHidden):
            kind = LastHidden if isinstance(stage, LastStep) else LastStep
            other = kind(stage.name, inputs=stage.inputs)
            changed = replace(model, stages=_with(stages, index, other))
            yield "reverse direction read at its wrong end", changed


def _with(stages: tuple[Stage, ...], index: int, stage: Stage) -> tuple[Stage, ...]:
    return (*stages[:index], stage, *stages[index + 1 :])


def _weights(model: Model, random: np.random.Generator) -> Iterator[_Named]:
    """Chains whose weights are rounded, or differ in one value."""
    for kind, rounded in _ROUNDINGS.items():
        arrays = {
            name: rounded(array) if _is_weight(name) else array
            for name, array in model.arrays.items()
        }
        yield kind, f"{kind} weights", _with_arrays(model, arrays)
    heads = {stage.name for stage in model.stages if isinstance(stage, Linear)}
    kinds: list[tuple[str, Callable[[str], bool], float]] = [
        (
            "one head weight + 1e-3",
            lambda name: name.rpartition(".")[0] in heads and name.endswith("weight"),
            1e-3,
        ),
        (
            "one bias + 1e-3",
            lambda name: "bias" in name.rpartition(".")[2] and _is_weight(name),
            1e-3,
        ),
        ("one W_ih + 1e-3", lambda name: ".weight_ih" in name, 1e-3),
        ("one W_hh + 1e-3", lambda name: ".weight_hh" in name, 1e-3),
        ("one W_hh + 1e-4", lambda name: ".weight_hh" in name, 1e-4),
        ("one bit of one weight", _is_weight, 0.0),
    ]
    for kind, chosen, by in kinds:
        names = [name for name in model.arrays if chosen(name)]
        if names:
            yield kind, kind, _with_arrays(model, _one_moved(model, names, by, random))


def _is_weight(name: str) -> bool:
    """Of a recurrent stage or a Linear, not of a scaler or a norm."""
    return name.startswith(("rnn", "fc"))


def _one_moved(
    model: Model, names: list[str], by: float, random: np.random.Generator
) -> dict[str, Array]:
    """The arrays with one value moved, or with its lowest bit flipped where it is moved by 0."""
    name = names[int(random.integers(len(names)))]
    array = model.arrays[name].copy()
    place = tuple(int(random.integers(size)) for size in array.shape)
    if by:
        array[place] += np.float32(by)
    else:
        array.view(np.uint32)[place] ^= 1
    return {**model.arrays, name: array}


def _with_arrays(model: Model, arrays: dict[str, Array]) -> Model:
    return Model.from_record(model.chain_record(), arrays, model.signature)


def _bfloat16(array: Array) -> Array:
    """To the nearest, ties to even: a bfloat16 is the upper half of a float32."""
    bits = array.view(np.uint32)
    rounded: Array = ((bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view(np.float32)
    return rounded


_ROUNDINGS: dict[str, Callable[[Array], Array]] = {
    "fp16": lambda array: array.astype(np.float16).astype(np.float32),
    "bf16": _bfloat16,
    "4-decimal": lambda array: array.round(4),
}
