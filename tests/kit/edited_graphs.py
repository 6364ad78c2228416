"""A correct ONNX file whose graph was edited after it was written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from lstm_export.model import Array, Model

Edit = Callable[[onnx.GraphProto], list[onnx.NodeProto]]


def _slice(start: int, end: int, axis: int, step: int = 1, name: str = "edited") -> Edit:
    def edit(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
        numbers = {"start": start, "end": end, "axis": axis, "step": step}
        graph.initializer.extend(
            numpy_helper.from_array(np.array([number], np.int64), f"{name}/{key}")
            for key, number in numbers.items()
        )
        return [helper.make_node("Slice", ["x", *(f"{name}/{key}" for key in numbers)], [name])]

    return edit


def _late(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """The first step twice, and the last one never."""
    first = _slice(0, 1, 1, name="edited/first")(graph)
    joined = helper.make_node("Concat", ["edited/first", "x"], ["edited/joined"], axis=1)
    rest = _slice(0, -1, 1)(graph)
    rest[0].input[0] = "edited/joined"
    return [*first, joined, *rest]


def _twice(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    return [helper.make_node("Concat", ["x", "x"], ["edited"], axis=1)]


END = np.iinfo(np.int64).min  # further than any step backwards
KEEP_STEPS = ("time reversed", "features reversed", "a step late")
INPUTS: list[tuple[str, Edit, Callable[[Array], Array]]] = [
    ("time reversed", _slice(-1, END, 1, -1), lambda x: x[:, ::-1]),
    ("features reversed", _slice(-1, END, 2, -1), lambda x: x[:, :, ::-1]),
    ("a step late", _late, lambda x: np.concatenate([x[:, :1], x], axis=1)[:, :-1]),
    ("first step instead of last", _slice(0, 1, 1), lambda x: x[:, :1]),
    ("state not reset", _twice, lambda x: np.concatenate([x, x], axis=1)),
]

ATTRIBUTES: list[tuple[str, str, dict[str, Any]]] = [
    ("LSTM", "hard sigmoid", {"activations": [b"HardSigmoid", b"Tanh", b"Tanh"]}),
    ("GRU", "hard sigmoid", {"activations": [b"HardSigmoid", b"Tanh"]}),
    ("LSTM", "input_forget", {"input_forget": 1}),
    ("GRU", "linear_before_reset=0", {"linear_before_reset": 0}),
]


def with_changed_input(
    correct: bytes, model: Model
) -> Iterator[tuple[str, bytes, Callable[[Array], Array]]]:
    """Files that read their input otherwise: kind, bytes, and what the file does to x."""
    for kind, edit, change in INPUTS:
        drops_steps = model.returns_every_step and kind not in KEEP_STEPS
        changes_nothing = kind == "features reversed" and model.signature.input_size == 1
        if not drops_steps and not changes_nothing:
            yield kind, _before(correct, edit), change


def with_changed_attribute(correct: bytes, model: Model) -> Iterator[tuple[str, bytes]]:
    """Files with another attribute at every node of one operator: kind and bytes."""
    operators = {stage.kind for stage in model.stages}
    for operator, kind, attributes in ATTRIBUTES:
        if operator in operators:
            yield kind, _with_attributes(correct, operator, attributes)


def _before(data: bytes, edit: Edit) -> bytes:
    """The file with nodes in front that change x."""
    proto = onnx.load_model_from_string(data)
    graph = proto.graph
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == "x":
                node.input[index] = "edited"
    nodes = [*edit(graph), *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    return bytes(proto.SerializeToString())


def _with_attributes(data: bytes, operator: str, attributes: dict[str, Any]) -> bytes:
    """The file with attributes of every node of one kind set."""
    proto = onnx.load_model_from_string(data)
    for node in proto.graph.node:
        if node.op_type == operator:
            given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            directions = 2 if "direction" in given else 1
            for key, value in attributes.items():
                given[key] = value * directions if isinstance(value, list) else value
            del node.attribute[:]
            node.attribute.extend(helper.make_attribute(key, value) for key, value in given.items())
    return bytes(proto.SerializeToString())


def with_nan(data: bytes) -> bytes:
    """The file with every output multiplied by NaN."""
    proto = onnx.load_model_from_string(data)
    graph = proto.graph
    graph.node[-1].output[-1] = "edited"
    graph.initializer.append(numpy_helper.from_array(np.array(np.nan, np.float32), "edited/nan"))
    graph.node.append(helper.make_node("Mul", ["edited", "edited/nan"], ["y"]))
    return bytes(proto.SerializeToString())
