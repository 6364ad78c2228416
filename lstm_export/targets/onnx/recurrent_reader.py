"""The recurrent stages in an ONNX graph, layer by layer, and the states that they take and give."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ...device.onnx_metadata import FINAL, LENGTHS
from ...device.onnx_state import CarriedTensor
from ...errors import UnsupportedModel
from ...model import GRU, LSTM, RNN, Array, Recurrent
from ...model.gates import ONNX_ORDERS, reorder_gates
from .graph import SPLIT_COUNTS_OPSET
from .shared_nodes import step_over_shared
from .walk import CONSTANT, OPTIONAL, Walk

KINDS: Mapping[str, type[Recurrent]] = {"LSTM": LSTM, "GRU": GRU, "RNN": RNN}

Carried = Mapping[str, CarriedTensor]  # by state, `h` and `c`
Finals = Mapping[tuple[str, int], str]  # by state and layer, the last one being -1, a value


class _Learned(NamedTuple):
    """A learned initial state of a layer: the value in the graph, and `(directions, size)`."""

    value: str
    array: Array


class ReadLayers(NamedTuple):
    """A recurrent stage of a graph.

    Attributes:
        finals: the values that hold h and c after its last step.
        lower: the values that are every step of each layer but the last.
    """

    stage: Recurrent
    finals: Finals
    lower: tuple[str, ...]


class _Layer(NamedTuple):
    """One layer of a recurrent stage.

    Attributes:
        weights: as in a state_dict.
        learned: its initial states, where the graph holds any.
        finals: the values that hold its final h and c, where it gives them.
        every_step: the value that is its every step; empty where there is none.
    """

    weights: Mapping[str, Array]
    learned: Mapping[str, _Learned]
    finals: Mapping[str, str]
    every_step: str


class RecurrentReader:
    """Reads one recurrent stage after another.

    Args:
        walk: along the nodes.
        tensors: the state that the graph carries.
        takes_lengths: whether the graph has lengths as an input.

    Attributes:
        reads_lengths: whether a node read so far takes them as its `sequence_lens`.
    """

    def __init__(
        self,
        walk: Walk,
        tensors: Iterator[CarriedTensor] | None,
        takes_lengths: bool,
    ) -> None:
        self._walk = walk
        self._tensors = tensors
        self._takes_lengths = takes_lengths
        self.reads_lengths = False
        self._is_relu = False  # of an RNN

    def read(self) -> ReadLayers:
        """All layers of one stage.

        The walk's current value is that of every step, empty where there is none.
        """
        carried = dict(self._carried_states())
        learned = self._learned_states()  # before them a node belongs to no layer
        name, _, _ = self._walk.name().rpartition("/")
        kind = self._walk.op()
        self._is_relu = self._walk.has_attribute("activations")
        layers = list(self._layers(name, kind, learned, carried))
        self._joined_states(name, carried)
        weights: dict[str, Array] = {}
        for layer in layers:
            weights |= layer.weights
        weights |= _learned_initial(layers)
        for state, tensor in carried.items():
            if tensor.initial is not None:  # only the metadata holds it
                weights[f"{state}0"] = tensor.initial
        stage = KINDS[kind](name, weights)
        if isinstance(stage, RNN) and self._is_relu:
            stage = replace(stage, nonlinearity="relu")
        finals = _counted_back([layer.finals for layer in layers])
        return ReadLayers(stage, finals, tuple(layer.every_step for layer in layers[:-1]))

    def _layers(
        self, name: str, kind: str, learned: Mapping[str, _Learned], carried: Carried
    ) -> Iterator[_Layer]:
        """Layer after layer; `learned` are the initial states of the first."""
        for k in itertools.count():
            start = {state: initial.value for state, initial in learned.items()}
            if carried:
                start = {state: tensor.layer(k) for state, tensor in carried.items()}
            weights, finals = self._layer(k, kind, f"{name}/l{k}", start, carried)
            yield _Layer(weights, learned, finals, self._walk.current)
            if self._layer_name() != f"{name}/l{k + 1}":
                return
            learned = self._learned_states()

    def _carried_states(self) -> Iterator[tuple[str, CarriedTensor]]:
        """The states that a stage takes, split into layers; none where the graph carries none."""
        if self._tensors is None:
            return
        yield "h", self._split(next(self._tensors, None))
        # Before an LSTM may stand the Split of its c.
        if LSTM.kind in (self._walk.op(), self._walk.op(1)):
            yield "c", self._split(next(self._tensors, None))

    def _split(self, carried: CarriedTensor | None) -> CarriedTensor:
        """Step over what splits a state into its layers."""
        if carried is None:
            fault = "carries a state that the file's metadata does not name"
            raise UnsupportedModel(f"{self._walk.name()!r} {fault}")
        name = carried.tensor.name
        layers = carried.tensor.num_layers
        if layers > 1:
            counts = {"num_outputs": layers} if self._walk.opset >= SPLIT_COUNTS_OPSET else {}
            taken = self._walk.take("Split", name, axis=0, **counts)
            if taken.outputs != tuple(carried.layer(k) for k in range(layers)):
                raise UnsupportedModel(f"{name} is split into {taken.outputs}")
        return carried

    def _joined_states(self, name: str, carried: Carried) -> None:
        """Step over what joins the layers' final states."""
        for state, tensor in carried.items():
            layers = [f"{name}/l{k}/Y_{state}" for k in range(tensor.tensor.num_layers)]
            if len(layers) == 1:
                continue
            (output,) = self._walk.take("Concat", *layers, axis=0).outputs
            if output != tensor.tensor.name + FINAL:
                said = f"the final {tensor.tensor.name} is given back as {output!r}"
                raise UnsupportedModel(said)

    def _layer_name(self) -> str:
        """The layer that the next nodes belong to, be they its initial states or itself."""
        name = self._walk.name().removesuffix("/rows")
        return name.removesuffix("/initial_h").removesuffix("/initial_c")

    def _learned_states(self) -> dict[str, _Learned]:
        """Learned initial states of a layer, repeated for every row."""
        step_over_shared(self._walk)
        learned: dict[str, _Learned] = {}
        while self._walk.op() == "Expand":
            state = self._walk.name().removesuffix("/rows")[-1]
            (array,), (value,) = self._walk.take("Expand", CONSTANT, "x/for_every_row")
            is_row = array is not None and array.ndim == 3 and array.shape[1] == 1
            if array is None or not is_row or state in learned:
                raise UnsupportedModel(f"{value!r} is no initial state of a layer")
            learned[state] = _Learned(value, array[:, 0])  # from (directions, 1, size)
        return learned

    def _layer(
        self, k: int, kind: str, node: str, start: Mapping[str, str], carried: Carried
    ) -> tuple[dict[str, Array], dict[str, str]]:
        """One recurrent node and what brings its output into shape.

        The weights of layer k, and the values that hold its final h and c, where it gives them.
        """
        if kind not in KINDS or self._walk.name() != node or self._walk.op() != kind:
            got = f"got {self._walk.name()!r}"
            raise UnsupportedModel(
                f"after {self._walk.current!r} expected the node {node!r}, {got}"
            )
        directions, attributes = self._expected(kind)
        states = [start.get(state, "") for state in KINDS[kind].states]
        lengths = LENGTHS if self._takes_lengths and self._has_lengths(directions) else ""
        inputs = (CONSTANT, CONSTANT, OPTIONAL, lengths, *states)
        taken = self._walk.advance(kind, *inputs, **attributes)
        every_step, *given = taken.outputs  # Y, then Y_h and Y_c as far as they are given
        finals = {}
        for state, value in zip(KINDS[kind].states, given, strict=False):
            if value:
                finals[state] = value
        self._check_outputs(every_step, finals, node, carried)
        if self._takes_lengths and not lengths and finals:
            raise UnsupportedModel(f"{node} gives a state without each row's length")
        self._walk.current = every_step
        if every_step:
            self._join_directions(directions)
        return _weights(k, kind, directions, taken.arrays()), finals

    def _has_lengths(self, directions: int) -> bool:
        """Whether the next node reads where each row ends, as two directions must."""
        has_lengths = directions == 2 or self._walk.is_input_named(4, LENGTHS)
        self.reads_lengths |= has_lengths
        return has_lengths

    def _expected(self, kind: str) -> tuple[int, dict[str, Any]]:
        """Directions and attributes, as the shape of R says them."""
        recurrent = self._walk.constant(2)  # (directions, gates * hidden_size, hidden_size)
        directions = 0
        hidden_size = 0
        if recurrent is not None and recurrent.ndim == 3:
            directions, _, hidden_size = recurrent.shape
        attributes: dict[str, Any] = {"hidden_size": hidden_size}
        if directions == 2:
            attributes["direction"] = b"bidirectional"
        if kind == GRU.kind:
            attributes["linear_before_reset"] = 1
        if kind == RNN.kind and self._is_relu:
            attributes["activations"] = [b"Relu"] * directions
        return directions, attributes

    def _check_outputs(
        self, every_step: str, finals: Mapping[str, str], node: str, carried: Carried
    ) -> None:
        """The final states have the names that they must have; what is carried is all given."""
        expected = {state: f"{node}/Y_{state}" for state in finals}
        for state, tensor in carried.items():
            expected[state] = tensor.final(f"{node}/Y_{state}")
        if finals != expected or not (every_step or finals):
            got = (every_step, *finals.values())
            raise UnsupportedModel(f"{node} has the outputs {got}, expected {list(expected)}")

    def _join_directions(self, directions: int) -> None:
        """Y `(seq, directions, batch, hidden_size)` to `(seq, batch, directions * hidden_size)`."""
        if directions == 2:
            self._walk.advance("Transpose", perm=[0, 2, 1, 3])
            self._walk.integers("Reshape", 0, 0, -1)
        else:
            self._walk.integers("Squeeze", 1)


def _learned_initial(layers: Sequence[_Layer]) -> dict[str, Array]:
    """Learned initial states as in a state_dict, `(num_layers * directions, size)` each."""
    by_state: dict[str, list[Array]] = {}
    for layer in layers:
        for state, initial in layer.learned.items():
            by_state.setdefault(state, []).append(initial.array)
    return {f"{state}0": np.concatenate(arrays) for state, arrays in by_state.items()}


def _counted_back(by_layer: Sequence[Mapping[str, str]]) -> Finals:
    """Final states by layer, the last one being -1."""
    counted: dict[tuple[str, int], str] = {}
    for k, finals in enumerate(by_layer):
        layer = k - len(by_layer)
        counted |= {(state, layer): value for state, value in finals.items()}
    return counted


def _weights(k: int, kind: str, directions: int, operands: list[Array]) -> dict[str, Array]:
    """W, R and B of a recurrent operator as layer k of a state_dict."""
    gates = KINDS[kind].gates
    order = ONNX_ORDERS[kind]
    weights: dict[str, Array] = {}
    for direction, reverse in enumerate(("", "_reverse")[:directions]):
        # (gates * hidden_size, input width), (gates * hidden_size, hidden_size)
        weight_ih, weight_hh, *biases = (operand[direction] for operand in operands)
        parts = {"weight_ih": weight_ih, "weight_hh": weight_hh}
        for bias in biases:  # at most one, both of torch's on end
            parts["bias_ih"], parts["bias_hh"] = np.split(bias, 2)  # (gates * hidden_size,) each
        for name, array in parts.items():
            weights[f"{name}_l{k}{reverse}"] = reorder_gates(array, order, gates)
    return weights
