"""Bugs of recurrent cells, in all of them alike or in one layer in one direction."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from ...model import GRU, LSTM, Array, Model, Recurrent
from ...model.forward import Choices
from ...model.gates import gate_slices, reorder_gates
from .mutation import ArrayChange, Mutation, each, exchanged, mutations, with_arrays

_STATES = ("h0", "c0")


def bugs_of_all_cells(model: Model) -> Iterator[Mutation]:
    """Bugs that strike every cell alike."""
    for kind, changes in _by_kind(model.recurrent).items():
        pairs = [(stage, with_arrays(stage, each(change))) for stage, change in changes]
        yield from mutations(kind, exchanged(model, *pairs))
    for kind, choices in _choices(model.recurrent):
        yield Mutation(kind, model, choices=choices)


def bugs_of_one_cell(model: Model) -> Iterator[Mutation]:
    """The same bugs in one cell after another, where there are several."""
    cells = [(stage, suffix) for stage in model.recurrent for suffix in stage.suffixes]
    if len(cells) == 1:
        return
    for stage, suffix in cells:
        place = f"{stage.name}{suffix}"
        for kind, change in _kinds(stage):
            changed = with_arrays(stage, each(partial(_only, suffix, change)))
            yield from mutations(kind, exchanged(model, (stage, changed)), place)
        has_direction = suffix.endswith("_reverse") and len(cells) > 2
        for kind, choices in _choices((stage,)):
            if has_direction or not _is_about_reverse(choices):
                yield Mutation(kind, model, place, choices=replace(choices, only=place))


def _by_kind(
    stages: tuple[Recurrent, ...],
) -> dict[str, list[tuple[Recurrent, ArrayChange]]]:
    """For each kind the stages that can have it: an LSTM's gates have other orders than a GRU's."""
    kinds: dict[str, list[tuple[Recurrent, ArrayChange]]] = {}
    for stage in stages:
        for kind, change in _kinds(stage):
            kinds.setdefault(kind, []).append((stage, change))
    return kinds


def _only(suffix: str, change: ArrayChange, key: str, array: Array) -> Array:
    return change(key, array) if key.endswith(suffix) else array


def _kinds(stage: Recurrent) -> Iterator[tuple[str, ArrayChange]]:
    """The ways in which the weights of a cell of this stage can be wrong."""
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
        yield "weight_hr with its columns reversed", partial(_mirrored, "weight_hr")
    if stage.bias:
        yield from _bias_kinds(stage)


def _bias_kinds(stage: Recurrent) -> Iterator[tuple[str, ArrayChange]]:
    both = ("bias_ih", "bias_hh")
    yield "bias_ih lost", partial(_times, ("bias_ih",), 0.0)
    yield "bias_hh lost", partial(_times, ("bias_hh",), 0.0)
    yield "bias_ih and bias_hh lost", partial(_times, both, 0.0)
    yield "biases halved", partial(_times, both, 0.5)
    yield "biases doubled", partial(_times, both, 2.0)
    at = gate_slices(stage.gates, stage.hidden_size)
    for gate in stage.gates:
        yield f"bias of the {gate} gate lost", partial(_gate_lost, at[gate])
    if "forget" in at:
        yield "1 added to the bias of the forget gate", partial(_one_added, at["forget"])


def _restacked(gates: tuple[str, ...], order: tuple[str, ...], key: str, array: Array) -> Array:
    is_stacked = key not in _STATES and not key.startswith("weight_hr")
    return reorder_gates(array, gates, order) if is_stacked else array


def _times(parts: tuple[str, ...], factor: float, key: str, array: Array) -> Array:
    return array * np.float32(factor) if key.startswith(parts) else array


def _gate_lost(rows: slice, key: str, array: Array) -> Array:
    if not key.startswith("bias"):
        return array
    factors = np.ones(len(array), np.float32)  # (gates * hidden_size,)
    factors[rows] = 0
    return array * factors


def _one_added(rows: slice, key: str, array: Array) -> Array:
    if not key.startswith("bias_ih"):  # to one of the two, since they are summed
        return array
    added = np.zeros(len(array), np.float32)  # (gates * hidden_size,)
    added[rows] = 1
    return array + added


def _transposed(part: str, gates: int, key: str, array: Array) -> Array:
    """Gate by gate, where the gates are square."""
    is_square = array.ndim == 2 and array.shape[0] == gates * array.shape[1]
    if not key.startswith(part) or not is_square:
        return array
    blocks = np.split(array, gates)  # (hidden_size, hidden_size) each
    return np.concatenate([block.T for block in blocks])


def _reread(part: str, key: str, array: Array) -> Array:
    """The bytes of a matrix taken for those of its transpose."""
    return array.T.reshape(array.shape) if key.startswith(part) else array


def _mirrored(part: str, key: str, array: Array) -> Array:
    return array[:, ::-1] if key.startswith(part) else array


def _choices(stages: tuple[Recurrent, ...]) -> Iterator[tuple[str, Choices]]:
    """The ways in which a cell can be computed wrongly."""
    # 0.2 is ONNX's default and Keras' old one, 1/6 is torch's hardsigmoid
    yield "hard sigmoid of slope 0.2", Choices(sigmoid=partial(_hard_sigmoid, 0.2))
    yield "hard sigmoid of slope 1/6", Choices(sigmoid=partial(_hard_sigmoid, 1 / 6))
    if any(isinstance(stage, LSTM) for stage in stages):
        yield "input_forget", Choices(input_forget=True)
    if any(isinstance(stage, GRU) for stage in stages):
        yield "linear_before_reset=0", Choices(linear_before_reset=False)
    if any(stage.bidirectional for stage in stages):
        forwards = Choices(reads_backwards=False, turns_back=False)
        yield "reverse direction reads forwards", forwards
        yield "reverse direction reads forwards and is turned", Choices(reads_backwards=False)
        yield "reverse direction not turned back", Choices(turns_back=False)


def _is_about_reverse(choices: Choices) -> bool:
    return not (choices.reads_backwards and choices.turns_back)


def _hard_sigmoid(slope: float, x: Array) -> Array:
    return np.clip(slope * x + 0.5, 0.0, 1.0)
