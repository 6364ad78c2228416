"""The model's arrays in an ONNX file of this package, found again under their PyTorch names.

Without the onnx package, so that a device can compare them: with the sha256 that the file says they
have, and bit for bit with the weights of the bundle that the file came in.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ..errors import BundleError, LstmExportError, printable
from ..model import (
    GRU,
    LSTM,
    RNN,
    Affine,
    Array,
    LayerNorm,
    Linear,
    Model,
    PReLU,
    Recurrent,
    RMSNorm,
)
from ..model.arrays import sha256_of_arrays
from ..model.gates import ONNX_ORDERS, reorder_gates
from ..model.lowering import lower_projections
from .onnx_guard import Message, check_onnx, dims_of, messages_of, text_of
from .onnx_metadata import (
    CHAIN,
    STATE,
    WEIGHTS_SHA256,
    may_be_onnx,
    metadata_of,
    stored_signature,
)
from .onnx_schema import FLOAT, GraphField, ModelField, NodeField, WeightsField
from .onnx_state import carried_tensors
from .protobuf import AGAIN

_RECURRENT: Mapping[str, type[Recurrent]] = {LSTM.kind: LSTM, GRU.kind: GRU, RNN.kind: RNN}


class _Graph(NamedTuple):
    """The float32 constants of a graph, and the operator of each node."""

    constants: Mapping[str, Array]
    operators: Mapping[str, str]


def check_own_weights(data: bytes) -> None:
    """The weights in a file must be those that it was written with, by the sha256 that it holds.

    Nothing is asked of a file of another tool, which holds none.

    Raises:
        BundleError: a weight is missing or changed, or the file is no ONNX file that may run.
    """
    metadata = metadata_of(data) if may_be_onnx(data) else {}
    if WEIGHTS_SHA256 not in metadata:
        return
    if sha256_of_arrays(stored_arrays(data, metadata)) != metadata[WEIGHTS_SHA256]:
        raise BundleError(
            "the weights in the ONNX file are not those that it was written with, their sha256 "
            "differs; export it again"
        )


def differences_to(model: Model, data: bytes) -> str:
    """How the model in an ONNX file of this package differs from `model`; empty where it does not.

    Raises:
        BundleError: the file is no ONNX file that may run, or says of itself what is damaged.
    """
    expected = lower_projections(model)
    metadata = metadata_of(data)
    signature = stored_signature(metadata)
    if signature != expected.signature:
        columns = ", ".join(column.name for column in (*signature.features, *signature.targets))
        return (
            f"the file has another signature than its bundle, of the columns {printable(columns)}"
        )
    if not expected.has_record(stored_chain(metadata)):
        return "the file has another chain than its bundle"
    arrays = stored_arrays(data, metadata)
    for name, array in expected.arrays.items():
        stored = arrays.get(name)
        if stored is None or stored.shape != array.shape:
            return f"{printable(name)} in the file is missing or has another shape"
        if stored.tobytes() != array.tobytes():
            differs = stored.view(np.uint32) != array.view(np.uint32)  # bits: -0 is not 0
            count = int(differs.sum())
            return f"{printable(name)} in the file differs in {count} of {array.size} values"
    return ""


def stored_arrays(data: bytes, metadata: Mapping[str, str]) -> dict[str, Array]:
    """The float32 arrays that the chain in a file's metadata names, `lstm.weight_ih_l0` and so on.

    Raises:
        BundleError: the chain is damaged, or the graph lacks an array.
    """
    graph = _graph_of(check_onnx(data))
    initial = _carried_initial_states(metadata)
    arrays: dict[str, Array] = {}
    for record in stored_chain(metadata):
        try:
            name = record["name"]
            for key, array in _arrays_of(record["stage"], name, graph, initial):
                arrays[f"{name}.{key}"] = array
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise BundleError(
                "the ONNX file does not hold the weights that its own chain names; export it again"
            ) from error
    return arrays


def stored_chain(metadata: Mapping[str, str]) -> list[dict[str, Any]]:
    """The chain among what a file says of itself.

    Raises:
        BundleError: it is damaged.
    """
    try:
        chain = json.loads(metadata.get(CHAIN, "null"))
    except (ValueError, RecursionError) as error:
        raise BundleError(f"the file's own chain is damaged: {error}; {AGAIN}") from error
    if not isinstance(chain, list) or not all(isinstance(record, dict) for record in chain):
        raise BundleError(f"the file's own chain is damaged: it is no list of stages; {AGAIN}")
    return chain


def _graph_of(model: Message) -> _Graph:
    (graph,) = messages_of(model, ModelField.GRAPH)
    constants = {}
    for weights in messages_of(graph, GraphField.INITIALIZER):
        if weights[WeightsField.DATA_TYPE] == [FLOAT]:
            # This package writes raw_data; what is typed is another tool's.
            values = np.frombuffer(text_of(weights, WeightsField.RAW_DATA), "<f4")
            if values.size:
                name = _text(weights, WeightsField.NAME)
                constants[name] = values.reshape(dims_of(weights))
    operators = {}
    for node in messages_of(graph, GraphField.NODE):
        operators[_text(node, NodeField.NAME)] = _text(node, NodeField.OP_TYPE)
    return _Graph(constants, operators)


def _text(message: Message, number: int) -> str:
    return text_of(message, number).decode("utf-8", "replace")


def _arrays_of(
    kind: str, name: str, graph: _Graph, initial: Mapping[str, Array | None]
) -> Iterator[tuple[str, Array]]:
    """The arrays of one stage, by their names in it."""
    constants = graph.constants
    if kind in _RECURRENT:
        yield from _recurrent(_RECURRENT[kind], name, constants)
        yield from _initial(_RECURRENT[kind], name, constants, initial)
    elif kind == Linear.kind:
        weight = constants[f"{name}.weight"]
        is_transposed = graph.operators[name] == "MatMul"  # Gemm takes (output_size, input_size)
        yield "weight", np.ascontiguousarray(weight.T) if is_transposed else weight
        yield from _optional("bias", name, constants)
    elif kind == Affine.kind:
        yield "offset", constants[f"{name}.offset"]
        yield "scale", constants[f"{name}.scale"]
    elif kind == PReLU.kind:
        # (size,); the file's broadcasts over rows
        yield "weight", constants[f"{name}.weight"].reshape(-1)
    elif kind in (LayerNorm.kind, RMSNorm.kind):
        yield from _optional("weight", name, constants)
        yield from _optional("bias", name, constants)


def _optional(key: str, name: str, constants: Mapping[str, Array]) -> Iterator[tuple[str, Array]]:
    if f"{name}.{key}" in constants:
        yield key, constants[f"{name}.{key}"]


def _recurrent(
    stage: type[Recurrent], name: str, constants: Mapping[str, Array]
) -> Iterator[tuple[str, Array]]:
    """W, R and B of each layer, the directions on their first axis, in PyTorch's order of gates."""
    k = 0
    while f"{name}/l{k}/W" in constants:
        node = f"{name}/l{k}"
        parts = {"weight_ih": constants[f"{node}/W"], "weight_hh": constants[f"{node}/R"]}
        if f"{node}/B" in constants:
            bias = constants[f"{node}/B"]  # (directions, 2 * gates * hidden_size)
            parts["bias_ih"], parts["bias_hh"] = np.split(bias, 2, axis=1)
        for direction, suffix in enumerate(("", "_reverse")[: len(parts["weight_ih"])]):
            for part, array in parts.items():
                gates = reorder_gates(array[direction], ONNX_ORDERS[stage.kind], stage.gates)
                yield f"{part}_l{k}{suffix}", gates
        k += 1
    if not k:
        raise KeyError(name)


def _initial(
    stage: type[Recurrent],
    name: str,
    constants: Mapping[str, Array],
    carried: Mapping[str, Array | None],
) -> Iterator[tuple[str, Array]]:
    """Learned initial states: of a graph that carries state in its metadata, else constants."""
    for state in stage.states:
        from_metadata = carried.get(f"{name}.{state}", carried.get(state))
        if from_metadata is not None:
            yield f"{state}0", from_metadata
        layers: list[Array] = []  # (directions, size) each
        while f"{name}/l{len(layers)}/initial_{state}" in constants:
            layers.append(constants[f"{name}/l{len(layers)}/initial_{state}"][:, 0])
        if layers:
            # (num_layers * directions, size)
            yield f"{state}0", np.concatenate(layers)


def _carried_initial_states(metadata: Mapping[str, str]) -> dict[str, Array | None]:
    """The initial states in the metadata of a graph that carries state, by their tensors' names."""
    try:
        tensors = carried_tensors(metadata[STATE]) if STATE in metadata else ()
    except LstmExportError as error:
        raise BundleError(str(error)) from error
    return {carried.tensor.name: carried.initial for carried in tensors}
