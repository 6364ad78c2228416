"""The model in an ONNX graph, if the graph is one that the writer beside this file makes.

Independent of the writer on purpose: it rebuilds every stage from operators, attributes and
initialisers, so that an exported file proves by itself what it holds. Anything unexpected is
refused, nothing is skipped.
"""

from __future__ import annotations

import json
from typing import Any

from ...device.onnx_file import Declared, OnnxFile, read_onnx
from ...device.onnx_metadata import (
    CHAIN,
    FINAL,
    LENGTHS,
    LENGTHS_BY,
    SIGNATURE,
    STATE,
    TAKES_LENGTHS,
    WEIGHTS_SHA256,
)
from ...device.onnx_schema import FLOAT, INT32
from ...device.onnx_state import CarriedTensor, carried_tensors
from ...errors import BundleError, UnsupportedModel
from ...model import Flatten, Model, Signature, state_layout
from ..target import EditedArtifact
from .graph_reader import GraphReader

# What reading a graph of some other form can lead to.
_OTHER_FORM = (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError)


def from_bytes(data: bytes, *, stateful: bool = False) -> Model:
    """Rebuild the model of a serialized ONNX file; a stateful one takes a state and gives it back.

    Needs no onnx package.

    Raises:
        UnsupportedModel: the file is no ONNX model, or not one that this package writes; the
            message says where.
    """
    return model_in(_read(data), stateful=stateful)


def model_in(file: OnnxFile, *, stateful: bool = False) -> Model:
    """Rebuild the model of what was read of a file, be its format another one.

    Raises:
        UnsupportedModel: as `from_bytes`.
    """
    model = _model_of(file, stateful)
    is_chain = model.has_record(_json(file.metadata.get(CHAIN, "null")))
    if not is_chain or file.metadata.get(WEIGHTS_SHA256) != model.weights_sha256:
        fault = "the graph holds another model than the file's own metadata says"
        raise EditedArtifact(fault, model)
    return model


def check_form(data: bytes, *, stateful: bool = False) -> None:
    """Whether the graph is one that the writer makes, be its weights what they may.

    Every node is known, and every shape: of W, R, B and the initial states against hidden_size and
    directions, and of what each node takes.

    Raises:
        UnsupportedModel: it is not; the message says where.
    """
    _model_of(_read(data), stateful)


def _read(data: bytes) -> OnnxFile:
    try:
        return read_onnx(data)
    except BundleError as error:
        raise UnsupportedModel(f"this is no ONNX file of lstm-export: {error}") from error


def _model_of(file: OnnxFile, stateful: bool) -> Model:
    if SIGNATURE not in file.metadata:
        reason = f"it has no {SIGNATURE}"
        raise UnsupportedModel(f"this file was not written by lstm-export: {reason}")
    signature = Signature.from_record(_json(file.metadata[SIGNATURE]))
    tensors = carried_tensors(file.metadata.get(STATE, "[]")) if stateful else ()
    takes_lengths = file.metadata.get(TAKES_LENGTHS) == LENGTHS
    try:
        reader = GraphReader(file, tensors, takes_lengths, signature.input_size)
        model = Model(reader.stages(), signature, origin="stored")
    except _OTHER_FORM as error:
        raise UnsupportedModel(f"the graph is of another form: {error}") from error
    _check_flattened(model, reader)
    if takes_lengths and file.metadata.get(LENGTHS_BY, reader.lengths_by) != reader.lengths_by:
        said = f"obeys lengths by {reader.lengths_by}, and its own metadata says otherwise"
        raise UnsupportedModel(f"the graph {said}")
    _check_ends(file, model, tensors, takes_lengths)
    if stateful and tuple(carried.tensor for carried in tensors) != state_layout(model):
        raise UnsupportedModel("the graph carries another state than the file's own metadata says")
    return model


def _check_flattened(model: Model, reader: GraphReader) -> None:
    for index, stage in enumerate(model.stages):
        expected = [0, model.shapes[index].width]  # 0: as it is
        if isinstance(stage, Flatten) and reader.flattened[stage.name] != expected:
            got = f"{stage.name!r} gives the shape {reader.flattened[stage.name]}"
            raise UnsupportedModel(f"{got}, expected {expected}")


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnsupportedModel(f"the file's metadata is no JSON: {error}") from error


def _check_ends(
    file: OnnxFile, model: Model, tensors: tuple[CarriedTensor, ...], takes_lengths: bool
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
    got = [*file.inputs, *file.outputs]
    if got != expected:
        said = f"the graph declares {got}, expected {expected}"
        raise UnsupportedModel(f"{said} (name, float32 = 1, axes)")
