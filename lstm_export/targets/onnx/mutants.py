"""An ONNX file with a known bug, for the verifier to find: edits of the graph that no model expresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import require

if TYPE_CHECKING:
    from onnx import GraphProto

_Edit = Callable[["GraphProto"], bool]
_FAR = 2**62


def broken(data: bytes, kind: str) -> bytes | None:
    """The file with the catalogue's bug of this kind; None where its graph has no place for it."""
    onnx = require("onnx", "export", "editing ONNX")
    proto = onnx.load_model_from_string(data)
    edit = _EDITS.get(kind)
    if edit is None or not edit(proto.graph):
        return None
    return bytes(proto.SerializeToString(deterministic=True))


def _read(op: str, *constants: Any, **attributes: Any) -> _Edit:
    """x goes through one more node before anything reads it."""

    def edit(graph: GraphProto) -> bool:
        from onnx import helper

        for node in graph.node:
            node.input[:] = ["x/read" if name == "x" else name for name in node.input]
        names = [
            _constant(graph, f"x/read/{index}", array) for index, array in enumerate(constants)
        ]
        graph.node.insert(
            0, helper.make_node(op, ["x", *names], ["x/read"], name="x/read", **attributes)
        )
        return True

    return edit


def _gathered(order: Callable[[int], Any]) -> _Edit:
    """The features in another order."""

    def edit(graph: GraphProto) -> bool:
        width = graph.input[0].type.tensor_type.shape.dim[2].dim_value
        return width > 1 and _read("Gather", np.asarray(order(width), np.int64), axis=2)(graph)

    return edit


def _takes_lengths(graph: GraphProto) -> bool:
    return any(one.name == "lengths" for one in graph.input)


def _as_long_as_the_longest(graph: GraphProto) -> bool:
    """What reads the lengths is given seq for every row."""
    from onnx import TensorProto, helper

    if not _takes_lengths(graph):
        return False
    for node in graph.node:
        node.input[:] = ["lengths/full" if name == "lengths" else name for name in node.input]
    batch, seq = _constant(graph, "lengths/batch", [0]), _constant(graph, "lengths/seq", [1])
    nodes: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("Shape", ["x"], "lengths/shape", {}),
        ("Gather", ["lengths/shape", batch], "lengths/rows", {"axis": 0}),  # (1,)
        ("Gather", ["lengths/shape", seq], "lengths/longest", {"axis": 0}),
        ("Expand", ["lengths/longest", "lengths/rows"], "lengths/each", {}),  # (batch,)
        ("Cast", ["lengths/each"], "lengths/full", {"to": TensorProto.INT32}),
    ]
    for at, (op, inputs, output, attributes) in enumerate(nodes):
        graph.node.insert(at, helper.make_node(op, inputs, [output], name=output, **attributes))
    return True


def _twice(graph: GraphProto) -> bool:
    """Each sequence right behind itself: only the last step is read, from the state that the first pass left."""
    if _takes_lengths(graph):  # a row would end within the first pass
        return False
    if len(graph.output[0].type.tensor_type.shape.dim) != 2 or _attributes(graph, "direction"):
        return False
    _read("Concat", axis=1)(graph)
    graph.node[0].input.append("x")
    return True


def _other_step(step: int) -> _Edit:
    """The read-out at another step: another index, or the output of that step for the final state."""

    def edit(graph: GraphProto) -> bool:
        from onnx import helper

        if _attributes(graph, "direction"):
            return False
        for at, node in enumerate(graph.node):
            if node.op_type in _STATES and len(node.output) > 1 and node.output[1]:
                every, picked = f"{node.name}/Y", node.output[1]
                del node.output[:]
                node.output.append(every)
                index = _constant(graph, f"{node.name}/step", [step])
                axis = _constant(graph, "one/axis", [1])  # Y is (seq, 1, batch, hidden_size)
                squeezed = helper.make_node("Squeeze", [every, axis], [f"{every}/1"])
                gather = helper.make_node("Gather", [f"{every}/1", index], [picked], axis=0)
                graph.node.insert(at + 1, squeezed)
                graph.node.insert(at + 2, gather)
                return True
            if (
                node.op_type == "Gather"
                and node.input[1] == "last_index"
                and not node.name.endswith("/last")
            ):
                node.input[1] = _constant(graph, "other_index", np.array(step))
                return True
        return False

    return edit


_STATES = {"LSTM": ("Tanh", "Tanh"), "GRU": ("Tanh",)}


def _hard_sigmoid(slope: float) -> _Edit:
    def edit(graph: GraphProto) -> bool:
        from onnx import helper

        for node in graph.node:
            if node.op_type in _STATES:
                ways = 2 if any(one.name == "direction" for one in node.attribute) else 1
                functions = ["HardSigmoid", *_STATES[node.op_type]] * ways
                node.attribute.append(helper.make_attribute("activations", functions))
                # One value for each function that takes one: a Tanh takes none.
                node.attribute.append(helper.make_attribute("activation_alpha", [slope] * ways))
                node.attribute.append(helper.make_attribute("activation_beta", [0.5] * ways))
        return True

    return edit


def _attribute(op: str, name: str, value: int) -> _Edit:
    """Every node of an operator with another attribute."""

    def edit(graph: GraphProto) -> bool:
        from onnx import helper

        nodes = [node for node in graph.node if node.op_type == op]
        for node in nodes:
            kept = [one for one in node.attribute if one.name != name]
            del node.attribute[:]
            node.attribute.extend([*kept, helper.make_attribute(name, value)])
        return bool(nodes)

    return edit


def _attributes(graph: GraphProto, name: str) -> list[Any]:
    return [one for node in graph.node for one in node.attribute if one.name == name]


def _constant(graph: GraphProto, name: str, array: Any) -> str:
    from onnx import numpy_helper

    graph.initializer.append(numpy_helper.from_array(np.asarray(array, np.int64), name))
    return name


_EDITS: dict[str, _Edit] = {
    "the sequence read backwards": _read("Slice", [-1], [-_FAR], [1], [-1]),
    "only the first step of the input read": _read("Slice", [0], [1], [1]),
    "only the last step of the input read": _read("Slice", [-1], [_FAR], [1]),
    "the features in reverse order": _gathered(lambda width: range(width)[::-1]),
    "the first two features exchanged": _gathered(lambda width: [1, 0, *range(2, width)]),
    "the features shifted by one": _gathered(lambda width: [width - 1, *range(width - 1)]),
    "the state of the last call kept": _twice,
    "the lengths ignored": _as_long_as_the_longest,
    "the first step instead of the last": _other_step(0),
    "the step before the last instead of the last": _other_step(-2),
    "hard sigmoid of slope 0.2": _hard_sigmoid(0.2),
    "hard sigmoid of slope 1/6": _hard_sigmoid(1 / 6),
    "input_forget": _attribute("LSTM", "input_forget", 1),
    "linear_before_reset=0": _attribute("GRU", "linear_before_reset", 0),
}
