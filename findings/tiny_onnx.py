"""ONNX files of one recurrent layer, and their answers, for the findings about ONNX."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper, parser

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def recurrent(  # noqa: PLR0913 - each is one dimension or one part of the node
    op: str = "LSTM",
    *,
    input_size: int = 3,
    hidden_size: int = 4,
    seq: int | str = "seq",
    batch: int | str = "batch",
    directions: int = 1,
    attributes: str = "",
    names: str = "",
    inputs: str = "",
    scale: float = 0.5,
) -> onnx.ModelProto:
    """One layer, with weights from N(0, scale^2).

    X is float32 (seq, batch, input_size); the outputs are Y (seq, directions, batch, hidden_size),
    Y_h and, for an LSTM, Y_c (directions, batch, hidden_size).

    Args:
        directions: 2 for a layer that reads both ways.
        attributes: of the node, in ONNX text, after `hidden_size`: `, clip = 0.5`.
        names: the node's inputs after B: `, lengths`.
        inputs: the graph's inputs after X: `, int32[batch] lengths`.
    """
    if directions == 2:
        attributes += ', direction = "bidirectional"'
    given = f"float[{seq}, {batch}, {input_size}] X{inputs}"
    state = f"{directions}, {batch}, {hidden_size}]"
    node = f"{op} <hidden_size = {hidden_size}{attributes}> (X, W, R, B{names})"
    model = _parsed(given, _answers_of(op, seq, state), node)
    rows = GATES[op] * hidden_size
    shapes = {
        "W": (directions, rows, input_size),
        "R": (directions, rows, hidden_size),
        "B": (directions, 2 * rows),
    }
    _add_weights(model, shapes, scale)
    onnx.checker.check_model(model, full_check=True)
    return model


def _answers_of(op: str, seq: int | str, state: str) -> dict[str, str]:
    """By output of the operator its type in ONNX text."""
    types = {"Y": f"float[{seq}, {state}", "Y_h": f"float[{state}"}
    if op == "LSTM":
        types["Y_c"] = f"float[{state}"
    return types


def _parsed(given: str, answered: dict[str, str], node: str) -> onnx.ModelProto:
    """A graph of one node, without its weights."""
    declared = ", ".join(f"{kind} {name}" for name, kind in answered.items())
    return parser.parse_model(
        f"""
        <ir_version: 8, opset_import: ["" : 17]>
        layer ({given}) => ({declared}) {{ {", ".join(answered)} = {node} }}
        """
    )


def _add_weights(model: onnx.ModelProto, shapes: dict[str, tuple[int, ...]], scale: float) -> None:
    """Arrays of these shapes, from N(0, scale^2), the same every time."""
    rng = np.random.default_rng(0)
    for name, shape in shapes.items():
        array = rng.normal(0, scale, shape).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, name))


def weights(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """The arrays W, R and B of a model."""
    return {array.name: numpy_helper.to_array(array) for array in model.graph.initializer}


def answers(model: onnx.ModelProto | str, options=None, **feed: np.ndarray) -> list[np.ndarray]:
    """What ONNX Runtime gives for a model, or for the file of that name, with one thread."""
    import onnxruntime

    options = options or onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    source = model if isinstance(model, str) else model.SerializeToString()
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    return session.run(None, feed)


def changed(what: str) -> None:
    """End the finding: the software does no longer what is told here."""
    raise SystemExit(f"changed: {what}")
