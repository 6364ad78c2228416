"""Bugs of the order of layers and directions, and of learned states."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np

from ...model import GRU, LSTM, Array, Model, Recurrent
from .mutation import Change, Mutation, exchanged, mutations, with_arrays

_PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
_STATES = ("h0", "c0")


def order_bugs(model: Model) -> Iterator[Mutation]:
    """Layers or directions exchanged, layers left out, learned states lost or exchanged."""
    for stage in model.recurrent:
        for kind, change in _kinds(stage):
            changed = with_arrays(stage, change)
            yield from mutations(kind, exchanged(model, (stage, changed)), stage.name)


def _kinds(stage: Recurrent) -> Iterator[tuple[str, Change]]:
    yield from _layer_kinds(stage)
    if stage.bidirectional:
        yield from _direction_kinds(stage)
    if isinstance(stage, GRU) and stage.bias:
        yield "bias_ih and bias_hh exchanged", _exchanged_biases
        yield "bias_hh added to bias_ih", _summed_biases
    yield from _state_kinds(stage)


def _layer_kinds(stage: Recurrent) -> Iterator[tuple[str, Change]]:
    for first, second in itertools.combinations(range(stage.num_layers), 2):
        pairs = {
            f"_l{first}": f"_l{second}",
            f"_l{first}_reverse": f"_l{second}_reverse",
        }
        yield f"layers {first} and {second} exchanged", partial(_renamed, _both_ways(pairs))
    for k in range(1, stage.num_layers):
        yield f"layer {k} left out", partial(_without_layer, stage, k)


def _direction_kinds(stage: Recurrent) -> Iterator[tuple[str, Change]]:
    pairs = {f"_l{k}": f"_l{k}_reverse" for k in range(stage.num_layers)}
    yield "directions exchanged", partial(_renamed, _both_ways(pairs))
    if stage.num_layers == 1:
        return
    for k in range(stage.num_layers):
        pair = {f"_l{k}": f"_l{k}_reverse"}
        yield f"directions of layer {k} exchanged", partial(_renamed, _both_ways(pair))


def _state_kinds(stage: Recurrent) -> Iterator[tuple[str, Change]]:
    learned = [state for state in _STATES if state in stage.weights]
    for state in learned:
        yield f"learned {state} lost", partial(_without, (state,))
    if len(learned) > 1:
        yield "learned h0 and c0 lost", partial(_without, _STATES)
    if isinstance(stage, LSTM) and learned and not stage.proj_size:
        yield "h0 and c0 exchanged", partial(_exchanged_states, stage)


def _both_ways(pairs: Mapping[str, str]) -> dict[str, str]:
    back = {second: first for first, second in pairs.items()}
    return {**pairs, **back}


def _renamed(suffixes: Mapping[str, str], arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Each array taken from where its suffix points; its shape may not fit any more."""
    renamed = dict(arrays)
    for key in arrays:
        for part in _PARTS:
            if key.startswith(part):
                suffix = key.removeprefix(part)
                renamed[key] = arrays[part + suffixes.get(suffix, suffix)]
    return renamed


def _without_layer(
    stage: Recurrent, left_out: int, arrays: Mapping[str, Array]
) -> dict[str, Array]:
    """The later layers move up; the learned states of the left-out layer go with it."""
    first = left_out * stage.directions
    rows = range(first, first + stage.directions)  # of h0 and c0 (num_layers * directions, size)
    remaining = {}
    for key, array in arrays.items():
        if key in _STATES:
            remaining[key] = np.delete(array, rows, axis=0)
            continue
        direction = "_reverse" if key.endswith("_reverse") else ""
        part, _, layer = key.removesuffix("_reverse").rpartition("_l")
        k = int(layer)
        if k < left_out:
            remaining[key] = array
        elif k > left_out:
            remaining[f"{part}_l{k - 1}{direction}"] = array
    return remaining


def _without(states: tuple[str, ...], arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {key: array for key, array in arrays.items() if key not in states}


def _exchanged_states(stage: Recurrent, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {**arrays, "h0": stage.initial("c"), "c0": stage.initial("h")}


def _exchanged_biases(arrays: Mapping[str, Array]) -> dict[str, Array]:
    changed = dict(arrays)
    for key, array in arrays.items():
        if key.startswith("bias_ih"):
            other = key.replace("bias_ih", "bias_hh")
            changed[key] = arrays[other]
            changed[other] = array
    return changed


def _summed_biases(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Both biases in one, which is right for an LSTM only: a GRU's reset gate acts on bias_hh."""
    changed = dict(arrays)
    for key, array in arrays.items():
        if key.startswith("bias_ih"):
            other = key.replace("bias_ih", "bias_hh")
            changed[key] = array + arrays[other]
            changed[other] = 0 * array  # zeros of its shape and type
    return changed
