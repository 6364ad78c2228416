"""Bugs of the stages that are not recurrent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from ...model import (
    Activation,
    Affine,
    Clamp,
    LastHidden,
    LastStep,
    LayerNorm,
    Linear,
    Model,
    PReLU,
    Recurrent,
    Replace,
    RMSNorm,
    Stage,
    wiring,
)
from ...model.forward import BATCH_NORM_EPS, Choices
from ...model.stages import ACTIVATIONS
from .mutation import Mutation, exchanged, inserted, mutations

WRONG_EPS = 1e-3
# What engines take for each other: a function that equals one of these somewhere is not tried.
USUAL = ("relu", "tanh", "sigmoid", "gelu", "gelu_tanh", "silu", "softplus", "elu", "leaky_relu")


def stage_bugs(model: Model) -> Iterator[Mutation]:
    """Stage by stage along the chain."""
    for index, stage in enumerate(model.stages):
        source = model.sources[index][0]
        before = None if source == wiring.INPUT else model.stages[source]
        yield from _bugs_of(stage, before, model)
        is_followed = any(isinstance(reader, Activation) for reader in model.readers_of(index))
        if isinstance(stage, Linear | LastStep | LastHidden) and not is_followed:
            yield from _activation_added(model, stage)


def _bugs_of(stage: Stage, before: Stage | None, model: Model) -> Iterator[Mutation]:
    if isinstance(stage, Affine):
        yield from _affine_bugs(model, stage)
    elif isinstance(stage, Linear):
        yield from _linear_bugs(model, stage)
    elif isinstance(stage, Activation):
        yield from _activation_bugs(model, stage)
    elif isinstance(stage, Clamp):
        yield from _clamp_bugs(model, stage)
    elif isinstance(stage, Replace):
        yield from _instead(model, stage, {"left out": None})
    elif isinstance(stage, PReLU):
        turned = replace(stage, weight=stage.weight[::-1])
        wrong_stages = {"left out": None, "weight in reverse order": turned}
        yield from _instead(model, stage, wrong_stages)
    elif isinstance(stage, RMSNorm):
        yield from _rms_norm_bugs(model, stage)
    elif isinstance(stage, LayerNorm):
        yield from _layer_norm_bugs(model, stage)
    elif isinstance(stage, LastStep | LastHidden):
        yield from _read_out_bugs(model, stage, before)


def _instead(
    model: Model, stage: Stage, wrong_stages: Mapping[str, Stage | None]
) -> Iterator[Mutation]:
    """A mutation for each kind, whose stage stands in the place of `stage`; None leaves it out."""
    for kind, wrong in wrong_stages.items():
        yield from mutations(kind, exchanged(model, (stage, wrong)), stage.name)


def _again(model: Model, stage: Stage, kind: str) -> Iterator[Mutation]:
    """The stage twice."""
    twin = replace(stage, name=f"{stage.name} again")
    yield from mutations(kind, inserted(model, twin, stage), stage.name)


def _activation_added(model: Model, stage: Stage) -> Iterator[Mutation]:
    for function in USUAL:
        added = Activation(f"{stage.name}.{function}", function)
        yield from mutations(f"{function} added", inserted(model, added, stage), stage.name)


def _affine_bugs(model: Model, stage: Affine) -> Iterator[Mutation]:
    offset = stage.offset
    scale = stage.scale
    never_zero = np.where(offset, offset, 1)  # a scale of 0 would be refused before it is tried
    wrong_stages: dict[str, Stage | None] = {
        "left out": None,
        "offset and scale exchanged": replace(stage, offset=scale, scale=never_zero),
        "offset lost": replace(stage, offset=np.zeros_like(offset)),
        "scale lost": replace(stage, scale=np.ones_like(scale)),
        "applied the other way round": replace(stage, inverse=not stage.inverse),
        "columns in reverse order": replace(stage, offset=offset[::-1], scale=scale[::-1]),
    }
    # A folded batch norm has the scale sqrt(variance + eps), with torch's default eps.
    variance = scale.astype(np.float64) ** 2 - BATCH_NORM_EPS
    if not stage.inverse and (variance > 0).all():
        wrong_stages["eps 1e-3"] = replace(stage, scale=np.sqrt(variance + WRONG_EPS))
    yield from _instead(model, stage, wrong_stages)
    yield from _again(model, stage, "applied twice")
    if not stage.inverse and stage is not model.stages[0]:
        choices = Choices(batch_statistics=stage.name)
        yield Mutation("batch statistics", model, stage.name, choices=choices)


def _linear_bugs(model: Model, stage: Linear) -> Iterator[Mutation]:
    weight = stage.weight
    bias = stage.bias
    reread = weight.T.reshape(weight.shape)  # the bytes of the transpose taken for it
    mirrored = None if bias is None else bias[::-1]  # an output keeps its bias
    wrong_stages: dict[str, Stage | None] = {
        "left out": None,
        "weight transposed": replace(stage, weight=weight.T),  # fits where it is square
        "weight read column by column": replace(stage, weight=reread),
        "outputs in reverse order": replace(stage, weight=weight[::-1], bias=mirrored),
        "inputs in reverse order": replace(stage, weight=weight[:, ::-1]),
    }
    if bias is not None:
        wrong_stages["bias lost"] = replace(stage, bias=None)
        wrong_stages["bias halved"] = replace(stage, bias=0.5 * bias)
        wrong_stages["bias doubled"] = replace(stage, bias=2 * bias)
    yield from _instead(model, stage, wrong_stages)


def _activation_bugs(model: Model, stage: Activation) -> Iterator[Mutation]:
    yield from _instead(model, stage, {"left out": None})
    yield from _again(model, stage, "applied twice")
    for function in dict.fromkeys((*USUAL, stage.function)):
        other = Activation(stage.name, function)  # with torch's default for its parameter
        if function != stage.function:
            yield from _instead(model, stage, {f"{function} for {stage.function}": other})
        elif other.parameter != stage.parameter:
            kind = f"{function} with the parameter {ACTIVATIONS[function]:g}"
            yield from _instead(model, stage, {kind: other})


def _clamp_bugs(model: Model, stage: Clamp) -> Iterator[Mutation]:
    wrong_stages: dict[str, Stage | None] = {"left out": None}
    if stage.low is not None and stage.high is not None:
        wrong_stages["low lost"] = replace(stage, low=None)
        wrong_stages["high lost"] = replace(stage, high=None)
    yield from _instead(model, stage, wrong_stages)


def _layer_norm_bugs(model: Model, stage: LayerNorm) -> Iterator[Mutation]:
    wrong_stages: dict[str, Stage | None] = {"left out": None}
    for eps in (WRONG_EPS, 1e-5, 1e-6, 1e-8):
        if np.float32(eps) != np.float32(stage.eps):
            wrong_stages[f"eps {eps:g}"] = replace(stage, eps=eps)
    if stage.bias is not None:
        wrong_stages["bias lost"] = replace(stage, bias=None)
    if stage.weight is not None:
        wrong_stages["weight lost"] = replace(stage, weight=np.ones_like(stage.weight))
        wrong_stages["weight and bias lost"] = replace(stage, weight=None, bias=None)
    yield from _instead(model, stage, wrong_stages)


def _rms_norm_bugs(model: Model, stage: RMSNorm) -> Iterator[Mutation]:
    wrong_stages: dict[str, Stage | None] = {
        "left out": None,
        "eps 1e-3": replace(stage, eps=WRONG_EPS),
        "the mean subtracted": LayerNorm(stage.name, stage.weight, None, stage.eps),
    }
    if stage.weight is not None:
        wrong_stages["weight lost"] = replace(stage, weight=None)
    yield from _instead(model, stage, wrong_stages)


def _read_out_bugs(model: Model, stage: Stage, before: Stage | None) -> Iterator[Mutation]:
    """Another state, that of another layer, or the wrong end of a reverse direction.

    A reverse direction ends at the first step, so that LastStep and LastHidden differ.
    """
    if isinstance(stage, LastHidden) and isinstance(before, Recurrent):
        for layer in range(-before.num_layers, 0):
            for state in before.states:
                wrong = replace(stage, state=state, layer=layer)
                if (state, layer) != (stage.state, stage.layer):
                    kind = f"{state} of layer {layer} read"
                    yield from _instead(model, stage, {kind: wrong})
    if isinstance(before, Recurrent) and before.bidirectional:
        is_step = isinstance(stage, LastStep)
        other = LastHidden(stage.name) if is_step else LastStep(stage.name)
        yield from _instead(model, stage, {"reverse direction read at the wrong end": other})
