"""Bugs of recurrent layers: of all, of one layer in one direction, of the order of layers and directions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from ...model import GRU, LSTM, Array, Model, Recurrent
from ...model.forward import Choices
from ...model.gates import reorder_gates
from .mutation import Change, Mutation, each, exchanged, with_arrays

_PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
_Change = Callable[[str, Array], Array]


def cell_bugs(model: Model, *, places: bool) -> Iterator[Mutation]:
    """Bugs that strike every cell alike; with `places`, one cell after another instead."""
    cells = [(stage, suffix) for stage in model.recurrent for suffix in stage.suffixes]
    if not places:
        for kind, changes in _kinds(model.recurrent).items():
            pairs = [(stage, with_arrays(stage, each(change))) for stage, change in changes]
            if (mutated := exchanged(model, *pairs)) is not None:
                yield Mutation(kind, mutated)
        for kind, choices in _choices(model.recurrent):
            yield Mutation(kind, model, choices=choices)
        return
    for stage, suffix in cells if len(cells) > 1 else ():
        place = f"{stage.name}{suffix}"
        for kind, change in _cell_kinds(stage):
            mutated = exchanged(model, (stage, with_arrays(stage, each(partial(_only, suffix, change)))))
            if mutated is not None:
                yield Mutation(kind, mutated, place)
        for kind, choices in _choices((stage,)):
            if not _is_about_reverse(choices) or (suffix.endswith("_reverse") and len(cells) > 2):
                yield Mutation(kind, model, place, choices=replace(choices, only=place))


def _kinds(stages: tuple[Recurrent, ...]) -> dict[str, list[tuple[Recurrent, _Change]]]:
    """By kind the stages that can have it: an LSTM's gates have other orders than a GRU's."""
    kinds: dict[str, list[tuple[Recurrent, _Change]]] = {}
    for stage in stages:
        for kind, change in _cell_kinds(stage):
            kinds.setdefault(kind, []).append((stage, change))
    return kinds


def _only(suffix: str, change: _Change, key: str, array: Array) -> Array:
    return change(key, array) if key.endswith(suffix) else array


def _cell_kinds(stage: Recurrent) -> Iterator[tuple[str, _Change]]:
    gates = stage.gates
    for order in itertools.permutations(gates):
        if order != gates:
            yield f"gates stacked as {', '.join(order)}", partial(_restacked, gates, order)
    yield "weight_hh transposed", partial(_transposed, "weight_hh", len(gates))
    yield "weight_ih transposed", partial(_transposed, "weight_ih", len(gates))
    yield "weight_hh read column by column", partial(_reread, "weight_hh")
    yield "weight_ih read column by column", partial(_reread, "weight_ih")
    if stage.proj_size:
        yield "weight_hr read column by column", partial(_reread, "weight_hr")
        yield "weight_hr with its columns reversed", lambda key, a: a[:, ::-1] if key.startswith("weight_hr") else a
    if stage.bias:
        yield from _bias_kinds(stage)


def _bias_kinds(stage: Recurrent) -> Iterator[tuple[str, _Change]]:
    yield "bias_ih lost", partial(_times, ("bias_ih",), 0.0)
    yield "bias_hh lost", partial(_times, ("bias_hh",), 0.0)
    yield "bias_ih and bias_hh lost", partial(_times, ("bias_ih", "bias_hh"), 0.0)
    yield "biases halved", partial(_times, ("bias_ih", "bias_hh"), 0.5)
    yield "biases doubled", partial(_times, ("bias_ih", "bias_hh"), 2.0)
    for index, gate in enumerate(stage.gates):
        yield f"bias of the {gate} gate lost", partial(_gate_lost, index, stage.hidden_size)
    if "forget" in stage.gates:
        yield "1 added to the bias of the forget gate", partial(_forget_bias, stage)


def _restacked(gates: tuple[str, ...], order: tuple[str, ...], key: str, array: Array) -> Array:
    return array if key in _STATES or key.startswith("weight_hr") else reorder_gates(array, gates, order)


_STATES = ("h0", "c0")


def _times(parts: tuple[str, ...], factor: float, key: str, array: Array) -> Array:
    return array * np.float32(factor) if key.startswith(parts) else array


def _gate_lost(index: int, size: int, key: str, array: Array) -> Array:
    if not key.startswith("bias"):
        return array
    kept = np.ones(len(array), np.float32)
    kept[index * size : (index + 1) * size] = 0
    return array * kept


def _forget_bias(stage: Recurrent, key: str, array: Array) -> Array:
    if not key.startswith("bias_ih"):
        return array
    added = np.zeros(len(array), np.float32)
    at, size = stage.gates.index("forget"), stage.hidden_size
    added[at * size : (at + 1) * size] = 1
    return array + added


def _transposed(part: str, gates: int, key: str, array: Array) -> Array:
    """Gate by gate, where the gates are square."""
    if not key.startswith(part) or array.shape[0] != gates * array.shape[1]:
        return array
    return np.concatenate([gate.T for gate in np.split(array, gates)])


def _reread(part: str, key: str, array: Array) -> Array:
    """The bytes of a matrix taken for those of its transpose."""
    return array.T.reshape(array.shape) if key.startswith(part) else array


def _choices(stages: tuple[Recurrent, ...]) -> Iterator[tuple[str, Choices]]:
    yield "hard sigmoid of slope 0.2", Choices(sigmoid=partial(_hard_sigmoid, 0.2))
    yield "hard sigmoid of slope 1/6", Choices(sigmoid=partial(_hard_sigmoid, 1 / 6))
    if any(isinstance(stage, LSTM) for stage in stages):
        yield "input_forget", Choices(input_forget=True)
    if any(isinstance(stage, GRU) for stage in stages):
        yield "linear_before_reset=0", Choices(linear_before_reset=False)
    if any(stage.bidirectional for stage in stages):
        yield "reverse direction reads forwards", Choices(reads_backwards=False, turns_back=False)
        yield "reverse direction reads forwards and is turned", Choices(reads_backwards=False)
        yield "reverse direction not turned back", Choices(turns_back=False)


def _is_about_reverse(choices: Choices) -> bool:
    return not (choices.reads_backwards and choices.turns_back)


def _hard_sigmoid(slope: float, x: Array) -> Array:
    return np.clip(slope * x + 0.5, 0.0, 1.0)


def order_bugs(model: Model) -> Iterator[Mutation]:
    """Layers or directions exchanged, layers left out, learned states lost or exchanged."""
    for stage in model.recurrent:
        for kind, change in _orders(stage):
            mutated = exchanged(model, (stage, with_arrays(stage, change)))
            if mutated is not None:
                yield Mutation(kind, mutated, stage.name)


def _orders(stage: Recurrent) -> Iterator[tuple[str, Change]]:
    for k, other in itertools.combinations(range(stage.num_layers), 2):
        pairs = {f"_l{k}{way}": f"_l{other}{way}" for way in ("", "_reverse")}
        yield f"layers {k} and {other} exchanged", partial(_renamed, _both_ways(pairs))
    for k in range(1, stage.num_layers):
        yield f"layer {k} left out", partial(_without_layer, stage, k)
    if stage.bidirectional:
        turned = {f"_l{k}": f"_l{k}_reverse" for k in range(stage.num_layers)}
        yield "directions exchanged", partial(_renamed, _both_ways(turned))
        for one, two in turned.items() if stage.num_layers > 1 else ():
            yield f"directions of layer {one[2:]} exchanged", partial(_renamed, _both_ways({one: two}))
    if isinstance(stage, GRU) and stage.bias:
        yield "bias_ih and bias_hh exchanged", _exchanged_biases
        yield "bias_hh added to bias_ih", _summed_biases
    learned = [state for state in _STATES if state in stage.weights]
    for state in learned:
        yield f"learned {state} lost", partial(_without, (state,))
    if len(learned) > 1:
        yield "learned h0 and c0 lost", partial(_without, _STATES)
    if isinstance(stage, LSTM) and learned and not stage.proj_size:
        yield "h0 and c0 exchanged", partial(_exchanged_states, stage)


def _both_ways(pairs: Mapping[str, str]) -> dict[str, str]:
    return {**pairs, **{two: one for one, two in pairs.items()}}


def _renamed(suffixes: Mapping[str, str], arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Each array taken from where its suffix points; its shape may not fit any more."""
    found = {}
    for key, array in arrays.items():
        part = next((part for part in _PARTS if key.startswith(part)), "")
        found[key] = arrays[part + suffixes.get(key[len(part) :], key[len(part) :])] if part else array
    return found


def _without_layer(stage: Recurrent, k: int, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The layers behind it move up; the learned states of the left-out layer go with it."""
    ways = 1 + stage.bidirectional
    found = {}
    for key, array in arrays.items():
        part, _, layer = key.removesuffix("_reverse").rpartition("_l")
        if key in _STATES:
            found[key] = np.delete(array, range(k * ways, (k + 1) * ways), axis=0)
        elif int(layer) != k:
            moved = f"{part}_l{int(layer) - (int(layer) > k)}"
            found[moved + "_reverse" * key.endswith("_reverse")] = array
    return found


def _without(states: tuple[str, ...], arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {key: array for key, array in arrays.items() if key not in states}


def _exchanged_states(stage: Recurrent, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {**arrays, "h0": stage.initial("c"), "c0": stage.initial("h")}


def _exchanged_biases(arrays: Mapping[str, Array]) -> dict[str, Array]:
    other = {"bias_ih": "bias_hh", "bias_hh": "bias_ih"}
    return {key: arrays[other.get(key[:7], key[:7]) + key[7:]] for key in arrays}


def _summed_biases(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """What suits an LSTM only: a GRU's reset gate acts on bias_hh."""
    found = dict(arrays)
    for key in arrays:
        if key.startswith("bias_ih"):
            found[key] = arrays[key] + arrays["bias_hh" + key[7:]]
            found["bias_hh" + key[7:]] = 0 * arrays[key]
    return found
