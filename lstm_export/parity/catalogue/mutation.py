"""A known bug: what an engine that has it computes, in float64, and how such bugs are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...errors import UnsupportedModel
from ...model import Array, Model, Recurrent, Stage, forward, wiring
from ...model.forward import CORRECT, Choices, Noise, Output


@dataclass(frozen=True, eq=False)
class Mutation:
    """A bug that exporters and runtimes have, as a definition of its own.

    Another model, other choices, another input or another state.

    Attributes:
        kind: what is wrong, such as `bias_ih lost`.
        model: the model that is computed in fact.
        place: the cell or stage that has the bug, such as `lstm_l0_reverse`; empty where all have
            it.
        choices: how it is computed.
        read: what is made of the input before.
        keeps_state: whether the state after the last call is the next one's first.
        ignores_lengths: whether every row is taken to be as long as the longest.
    """

    kind: str
    model: Model
    place: str = ""
    choices: Choices = CORRECT
    read: Callable[[Array], Array] | None = None
    keeps_state: bool = False
    ignores_lengths: bool = False

    @property
    def name(self) -> str:
        """Kind and place, for people."""
        return f"{self.kind} in {self.place}" if self.place else self.kind

    @property
    def is_model(self) -> bool:
        """Whether a correct engine of the mutated model has the bug.

        Then any target can be made to have it.
        """
        is_other_use = self.read or self.keeps_state or self.ignores_lengths
        return self.choices == CORRECT and not is_other_use

    def __call__(
        self, x: Array, noise: Noise | None = None, *, lengths: Array | None = None
    ) -> Output:
        """The buggy engine's answer, where `forward` gives the right one."""
        if self.read:
            x = self.read(x)
        if self.ignores_lengths:
            lengths = None
        if lengths is not None:
            lengths = np.minimum(lengths, x.shape[1])
        state = None
        if self.keeps_state:
            before = forward(self.model, x, noise, lengths=lengths, choices=self.choices)
            state = before.state
        return forward(self.model, x, noise, lengths=lengths, state=state, choices=self.choices)


# A change of the arrays of one stage, by their names without the stage's prefix.
Change = Callable[[Mapping[str, Array]], Mapping[str, Array]]
# A change of one array, by its name.
ArrayChange = Callable[[str, Array], Array]


def each(change: ArrayChange) -> Change:
    """Array by array."""
    return lambda arrays: {key: change(key, array) for key, array in arrays.items()}


def with_arrays(stage: Stage, change: Change) -> Stage:
    """The stage with other arrays."""
    changed: dict[str, Any] = dict(change(stage.arrays))
    if isinstance(stage, Recurrent):
        return replace(stage, weights=changed)
    return replace(stage, **changed)


def exchanged(model: Model, *pairs: tuple[Stage, Stage | None]) -> Model | None:
    """The model with some stages exchanged for others, or left out; None where that is none."""
    places = {id(stage): index for index, stage in enumerate(model.stages)}
    others: dict[int, tuple[Stage, ...]] = {}
    for old, new in pairs:
        others[places[id(old)]] = () if new is None else (new,)
    return built(model, wiring.exchanged(model.stages, model.sources, others))


def inserted(model: Model, stage: Stage, after: Stage) -> Model | None:
    """The model with one stage more; None where that is none."""
    others = {model.stages.index(after): (after, stage)}
    return built(model, wiring.exchanged(model.stages, model.sources, others))


def rewired(model: Model, stage: Stage, inputs: tuple[str, ...]) -> Model | None:
    """The model with a stage that takes other values, without what nothing takes then."""
    return replaced(model, replace(stage, inputs=inputs))


def replaced(model: Model, instead: Stage) -> Model | None:
    """The model with a stage in the place of the one of its name, without what nothing takes then.

    It names its inputs.
    """
    stages = wiring.spelled_out(model.stages, model.sources)
    changed = [instead if stage.name == instead.name else stage for stage in stages]
    return built(model, wiring.needed(tuple(changed)))


def built(model: Model, stages: tuple[Stage, ...]) -> Model | None:
    """The model with these stages, or None where they do not fit together."""
    try:
        return replace(model, stages=stages)
    except UnsupportedModel:
        return None


def mutations(kind: str, model: Model | None, place: str = "") -> Iterator[Mutation]:
    """The mutation of this kind, where there is such a model."""
    if model is not None:
        yield Mutation(kind, model, place)
