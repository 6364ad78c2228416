"""Puts a bug of the catalogue into an ONNX file, where no other model has it.

Each edit is called by the catalogue's kind, which defines what the edited graph computes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import require

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

# Changes a graph; False where the graph has no place for it.
Edit = Callable[["GraphProto"], bool]

_FAR = 2**62  # beyond the end of any sequence
# The activations of a recurrent operator beside its gates' sigmoid.
_TANHS = {"LSTM": ("Tanh", "Tanh"), "GRU": ("Tanh",)}
_RECURRENT = (*_TANHS, "RNN")


def broken(data: bytes, kind: str) -> bytes | None:
    """The file with the catalogue's bug of this kind; None where its graph has no place for it."""
    onnx = require("onnx", "export", "editing ONNX")
    proto = onnx.load_model_from_string(data)
    edit = EDITS.get(kind)
    if edit is None or not edit(proto.graph):
        return None
    return bytes(proto.SerializeToString(deterministic=True))


def _read_through(graph: GraphProto, op: str, *constants: Any, **attributes: Any) -> NodeProto:
    """x goes through one more node before anything reads it."""
    from onnx import helper

    _rename_input(graph, "x", "x/read")
    names = []
    for index, array in enumerate(constants):
        names.append(_constant(graph, f"x/read/{index}", array))
    node = helper.make_node(op, ["x", *names], ["x/read"], name="x/read", **attributes)
    graph.node.insert(0, node)
    first: NodeProto = graph.node[0]
    return first


def _rename_input(graph: GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]


def _constant(graph: GraphProto, name: str, array: Any) -> str:
    from onnx import numpy_helper

    graph.initializer.append(numpy_helper.from_array(np.asarray(array, np.int64), name))
    return name


def _sliced(start: int, end: int, step: int) -> Edit:
    """Part of the sequence, or all of it in another order."""

    def edit(graph: GraphProto) -> bool:
        along_time = [1]
        _read_through(graph, "Slice", [start], [end], along_time, [step])
        return True

    return edit


def _gathered(order: Callable[[int], Sequence[int]]) -> Edit:
    """The features in another order."""

    def edit(graph: GraphProto) -> bool:
        width = graph.input[0].type.tensor_type.shape.dim[2].dim_value
        if width < 2:
            return False
        _read_through(graph, "Gather", order(width), axis=2)
        return True

    return edit


def _takes_lengths(graph: GraphProto) -> bool:
    return any(value.name == "lengths" for value in graph.input)


def _is_bidirectional(graph: GraphProto) -> bool:
    return any(_has_direction(node) for node in graph.node)


def _has_direction(node: NodeProto) -> bool:
    return any(attribute.name == "direction" for attribute in node.attribute)


def _as_long_as_the_longest(graph: GraphProto) -> bool:
    """What reads the lengths is given seq for every row."""
    from onnx import TensorProto, helper

    if not _takes_lengths(graph):
        return False
    _rename_input(graph, "lengths", "lengths/full")
    batch = _constant(graph, "lengths/batch", [0])
    seq = _constant(graph, "lengths/seq", [1])
    nodes: tuple[tuple[str, list[str], str, dict[str, Any]], ...] = (
        ("Shape", ["x"], "lengths/shape", {}),
        ("Gather", ["lengths/shape", batch], "lengths/rows", {"axis": 0}),  # (1,)
        ("Gather", ["lengths/shape", seq], "lengths/longest", {"axis": 0}),
        ("Expand", ["lengths/longest", "lengths/rows"], "lengths/each", {}),  # (batch,)
        ("Cast", ["lengths/each"], "lengths/full", {"to": int(TensorProto.INT32)}),
    )
    for index, (op, inputs, output, attributes) in enumerate(nodes):
        node = helper.make_node(op, inputs, [output], name=output, **attributes)
        graph.node.insert(index, node)
    return True


def _twice(graph: GraphProto) -> bool:
    """Each sequence twice on end: the second pass starts from the state that the first one left.

    Only the last step is read. Not with lengths: a row would end within the first pass.
    """
    axes = graph.output[0].type.tensor_type.shape.dim
    if _takes_lengths(graph) or _is_bidirectional(graph) or len(axes) != 2:
        return False
    node = _read_through(graph, "Concat", axis=1)
    node.input.append("x")  # x after x along time, (batch, 2 * seq, input_size)
    return True


def _other_step(step: int) -> Edit:
    """The read-out at another step: another index, or the output of that step, not the state."""

    def edit(graph: GraphProto) -> bool:
        finals = [node for node in graph.node if _gives_state(node)]
        picks = [node for node in graph.node if _picks_last(node)]
        is_single = len(finals) + len(picks) < 2
        gives_steps = any(node.output[0] for node in finals)
        if _is_bidirectional(graph) or not is_single or gives_steps:
            return False
        for index, node in enumerate(graph.node):
            if _gives_state(node):
                _read_step_of_output(graph, index, step)
                return True
            if _picks_last(node):
                # an index without axes, as the last one: the axis of time goes away
                node.input[1] = _constant(graph, "other_index", np.array(step))
                return True
        return False

    return edit


def _picks_last(node: NodeProto) -> bool:
    return node.op_type == "Gather" and node.input[1] == "last_index"


def _gives_state(node: NodeProto) -> bool:
    return node.op_type in _RECURRENT and len(node.output) > 1


def _read_step_of_output(graph: GraphProto, index: int, step: int) -> None:
    """What read a recurrent node's final state gets a step of its Y."""
    from onnx import helper

    node = graph.node[index]
    every_step = f"{node.name}/Y"  # (seq, 1, batch, hidden_size)
    picked = node.output[1]
    node.output[:] = [every_step]
    place = _constant(graph, f"{node.name}/step", [step])
    axis = _constant(graph, "one/axis", [1])
    squeezed = helper.make_node("Squeeze", [every_step, axis], [f"{every_step}/1"])
    # (1, batch, hidden_size), as the state has it
    gather = helper.make_node("Gather", [f"{every_step}/1", place], [picked], axis=0)
    graph.node.insert(index + 1, squeezed)
    graph.node.insert(index + 2, gather)


def _summed(graph: GraphProto) -> bool:
    """Every mean without its division."""
    from onnx import helper

    means = [node for node in graph.node if node.op_type == "ReduceMean"]
    for node in means:
        (axes,) = [each.ints for each in node.attribute if each.name == "axes"]
        # ReduceSum takes its axes as an input since opset 13, ReduceMean only since 18
        axis = _constant(graph, f"{node.name}/axis", list(axes))
        name = node.output[0]
        summed = helper.make_node("ReduceSum", [node.input[0], axis], [name], keepdims=0)
        node.CopyFrom(summed)
    return bool(means)


def _divided_by_the_longest(graph: GraphProto) -> bool:
    """Means of rows divided by the steps of x."""
    from onnx import TensorProto, helper

    means = [node for node in graph.node if "lengths/divisor" in node.input]
    if not means:
        return False
    cast = helper.make_node("Cast", ["x/seq"], ["x/longest"], to=int(TensorProto.FLOAT))
    # before the first that reads it: nodes stand in the order of computing
    graph.node.insert(list(graph.node).index(means[0]), cast)
    _rename_input(graph, "lengths/divisor", "x/longest")
    return True


def _zero_for_the_lowest(graph: GraphProto) -> bool:
    """What stands after a row's end counts as 0 in a maximum."""
    from onnx import numpy_helper

    lowest = [tensor for tensor in graph.initializer if tensor.name == "lowest"]
    for tensor in lowest:
        tensor.CopyFrom(numpy_helper.from_array(np.float32(0), "lowest"))
    return bool(lowest)


def _hard_sigmoid(slope: float) -> Edit:
    """The gates' sigmoid as ONNX's operator HardSigmoid, max(0, min(1, alpha * x + beta))."""

    def edit(graph: GraphProto) -> bool:
        from onnx import helper

        for node in graph.node:
            if node.op_type in _TANHS:
                directions = 2 if _has_direction(node) else 1
                functions = ["HardSigmoid", *_TANHS[node.op_type]] * directions
                # One value for each function that takes one: a Tanh takes none.
                attributes = {
                    "activations": functions,
                    "activation_alpha": [slope] * directions,
                    "activation_beta": [0.5] * directions,
                }
                for name, value in attributes.items():
                    node.attribute.append(helper.make_attribute(name, value))
        return True

    return edit


def _attribute(op: str, name: str, value: int) -> Edit:
    """Every node of an operator with another attribute."""

    def edit(graph: GraphProto) -> bool:
        from onnx import helper

        nodes = [node for node in graph.node if node.op_type == op]
        for node in nodes:
            kept = [attribute for attribute in node.attribute if attribute.name != name]
            del node.attribute[:]
            node.attribute.extend([*kept, helper.make_attribute(name, value)])
        return bool(nodes)

    return edit


def _reversed(width: int) -> Sequence[int]:
    return range(width)[::-1]


def _first_two_exchanged(width: int) -> Sequence[int]:
    return [1, 0, *range(2, width)]


def _shifted(width: int) -> Sequence[int]:
    return [width - 1, *range(width - 1)]


EDITS: Mapping[str, Edit] = {
    "the sequence read backwards": _sliced(-1, -_FAR, -1),
    "only the first step of the input read": _sliced(0, 1, 1),
    "only the last step of the input read": _sliced(-1, _FAR, 1),
    "the features in reverse order": _gathered(_reversed),
    "the first two features exchanged": _gathered(_first_two_exchanged),
    "the features shifted by one": _gathered(_shifted),
    "the state of the last call kept": _twice,
    "the lengths ignored": _as_long_as_the_longest,
    "the first step instead of the last": _other_step(0),
    "the step before the last instead of the last": _other_step(-2),
    "sum for mean": _summed,
    "padding counted in the mean": _divided_by_the_longest,
    "padding taken for 0 in the maximum": _zero_for_the_lowest,
    "hard sigmoid of slope 0.2": _hard_sigmoid(0.2),
    "hard sigmoid of slope 1/6": _hard_sigmoid(1 / 6),
    "input_forget": _attribute("LSTM", "input_forget", 1),
    "linear_before_reset=0": _attribute("GRU", "linear_before_reset", 0),
}
