"""Bugs of the other stages, of what is read, and of how numbers are stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from ...model import (
    Activation,
    Affine,
    Array,
    LastHidden,
    LastStep,
    LayerNorm,
    Linear,
    Model,
    Recurrent,
    Skip,
    Stage,
)
from ...model.forward import BATCH_NORM_EPS, Choices
from ...model.stages import ACTIVATIONS
from .mutation import Mutation, each, exchanged, inserted, mutations, with_arrays


def input_bugs(model: Model) -> Iterator[Mutation]:
    """What is read in another order, from elsewhere, or too much of it."""
    yield Mutation("the sequence read backwards", model, read=lambda x: x[:, ::-1])
    if model.signature.input_size > 1:
        yield Mutation("the features in reverse order", model, read=lambda x: x[:, :, ::-1])
        yield Mutation("the first two features exchanged", model, read=_first_two_exchanged)
        yield Mutation("the features shifted by one", model, read=lambda x: np.roll(x, 1, axis=2))
    yield Mutation("the state of the last call kept", model, keeps_state=True)
    yield Mutation("the lengths ignored", model, ignores_lengths=True)
    if not model.returns_every_step:
        if not _reads_both_ends(model):
            yield Mutation("the first step instead of the last", model, choices=Choices(step=-(2**31)))
            yield Mutation("the step before the last instead of the last", model, choices=Choices(step=-2))
        yield Mutation("the last step of the input left out", model, read=lambda x: x[:, : max(x.shape[1] - 1, 1)])
        yield Mutation("only the first step of the input read", model, read=lambda x: x[:, :1])
        yield Mutation("only the last step of the input read", model, read=lambda x: x[:, -1:])


def _reads_both_ends(model: Model) -> bool:
    """Whether there is no single step that the chain picks: the directions' final states stand at both ends."""
    pairs = zip(model.stages, model.stages[1:], strict=False)
    return any(isinstance(read_out, LastHidden) and getattr(rnn, "bidirectional", False) for rnn, read_out in pairs)


def _first_two_exchanged(x: Array) -> Array:
    order = [1, 0, *range(2, x.shape[2])]
    return x[:, :, order]


def stage_bugs(model: Model) -> Iterator[Mutation]:
    """Stage by stage along the chain."""
    for before, stage in zip((None, *model.stages), model.stages, strict=False):
        if isinstance(stage, Affine):
            yield from _affine_bugs(model, stage)
        elif isinstance(stage, Linear):
            yield from _linear_bugs(model, stage)
        elif isinstance(stage, Activation):
            yield from _activation_bugs(model, stage)
        elif isinstance(stage, LayerNorm):
            yield from _layer_norm_bugs(model, stage)
        elif isinstance(stage, Skip):
            yield from _skip_bugs(model, stage)
        elif isinstance(stage, LastStep | LastHidden):
            yield from _read_out_bugs(model, stage, before)
        following = model.stages[model.stages.index(stage) + 1 :][:1]
        if isinstance(stage, Linear | LastStep | LastHidden) and not isinstance((*following, None)[0], Activation):
            for function in ACTIVATIONS:
                added = Activation(f"{stage.name}.{function}", function)
                yield from mutations(f"{function} added", inserted(model, added, stage), stage.name)


def _affine_bugs(model: Model, stage: Affine) -> Iterator[Mutation]:
    ones, zeros = np.ones_like(stage.scale), np.zeros_like(stage.offset)
    swapped = replace(stage, offset=stage.scale, scale=np.where(stage.offset, stage.offset, 1))
    twice = replace(stage, name=f"{stage.name} again")
    others: dict[str, Affine | None] = {
        "left out": None,
        "offset and scale exchanged": swapped,
        "offset lost": replace(stage, offset=zeros),
        "scale lost": replace(stage, scale=ones),
        "applied the other way round": replace(stage, inverse=not stage.inverse),
        "columns in reverse order": replace(stage, offset=stage.offset[::-1], scale=stage.scale[::-1]),
    }
    variance = stage.scale.astype(np.float64) ** 2 - BATCH_NORM_EPS
    if not stage.inverse and (variance > 0).all():
        others["eps 1e-3"] = replace(stage, scale=np.sqrt(variance + 1e-3))
    for kind, other in others.items():
        yield from mutations(kind, exchanged(model, (stage, other)), stage.name)
    yield from mutations("applied twice", inserted(model, twice, stage), stage.name)
    if not stage.inverse and stage is not model.stages[0]:
        yield Mutation("batch statistics", model, stage.name, choices=Choices(batch_statistics=stage.name))


def _linear_bugs(model: Model, stage: Linear) -> Iterator[Mutation]:
    others: dict[str, Stage | None] = {
        "left out": None,
        "weight transposed": replace(stage, weight=stage.weight.T),
        "weight read column by column": replace(stage, weight=stage.weight.T.reshape(stage.weight.shape)),
        "outputs in reverse order": replace(stage, weight=stage.weight[::-1], bias=_reversed(stage.bias)),
        "inputs in reverse order": replace(stage, weight=stage.weight[:, ::-1]),
    }
    if stage.bias is not None:
        others["bias lost"] = replace(stage, bias=None)
        others["bias halved"] = replace(stage, bias=0.5 * stage.bias)
        others["bias doubled"] = replace(stage, bias=2 * stage.bias)
    for kind, other in others.items():
        yield from mutations(kind, exchanged(model, (stage, other)), stage.name)


def _reversed(bias: Array | None) -> Array | None:
    return None if bias is None else bias[::-1]


def _activation_bugs(model: Model, stage: Activation) -> Iterator[Mutation]:
    yield from mutations("left out", exchanged(model, (stage, None)), stage.name)
    yield from mutations(
        "applied twice", inserted(model, replace(stage, name=f"{stage.name} again"), stage), stage.name
    )
    for function, parameter in ACTIVATIONS.items():
        other = Activation(stage.name, function)
        if function != stage.function:
            yield from mutations(f"{function} for {stage.function}", exchanged(model, (stage, other)), stage.name)
        elif other.parameter != stage.parameter:
            kind = f"{function} with the parameter {parameter:g}"
            yield from mutations(kind, exchanged(model, (stage, other)), stage.name)


def _layer_norm_bugs(model: Model, stage: LayerNorm) -> Iterator[Mutation]:
    others: dict[str, LayerNorm | None] = {"left out": None}
    for eps in (1e-3, 1e-5, 1e-6, 1e-8):
        if np.float32(eps) != np.float32(stage.eps):
            others[f"eps {eps:g}"] = replace(stage, eps=eps)
    if stage.bias is not None:
        others["bias lost"] = replace(stage, bias=None)
    if stage.weight is not None:
        others["weight lost"] = replace(stage, weight=np.ones_like(stage.weight))
        others["weight and bias lost"] = replace(stage, weight=None, bias=None)
    for kind, other in others.items():
        yield from mutations(kind, exchanged(model, (stage, other)), stage.name)


def _skip_bugs(model: Model, stage: Skip) -> Iterator[Mutation]:
    yield from mutations("left out", exchanged(model, (stage, None)), stage.name)
    yield from mutations("added twice", inserted(model, replace(stage, name=f"{stage.name} again"), stage), stage.name)
    width = model.signature.input_size
    for shift in range(1, width):
        features = tuple((feature + shift) % width for feature in stage.features)
        kind = f"features {features} added"
        yield from mutations(kind, exchanged(model, (stage, replace(stage, features=features))), stage.name)
    if len(stage.features) > 1 and stage.features[::-1] != stage.features:
        other = replace(stage, features=stage.features[::-1])
        yield from mutations("features added in reverse order", exchanged(model, (stage, other)), stage.name)


def _read_out_bugs(model: Model, stage: Stage, before: Stage | None) -> Iterator[Mutation]:
    """Of two directions the reverse one ends at the first step: LastStep and LastHidden differ."""
    if isinstance(before, Recurrent) and before.bidirectional:
        other = LastHidden(stage.name) if isinstance(stage, LastStep) else LastStep(stage.name)
        kind = "reverse direction read at the wrong end"
        yield from mutations(kind, exchanged(model, (stage, other)), stage.name)


def number_bugs(model: Model, *, places: bool) -> Iterator[Mutation]:
    """Weights stored in too few digits: all arrays, all but those of scalers, and with `places` stage by stage."""
    scalers = {id(stage) for stage in model.stages if isinstance(stage, Affine)}
    groups: dict[str, list[Stage]] = {"": [stage for stage in model.stages if id(stage) not in scalers]}
    if scalers:
        groups["every stage"] = list(model.stages)
    if places:
        groups = {stage.name: [stage] for stage in model.stages if stage.arrays}
    for place, stages in groups.items():
        for kind, change in _ROUNDINGS.items():
            rounded = [(stage, with_arrays(stage, each(change))) for stage in stages if stage.arrays]
            mutated = exchanged(model, *rounded)
            if mutated is not None:
                yield Mutation(f"{kind} weights", mutated, place)


def _bfloat16(array: Array) -> Array:
    """Rounded to the nearest bfloat16, ties to even: the upper half of a float32."""
    bits = np.ascontiguousarray(array).view(np.uint32)
    rounded: Array = ((bits + 0x7FFF + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view(np.float32)
    return rounded


def _float16(array: Array) -> Array:
    return np.clip(array, -65504, 65504).astype(np.float16).astype(np.float32)


_ROUNDINGS: dict[str, Callable[[str, Array], Array]] = {
    "float16": lambda key, array: _float16(array),
    "bfloat16": lambda key, array: _bfloat16(array),
    "4-decimal": lambda key, array: array.round(4),
    "float16 (biases float32)": lambda key, array: _float16(array) if array.ndim > 1 else array,
}
