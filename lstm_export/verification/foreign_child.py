"""The process that runs an ONNX file of another tool: what it takes and holds, and its answers.

`python -m lstm_export.verification.foreign_child`. The first question is the file, every further
one an x.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..child_process import limit_memory, packed, serve, unpacked
from ..device.onnx_guard import DOMAINS, MAX_BYTES, OPERATORS
from ..device.protobuf import AGAIN
from ..device.runtime import first_line, new_session, onnxruntime, runtime_errors
from ..errors import InputError, UnsupportedModel, require
from ..model import Array

if TYPE_CHECKING:
    from onnx import FunctionProto, GraphProto, ModelProto

NUMPY_TYPES = {"tensor(float)": "<f4", "tensor(double)": "<f8", "tensor(float16)": "<f2"}
INTEGERS = {"tensor(int64)": "<i8", "tensor(int32)": "<i4"}


def _open_up() -> tuple[bytes, Callable[[bytes], bytes]]:
    """The child's greeting and its answers; the first question is the file."""
    limit_memory()
    opened: _Opened | None = None

    def answer(question: bytes) -> bytes:
        nonlocal opened
        if opened is None:
            opened = _Opened(question)
            return opened.description
        return opened.answer(unpacked(question)["x"])

    return b"ready", answer


class _Opened:
    """The file in ONNX Runtime.

    Attributes:
        description: its producer, the shape of its x and its operators, as JSON.
    """

    def __init__(self, data: bytes) -> None:
        proto = _plain(data)
        self._session = new_session(data, None, None)
        inputs = self._session.get_inputs()
        floats = [end for end in inputs if end.type in NUMPY_TYPES]
        if not floats or len(floats[0].shape) != 3:
            got = ", ".join(f"{end.name} {end.type} {end.shape}" for end in inputs)
            raise InputError(
                f"the ONNX file takes {got or 'nothing'}, expected a float input "
                "(batch, seq, input_size)"
            )
        self._x = floats[0]
        self._others = [end for end in inputs if end is not self._x]
        producer = f"{proto.producer_name or '?'} {proto.producer_version}".strip()
        shape = [size if isinstance(size, int) else None for size in self._x.shape]
        record = {"producer": producer, "x": shape, "operators": _others_than_ours(proto)}
        self.description = json.dumps(record).encode()

    def answer(self, x: Array) -> bytes:
        feeds = {self._x.name: np.ascontiguousarray(x, NUMPY_TYPES[self._x.type])}
        for end in self._others:
            feeds[end.name] = _beside(end, x)
        try:
            outputs = self._session.run(None, feeds)
        except runtime_errors(onnxruntime()) as error:
            reason = first_line(error)
            raise InputError(f"ONNX Runtime refused x {x.shape}: {reason}") from error
        arrays = [np.asarray(y) for y in outputs]
        floats = [y for y in arrays if y.dtype.kind == "f"]  # no answer is a whole number
        # in names that sort as they came
        return packed({f"{index:04d}": y for index, y in enumerate(floats)})


def _beside(end: Any, x: Array) -> Array:
    """Zeros for a state, the number of steps for lengths.

    Raises:
        UnsupportedModel: it is neither.
    """
    if end.type in NUMPY_TYPES and len(end.shape) in (2, 3):
        *batch, size = end.shape
        if isinstance(size, int):
            # ([num_layers,] batch, size): an axis without a number is taken for the batch
            sizes = [axis if isinstance(axis, int) else len(x) for axis in batch]
            return np.zeros([*sizes, size], NUMPY_TYPES[end.type])
    if end.type in INTEGERS and len(end.shape) == 1:
        return np.full(len(x), x.shape[1], INTEGERS[end.type])  # (batch,), every step counts
    raise UnsupportedModel(
        f"the ONNX file also takes {end.name} {end.type} {end.shape}, which is neither a state "
        "nor lengths"
    )


def _plain(data: bytes) -> ModelProto:
    """The file, parsed; its weights have to stand in it.

    Raises:
        InputError: it is no ONNX file, or reaches beyond itself.
    """
    onnx = require("onnx", "export", "reading ONNX")
    from google.protobuf.message import DecodeError

    if len(data) > MAX_BYTES:
        raise InputError(f"the ONNX file has {len(data)} bytes, at most {MAX_BYTES} are allowed")
    try:
        proto: ModelProto = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise InputError(f"this is no ONNX file, or a damaged one; {AGAIN}") from error
    for graph in _graphs(proto):
        tensors = [*graph.initializer] if isinstance(graph, onnx.GraphProto) else []
        tensors += [attribute.t for node in graph.node for attribute in node.attribute]
        if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in tensors):
            raise InputError(
                "the ONNX file keeps weights in another file (external data), which is refused; "
                "save it as one file"
            )
    return proto


def _graphs(proto: ModelProto) -> Iterator[GraphProto | FunctionProto]:
    """The graph, its functions, and every graph in a node of these."""
    waiting: list[GraphProto | FunctionProto] = [proto.graph, *proto.functions]
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                waiting.extend(attribute.graphs)
                if attribute.HasField("g"):
                    waiting.append(attribute.g)


def _others_than_ours(proto: ModelProto) -> dict[str, int]:
    """Operators outside of the list that a device runs, and how often they stand there."""
    ours = OPERATORS.split(", ")
    counts: Counter[str] = Counter()
    for graph in _graphs(proto):
        for node in graph.node:
            is_standard = node.domain.encode() in DOMAINS
            if not is_standard or node.op_type not in ours:
                domain = "" if is_standard else f" of {node.domain}"
                counts[f"{node.op_type[:80]}{domain[:80]}"] += 1
    return dict(counts)


if __name__ == "__main__":
    serve(_open_up)
