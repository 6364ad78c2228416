"""Which stage takes whose value: names resolved, shapes checked, stages exchanged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..errors import UnsupportedModel
from .recurrent import Recurrent
from .stage import Shape, Stage, X
from .stages import LastHidden

INPUT = -1  # the index of the model's input among the sources of a stage

Sources = tuple[int, ...]


def shortened(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """The same stages; one that takes just the stage before it names no inputs."""
    chain: list[Stage] = []
    before = X
    for stage in stages:
        is_usual = stage.inputs == (before,)
        chain.append(replace(stage, inputs=()) if is_usual else stage)
        before = stage.name
    return tuple(chain)


def sources_of(stages: tuple[Stage, ...]) -> tuple[Sources, ...]:
    """For each stage the indices of those whose values it takes; `INPUT` for the model's input.

    Raises:
        UnsupportedModel: a stage names what does not stand before it, or nothing takes its value.
    """
    known = {X: INPUT}
    sources: list[Sources] = []
    for index, stage in enumerate(stages):
        for name in stage.inputs:
            if name not in known:
                before = ", ".join(known)
                fault = f"takes {name!r}, which does not stand before it"
                raise UnsupportedModel(f"{stage.name} {fault}; before it stand {before}")
        named = tuple(known[name] for name in stage.inputs)
        sources.append(named or (index - 1,))
        known[stage.name] = index
    _expect_used(stages, sources)
    return tuple(sources)


def _expect_used(stages: tuple[Stage, ...], sources: list[Sources]) -> None:
    used = set().union(*sources)
    for index, stage in enumerate(stages[:-1]):
        if index not in used:
            fault = f"nothing takes the value of {stage.name}"
            raise UnsupportedModel(f"{fault}; leave it out, or name it among the inputs of another")


def shapes_of(
    stages: tuple[Stage, ...], sources: tuple[Sources, ...], input_size: int
) -> tuple[Shape, ...]:
    """The shape of every stage's value.

    Raises:
        UnsupportedModel: a stage does not take what it is given.
    """
    x = Shape(input_size, is_sequence=True)
    shapes: list[Shape] = []
    for stage, own_sources in zip(stages, sources, strict=True):
        inputs = tuple(x if source == INPUT else shapes[source] for source in own_sources)
        shape = stage.shape(inputs)
        if isinstance(stage, LastHidden):  # its width is that of a state, not of what it takes
            (source,) = own_sources
            recurrent = None if source == INPUT else stages[source]
            shape = Shape(_width_of_state(stage, recurrent), is_sequence=False)
        shapes.append(shape)
    return tuple(shapes)


def _width_of_state(stage: LastHidden, recurrent: Stage | None) -> int:
    if not isinstance(recurrent, Recurrent):
        fault = "takes a hidden state, but no recurrent stage stands before it; put it after one"
        raise UnsupportedModel(f"{stage.name} {fault}")
    if stage.state not in recurrent.states:
        states = " and ".join(recurrent.states)
        got = f"{stage.name} takes the state {stage.state!r} of {recurrent.name}"
        raise UnsupportedModel(f"{got} ({recurrent.kind}), which has {states}")
    if -stage.layer > recurrent.num_layers:
        got = f"{stage.name} takes layer {stage.layer} of {recurrent.name}"
        raise UnsupportedModel(f"{got}, which has {recurrent.num_layers}")
    return recurrent.directions * recurrent.width_of(stage.state)


def spelled_out(stages: tuple[Stage, ...], sources: tuple[Sources, ...]) -> tuple[Stage, ...]:
    """The same stages, each naming what it takes: they can be put into another order or place."""
    spelled = []
    for stage, own_sources in zip(stages, sources, strict=True):
        names = tuple(X if source == INPUT else stages[source].name for source in own_sources)
        spelled.append(replace(stage, inputs=names))
    return tuple(spelled)


def needed(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """The stages that the last one needs; each has to name its inputs."""
    needed_names = {stages[-1].name}
    last_first: list[Stage] = []
    for stage in reversed(stages):  # a stage takes only what stands before it
        if stage.name in needed_names:
            last_first.append(stage)
            needed_names |= set(stage.inputs)
    return tuple(reversed(last_first))


def exchanged(
    stages: tuple[Stage, ...],
    sources: tuple[Sources, ...],
    others: Mapping[int, tuple[Stage, ...]],
) -> tuple[Stage, ...]:
    """The stages with some, by index, exchanged for others in a row; an empty tuple leaves one out.

    What took the value of an exchanged stage takes that of the last of the others, or where there
    are none what the stage itself took first.
    """
    names = {INPUT: X}  # by index whose value stands for that stage's now
    chain: list[Stage] = []
    for index, stage in enumerate(stages):
        inputs = tuple(names[source] for source in sources[index])
        names[index] = inputs[0]
        for other in others.get(index, (stage,)):
            chain.append(replace(other, inputs=inputs))
            inputs = (other.name,)
            names[index] = other.name
    return shortened(tuple(chain))
