"""A model as the bytes of an ONNX file: its graph, its inputs and outputs, its metadata."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...device.onnx_metadata import (
    CHAIN,
    FINAL,
    GATHERING,
    LENGTHS,
    LENGTHS_BY,
    SEQUENCE_LENS,
    SIGNATURE,
    STATE,
    TAKES_LENGTHS,
    VERSION,
    WEIGHTS_SHA256,
)
from ...errors import UnsupportedModel, require
from ...model import Model, Recurrent, StateTensor, state_layout
from ...model.lowering import lower_projections
from ...model.state import named_memories, not_for_streams, state_names
from ...model.wiring import INPUT
from ...version import __version__
from .graph import Graph
from .recurrent_writer import can_gather
from .stage_writer import Around, write

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

# IR 8 is the newest that ONNX Runtime 1.15 reads; a newer opset may force a newer IR.
LOWEST_IR = 8


def newest_opset() -> int:
    """The newest opset of the installed onnx package."""
    return int(require("onnx.defs", "export", "writing ONNX").onnx_opset_version())


def to_bytes(model: Model, opset: int, *, stateful: bool = False, lengths: bool = False) -> bytes:
    """The serialized ONNX model, without projections.

    The same bytes for the same model, opset and versions.

    Args:
        model: the chain to write.
        opset: version of the operators.
        stateful: also take the state that `state_layout` lists, and give it back after y, as `h_n`
            for `h`.
        lengths: also take int32 `lengths (batch,)`, the steps of each row that count; after them
            every step's answer is 0.
    """
    onnx = require("onnx", "export", "writing ONNX")
    helper = onnx.helper
    if stateful:
        _refuse_what_cannot_stream(model)
    model = lower_projections(model)
    graph = _graph(model, opset, stateful, lengths)
    inputs, outputs = _ends(model, graph, state_layout(model) if stateful else ())
    nodes = graph.nodes_to("y")
    opsets = [helper.make_opsetid("", opset)]
    proto: ModelProto = helper.make_model(
        helper.make_graph(nodes, "lstm_export", inputs, outputs, graph.initializers),
        opset_imports=opsets,
        ir_version=max(LOWEST_IR, helper.find_min_ir_version_for(opsets)),
        producer_name="lstm-export",
        producer_version=__version__,
    )
    said = metadata(model, lengths)
    if stateful:
        said |= state_metadata(model)
    helper.set_model_props(proto, said)
    return bytes(proto.SerializeToString(deterministic=True))


def _refuse_what_cannot_stream(model: Model) -> None:
    stage = not_for_streams(model)
    if stage is None:
        return
    if isinstance(stage, Recurrent):
        reason = "is bidirectional, and reads a sequence from its end too, "
        reason += "which a stream does not have"
    elif stage.least_steps > 1:
        reason = f"needs {stage.least_steps} steps at once, of which a stream has one"
    else:
        reason = "puts a row of all steps beside every step, which a stream does not know yet"
    raise UnsupportedModel(
        f"the onnx-stream target cannot express {stage.name}: it {reason}; use the onnx target on "
        "windows"
    )


def _graph(model: Model, opset: int, stateful: bool, lengths: bool) -> Graph:
    """The nodes of all stages; a sequence comes out batch first again."""
    names = state_names(model) if stateful else None
    graph = Graph(opset, model.signature.input_size, names, lengths)
    values = {INPUT: graph.value}  # by stage what it gives, where a later one takes it
    for index, stage in enumerate(model.stages):
        taken = tuple(values[source] for source in model.sources[index])
        graph.value = taken[0]
        write(stage, graph, Around(taken, model.input_shapes(index), model.readers_of(index)))
        graph.value = replace(graph.value, width=model.shapes[index].width)
        values[index] = graph.value
    if graph.value.is_time_first:
        graph.value = graph.turned(graph.value, "batch_first")
    if graph.value.is_sequence and lengths:
        graph.clear_padding("padding_cleared")
    return graph


def _ends(
    model: Model, graph: Graph, layout: tuple[StateTensor, ...]
) -> tuple[list[ValueInfoProto], list[ValueInfoProto]]:
    """The declared inputs and outputs."""
    signature = model.signature
    inputs = [_declared("x", ["batch", "seq", signature.input_size])]
    inputs += [_declared_state(tensor, "") for tensor in layout]
    if graph.takes_lengths:
        inputs.append(_declared(LENGTHS, ["batch"], "INT32"))
    steps = ["seq"] if graph.value.is_sequence else []
    outputs = [_declared("y", ["batch", *steps, signature.output_size])]
    outputs += [_declared_state(tensor, FINAL) for tensor in layout]
    return inputs, outputs


def _declared_state(tensor: StateTensor, suffix: str) -> ValueInfoProto:
    return _declared(tensor.name + suffix, [tensor.num_layers, "batch", tensor.size])


def _declared(name: str, shape: Sequence[str | int], kind: str = "FLOAT") -> ValueInfoProto:
    """An input or output; names in its shape are symbolic axes."""
    onnx = require("onnx", "export", "writing ONNX")
    number_type = onnx.TensorProto.DataType.Value(kind)
    declared: ValueInfoProto = onnx.helper.make_tensor_value_info(name, number_type, shape)
    return declared


def metadata(model: Model, lengths: bool = False) -> dict[str, str]:
    """What the file says of itself beside its graph."""
    said = {
        CHAIN: json.dumps(model.chain_record(), sort_keys=True),
        SIGNATURE: json.dumps(model.signature.to_record(), sort_keys=True),
        VERSION: __version__,
        WEIGHTS_SHA256: model.weights_sha256,
    }
    if lengths:
        said[TAKES_LENGTHS] = LENGTHS
        said[LENGTHS_BY] = GATHERING if _gathers(model) else SEQUENCE_LENS
    return said


def _gathers(model: Model) -> bool:
    """Whether no recurrent node takes the lengths."""
    for index, stage in enumerate(model.stages):
        if isinstance(stage, Recurrent) and not can_gather(stage, model.readers_of(index)):
            return False
    return True


def state_metadata(model: Model) -> dict[str, str]:
    """What a file that carries state says of it: name, num_layers, size and initial values.

    Those are the learned ones, `(num_layers, size)`, or null.
    """
    entries = []
    for name, memory in named_memories(model):
        initial = None if memory.initial is None else memory.initial.astype(float).tolist()
        entry = {"name": name, "num_layers": memory.rows, "size": memory.size, "initial": initial}
        entries.append(entry)
    return {STATE: json.dumps(entries, sort_keys=True)}
