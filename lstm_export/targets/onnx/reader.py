"""The model in an ONNX graph, if the graph is one that the writer beside this file makes.

Independent of the writer on purpose: it rebuilds every stage from operators, attributes and
initialisers, so that an exported file proves by itself what it holds. Anything unexpected is
refused, nothing is skipped.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...device.onnx_metadata import (
    CHAIN,
    FINAL,
    LENGTHS,
    SIGNATURE,
    STATE,
    TAKES_LENGTHS,
    WEIGHTS_SHA256,
)
from ...device.onnx_state import CarriedTensor, carried_tensors
from ...errors import UnsupportedModel, require
from ...model import Model, Signature, state_layout
from ..target import EditedArtifact
from .graph_reader import GraphReader

if TYPE_CHECKING:
    from onnx import ModelProto

# onnx.TensorProto.DataType
FLOAT = 1
INT32 = 6

# Name, type and axes of an input or output.
Declared = tuple[str, int, list[str | int]]


def from_bytes(data: bytes, *, stateful: bool = False) -> Model:
    """Rebuild the model of a serialized ONNX file; a stateful one takes a state and gives it back.

    Raises:
        UnsupportedModel: the file is no ONNX model, or not one that this package writes; the
            message says where.
    """
    onnx = require("onnx", "export", "reading ONNX")
    from google.protobuf.message import DecodeError

    try:
        proto = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise UnsupportedModel(f"this is no ONNX file: {error}") from error
    said = {entry.key: entry.value for entry in proto.metadata_props}
    if SIGNATURE not in said:
        reason = f"it has no {SIGNATURE}"
        raise UnsupportedModel(f"this ONNX file was not written by lstm-export: {reason}")
    signature = Signature.from_record(_json(said[SIGNATURE]))
    tensors = carried_tensors(said.get(STATE, "[]")) if stateful else ()
    takes_lengths = said.get(TAKES_LENGTHS) == LENGTHS
    stages = GraphReader(proto, tensors, takes_lengths).stages()
    model = Model(stages, signature, origin="stored")
    _check_ends(proto, model, tensors, takes_lengths)
    if stateful and tuple(carried.tensor for carried in tensors) != state_layout(model):
        raise UnsupportedModel("the graph carries another state than the file's own metadata says")
    is_chain = _json(said.get(CHAIN, "null")) == model.chain_record()
    if not is_chain or said.get(WEIGHTS_SHA256) != model.weights_sha256:
        fault = "the graph holds another model than the file's own metadata says"
        raise EditedArtifact(fault, model)
    return model


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UnsupportedModel(f"the file's metadata is no JSON: {error}") from error


def _check_ends(
    proto: ModelProto, model: Model, tensors: tuple[CarriedTensor, ...], takes_lengths: bool
) -> None:
    """The declared inputs and outputs: symbolic batch and sequence, the signature's sizes."""
    signature = model.signature
    steps: list[str | int] = ["seq"] if model.returns_every_step else []
    x: Declared = ("x", FLOAT, ["batch", "seq", signature.input_size])
    y: Declared = ("y", FLOAT, ["batch", *steps, signature.output_size])
    expected = [x, *(carried.declared("") for carried in tensors)]
    if takes_lengths:
        expected.append((LENGTHS, INT32, ["batch"]))
    expected += [y, *(carried.declared(FINAL) for carried in tensors)]
    got = _declared([*proto.graph.input, *proto.graph.output])
    if got != expected:
        said = f"the graph declares {got}, expected {expected}"
        raise UnsupportedModel(f"{said} (name, float32 = 1, axes)")


def _declared(values: Sequence[Any]) -> list[Declared]:
    """Inputs and outputs as the graph declares them."""
    found: list[Declared] = []
    for value in values:
        tensor = value.type.tensor_type
        axes = [axis.dim_param or axis.dim_value for axis in tensor.shape.dim]
        found.append((value.name, tensor.elem_type, axes))
    return found
