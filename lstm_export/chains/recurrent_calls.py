"""What calls of recurrent layers and cells become: an LSTM or a GRU, its steps, its states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from ..model import GRU, LSTM, RNN, Array, Recurrent
from .capture import Call, Constant, Data
from .parts import Part
from .rules import Rule, Translator, constant, features
from .signals import Node, Signal, Untranslated
from .tokens import state_text

KINDS: Mapping[str, type[Recurrent]] = {
    "lstm": LSTM,
    "gru": GRU,
    "lstm_cell": LSTM,
    "gru_cell": GRU,
    "rnn_tanh": RNN,
    "rnn_relu": RNN,
    "rnn_tanh_cell": RNN,
    "rnn_relu_cell": RNN,
}
_AT_ONCE = "let a Linear answer all steps ahead at once"  # for a decoder, which goes on by itself


def layer(call: Call, data: Data, t: Translator) -> Signal:
    """`output, h_n, c_n` of a stack of layers."""
    kind = KINDS[call.name]
    if isinstance(call.args[1 if kind is LSTM else 2], Data | Constant):
        packed(call, data, t)
    x, hx, params, has_biases, num_layers, p, training, bidirectional, batch_first = call.args
    if training and p and num_layers > 1:
        raise Untranslated(
            "drops values between its layers at random although the module is in evaluation mode"
        )
    signal = t.signal(x)
    _check_axes(signal.axes, bool(batch_first))
    weights = [constant(param, "weights") for param in params]
    states = list(hx) if kind is LSTM else [hx]
    sides = ("", "_reverse") if bidirectional else ("",)
    suffixes = [f"_l{k}{side}" for k in range(num_layers) for side in sides]
    arrays = _named(weights, suffixes, bool(has_biases))
    layer = _Layer(kind, arrays, weights, states, _options(call))
    node = _node(layer, signal.node, call, t)
    if data.index == 0:
        return Signal.of(signal.axes, node)
    rows = np.empty(len(suffixes), object)  # a node for each layer and direction, as in h_n
    for row in range(len(suffixes)):
        rows[row] = _cell_state(node, row, t) if data.index == 2 else _final(node, row, t)
    return Signal(("rows", "batch", "size"), rows)


def packed(call: Call, data: Data, t: Translator) -> NoReturn:
    """Refused: artifacts take lengths, and no packed sequences."""
    raise Untranslated(
        "takes packed sequences of unequal length",
        "give the layer x itself: an exported model takes lengths beside x",
    )


def _check_axes(axes: tuple[str, ...], batch_first: bool) -> None:
    """A layer runs over the steps of x."""
    wanted = ("batch", "seq", "size") if batch_first else ("seq", "batch", "size")
    of_one_step = tuple("one" if axis == "seq" else axis for axis in wanted)
    if axes == of_one_step:
        raise Untranslated(
            "runs over a step that it is given, as a decoder does, not over the steps of x",
            _AT_ONCE,
        )
    if axes != wanted:
        raise Untranslated(
            f"reads ({', '.join(axes)}) as ({', '.join(wanted)}) (batch_first={batch_first})"
        )


def _named(
    weights: Sequence[Constant], suffixes: Sequence[str], has_biases: bool
) -> dict[str, Array]:
    """Arrays under torch.nn's names, from torch's flat list."""
    each = len(weights) // len(suffixes)  # arrays a layer and direction
    biases = ["bias_ih", "bias_hh"] if has_biases else []
    keys = ["weight_ih", "weight_hh", *biases, "weight_hr"][:each]  # the last with proj_size
    names = [f"{key}{suffix}" for suffix in suffixes for key in keys]
    pairs = zip(names, weights, strict=True)
    return {name: weight.array.astype(np.float32) for name, weight in pairs}


@dataclass(frozen=True, eq=False)
class _Layer:
    """A layer as it is called: its weights under torch.nn's names and as given, the states that it
    starts from, and what else makes its stage."""

    kind: type[Recurrent]
    arrays: dict[str, Array]
    weights: Sequence[Constant]
    states: Sequence[Any]
    options: Mapping[str, str]


def _options(call: Call) -> dict[str, str]:
    """Of an RNN its nonlinearity."""
    if KINDS[call.name] is not RNN:
        return {}
    return {"nonlinearity": call.name.removeprefix("rnn_").removesuffix("_cell")}


def _node(layer: _Layer, source: Node, call: Call, t: Translator) -> Node:
    states = zip(layer.kind.states, layer.states, strict=True)
    initial = {f"{name}0": _initial(state) for name, state in states}
    learned = {name: array for name, array in initial.items() if array.any()}  # zeros are usual
    prefix = _prefix(layer.weights[0], call)
    name = prefix or layer.kind.kind.lower()
    stage = layer.kind.build(name, {**layer.arrays, **learned}, layer.options)
    assert isinstance(stage, Recurrent)  # noqa: S101 - its kind says so
    part = Part(prefix, layer.kind.kind, (stage,))
    width = (1 + stage.bidirectional) * stage.state_size
    # what tells one call from another: the very weights, and the bytes of the states
    weights = [id(weight) for weight in layer.weights]
    starts = [array.tobytes() for array in learned.values()]
    key = (layer.kind.kind, *layer.options.values(), *weights, *starts)
    return t.nodes.item(part, source, key, (part, layer), width)


def _prefix(weight: Constant, call: Call) -> str:
    name, _, key = weight.name.rpartition(".")
    if key.startswith("weight_ih") and "parametrizations" not in name:
        return name
    return call.place.module  # the weight is computed, or lies under a name of the user's


def _initial(state: Any) -> Array:
    """`(rows, size)`, the same for every row of the batch.

    Raises:
        Untranslated: it comes from x, or differs from row to row.
    """
    array = constant(state, "initial state").array
    if array.ndim == 2:  # of a cell, (batch, size)
        array = array[np.newaxis]
    differs = array.ndim != 3 or (array != array[:, :1]).any()  # (rows, batch, size)
    if differs:
        raise Untranslated("starts from another state in every row of the batch")
    return np.asarray(array[:, 0], np.float32)


def _stage(node: Node) -> Recurrent:
    """The recurrent stage of a node that is one."""
    stage = node.item.stages[0] if isinstance(node.item, Part) else None
    if not isinstance(stage, Recurrent):
        raise Untranslated("does not go on from its own state of the step before", _AT_ONCE)
    return stage


def _final(node: Node, row: int, t: Translator) -> Node:
    """One row of `h_n`: of the last layer it is a step of the output."""
    stage = _stage(node)
    rows = len(stage.suffixes)
    half = stage.state_size
    if row < rows - 1 - stage.bidirectional:
        return _state_row(node, "h", row, half, t)
    if not stage.bidirectional:
        return t.nodes.step(node, node.steps - 1)
    is_forward = row == rows - 2
    if is_forward:
        return t.nodes.step(t.nodes.cut(node, 0, half), node.steps - 1)
    return t.nodes.step(t.nodes.cut(node, half, node.width), 0)  # it ends at the first step


def _cell_state(node: Node, row: int, t: Translator) -> Node:
    """One row of `c_n`."""
    return _state_row(node, "c", row, _stage(node).hidden_size, t)


def _state_row(node: Node, state: str, row: int, size: int, t: Translator) -> Node:
    """One direction of the final state of a layer, of `size` values."""
    stage = _stage(node)
    directions = 1 + stage.bidirectional
    layer = row // directions - stage.num_layers  # counted back from the last, -1
    both = t.nodes.state(state_text(state, layer), node, directions * size)
    first = row % directions * size
    return t.nodes.cut(both, first, first + size)


def cell(call: Call, data: Data, t: Translator) -> Signal:
    """One step of a cell that is stepped over a sequence by hand: a step of the layer that the loop
    is."""
    kind = KINDS[call.name]
    signal = t.signal(call.args[0])
    hx = call.args[1]
    features(signal)
    states = list(hx) if kind is LSTM else [hx]
    weights = [constant(argument, "weights") for argument in call.args[2:] if argument is not None]
    arrays = _named(weights, ["_l0"], len(weights) == 4)
    layer = _Layer(kind, arrays, weights, states, _options(call))
    x = signal.node
    if x.kind != "step":
        raise Untranslated(
            "is given something else than the steps of a sequence one by one", _AT_ONCE
        )
    step = x.numbers[0]
    node = _continued(layer, x, t) if step else _node(layer, x.inputs[0], call, t)
    every_state = _cells(node, t) if data.index else node
    return Signal.of(signal.axes, t.nodes.step(every_state, step))


def _cells(node: Node, t: Translator) -> Node:
    """Every c_t of a cell's loop."""
    made = Node("cells", (node,), node.width, node.steps)
    return t.nodes.kept(("cells", id(node)), node, made)


def _continued(layer: _Layer, x: Node, t: Translator) -> Node:
    """The layer whose step before this one gave the states."""
    if any(not isinstance(state, Data) for state in layer.states):
        raise Untranslated(f"starts anew at step {x.numbers[0]}")
    found = [t.signal(state).node for state in layer.states]
    other = Untranslated("does not go on from its own state of the step before", _AT_ONCE)
    if any(node.kind != "step" or node.numbers != (x.numbers[0] - 1,) for node in found):
        raise other
    node = found[0].inputs[0]
    sources = [node, _cells(node, t)] if layer.kind is LSTM else [node]  # of h and c
    reads_same_x = node.kind == "item" and node.inputs[0] is x.inputs[0]
    goes_on = reads_same_x and [state.inputs[0] for state in found] == sources
    if not goes_on or not isinstance(_stage(node), layer.kind):
        raise other
    known = _stage(node).arrays
    for name, array in layer.arrays.items():
        if known[name].tobytes() != array.tobytes():
            raise Untranslated("has other weights at every step")
    return node


RULES: Mapping[str, Rule] = {
    **{name: cell if name.endswith("_cell") else layer for name in KINDS},
    "pack_padded_sequence": packed,
}
