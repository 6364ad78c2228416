"""The same ONNX file under the conditions that it will meet, and opened up to its layers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from ...device.onnx_runner import OnnxRunner, load_onnx
from ...errors import MissingDependency, require
from ...model import Array, Runner

# Members of GraphOptimizationLevel; ORT_ENABLE_ALL is the default, under which the first answers
# come.
LEVELS = {"off": "ORT_DISABLE_ALL", "basic": "ORT_ENABLE_BASIC", "extended": "ORT_ENABLE_EXTENDED"}
THREADS = (2, 4)
RECURRENT = ("LSTM", "GRU", "RNN")


def conditions(data: bytes) -> Iterator[tuple[str, Runner]]:
    """Less optimisation, and more threads."""
    for name, level in LEVELS.items():
        yield f"optimisation {name}", load_onnx(data, tune=partial(_optimised, level))
    for threads in THREADS:
        yield f"{threads} threads", load_onnx(data, tune=partial(_threaded, threads))


def _optimised(level: str, ort: ModuleType, options: Any) -> None:
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)


def _threaded(threads: int, ort: ModuleType, options: Any) -> None:
    options.intra_op_num_threads = threads


def probes(data: bytes) -> Iterator[Runner]:
    """The file giving the output of its first recurrent node, of its second, and so on.

    None without onnx.
    """
    try:
        onnx = require("onnx", "export", "looking into an ONNX file")
    except MissingDependency:
        return
    nodes = onnx.load_model_from_string(data).graph.node
    for index, node in enumerate(nodes):
        if node.op_type in RECURRENT:
            yield partial(_every_step, load_onnx(_cut_after(data, index)))


def _cut_after(data: bytes, index: int) -> bytes:
    """The file without what comes after a node, whose first output it gives.

    Whatever is wrong after it is not asked.
    """
    onnx = require("onnx", "export", "looking into an ONNX file")
    proto = onnx.load_model_from_string(data)
    graph = proto.graph
    del graph.node[index + 1 :]
    node = graph.node[index]
    if not node.output[0]:
        node.output[0] = f"{node.name}/every_step"
    # A file that another tool converted may compute in float16.
    as_float32 = f"{node.name}/probed"
    float32 = onnx.TensorProto.FLOAT
    cast = onnx.helper.make_node("Cast", [node.output[0]], [as_float32], to=float32)
    graph.node.append(cast)
    output = onnx.helper.make_tensor_value_info(as_float32, float32, None)
    del graph.output[:]
    graph.output.append(output)
    return bytes(proto.SerializeToString())


def _every_step(runner: OnnxRunner, x: Array, lengths: Array | None = None) -> Array:
    """Y `(seq, directions, batch, hidden_size)` as `(batch, seq, directions * hidden_size)`."""
    y = np.moveaxis(runner(x, lengths), 2, 0)  # (batch, seq, directions, hidden_size)
    batch, seq = y.shape[:2]
    every_step = y.reshape(batch, seq, -1)  # the directions side by side, as torch has them
    if lengths is None:
        return every_step
    counted = np.arange(seq) < lengths[:, np.newaxis]  # what follows is not said to be anything
    return np.where(counted[..., np.newaxis], every_step, np.float32(0))
