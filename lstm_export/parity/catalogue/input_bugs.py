"""Bugs of what is read: another order, another place, or too much of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...model import Array, LastHidden, Model, Recurrent
from ...model.forward import Choices
from .mutation import Mutation

FIRST_STEP = -(2**31)  # counted back from the last, further than any sequence is long


def input_bugs(model: Model) -> Iterator[Mutation]:
    """Bugs of features, of the sequence's order, of state and lengths, of the step that is read."""
    yield Mutation("the sequence read backwards", model, read=_backwards)
    if model.signature.input_size > 1:
        yield Mutation("the features in reverse order", model, read=_features_reversed)
        yield Mutation("the first two features exchanged", model, read=_first_two_exchanged)
        yield Mutation("the features shifted by one", model, read=_features_shifted)
    yield Mutation("the state of the last call kept", model, keeps_state=True)
    yield Mutation("the lengths ignored", model, ignores_lengths=True)
    if model.returns_every_step:
        return
    if not _reads_both_ends(model):
        first = Choices(step=FIRST_STEP)
        before = Choices(step=-2)
        yield Mutation("the first step instead of the last", model, choices=first)
        yield Mutation("the step before the last instead of the last", model, choices=before)
    yield Mutation("the last step of the input left out", model, read=_without_last)
    yield Mutation("only the first step of the input read", model, read=lambda x: x[:, :1])
    yield Mutation("only the last step of the input read", model, read=lambda x: x[:, -1:])


def _reads_both_ends(model: Model) -> bool:
    """Whether the chain picks no single step: final states of two directions stand at both ends."""
    for index, stage in enumerate(model.stages):
        if isinstance(stage, Recurrent) and stage.bidirectional:
            readers = model.readers_of(index)
            if any(isinstance(reader, LastHidden) for reader in readers):
                return True
    return False


def _backwards(x: Array) -> Array:
    return x[:, ::-1]


def _features_reversed(x: Array) -> Array:
    return x[:, :, ::-1]


def _first_two_exchanged(x: Array) -> Array:
    order = [1, 0, *range(2, x.shape[2])]
    return x[:, :, order]


def _features_shifted(x: Array) -> Array:
    return np.roll(x, 1, axis=2)


def _without_last(x: Array) -> Array:
    steps = max(x.shape[1] - 1, 1)  # no runner takes an empty sequence
    return x[:, :steps]
