"""The graph in a `.ort` file as ONNX Runtime's own classes read it, beside our reader of it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


def graph_by_onnxruntime(data: bytes) -> dict[str, list[Any]]:
    """Nodes, edges, constants, inputs and outputs; numbers stand for the names of values."""
    importlib.import_module("onnxruntime.tools.ort_format_model")  # puts the classes on the path
    session = importlib.import_module("ort_flatbuffers_py.fbs.InferenceSession").InferenceSession
    model = session.GetRootAs(data).Model()
    graph = model.Graph()
    opsets = _each(model.OpsetImport, model.OpsetImportLength())
    constants = _each(graph.Initializers, graph.InitializersLength())
    edges = _each(graph.NodeEdges, graph.NodeEdgesLength())
    values = _Values()
    return {
        "opset": [opset.Version() for opset in opsets if not opset.Domain()],
        "constants": [_tensor(tensor, values) for tensor in constants],
        "inputs": values.numbers(graph.Inputs, graph.InputsLength()),
        "nodes": [_node(node, values) for node in _each(graph.Nodes, graph.NodesLength())],
        "edges": [_edges(entry) for entry in edges],
        "outputs": values.numbers(graph.Outputs, graph.OutputsLength()),
    }


class _Values:
    """A number for each name, in the order in which they come; none for one that is left out."""

    def __init__(self) -> None:
        self._names: dict[bytes, int] = {b"": -1}

    def numbers(self, entry: Callable[[int], bytes], count: int) -> list[int]:
        """Those of a vector of names."""
        return [self.number(name) for name in _each(entry, count)]

    def number(self, name: bytes) -> int:
        """The one of a name."""
        return self._names.setdefault(name, len(self._names))


def _each(entry: Callable[[int], Any], count: int) -> list[Any]:
    return [entry(index) for index in range(count)]


def _node(node: Any, values: _Values) -> list[Any]:
    attributes = _each(node.Attributes, node.AttributesLength())
    return [
        node.OpType(),
        node.Domain(),
        node.SinceVersion(),
        node.Index(),
        node.Type(),
        values.numbers(node.Inputs, node.InputsLength()),
        values.numbers(node.Outputs, node.OutputsLength()),
        sorted(_attribute(attribute) for attribute in attributes),
    ]


def _attribute(attribute: Any) -> tuple[Any, ...]:
    kind = attribute.Type()
    value = {
        1: attribute.F,
        2: attribute.I,
        3: attribute.S,
        7: lambda: _each(attribute.Ints, attribute.IntsLength()),
        8: lambda: _each(attribute.Strings, attribute.StringsLength()),
    }[kind]()
    return attribute.Name(), kind, value


def _edges(entry: Any) -> list[Any]:
    into = _each(entry.InputEdges, entry.InputEdgesLength())
    out_of = _each(entry.OutputEdges, entry.OutputEdgesLength())
    return [entry.NodeIndex(), [_edge(edge) for edge in into], [_edge(edge) for edge in out_of]]


def _edge(edge: Any) -> tuple[int, int, int]:
    return edge.NodeIndex(), edge.SrcArgIndex(), edge.DstArgIndex()


def _tensor(tensor: Any, values: _Values) -> list[Any]:
    dims = _each(tensor.Dims, tensor.DimsLength())
    raw = tensor.RawDataAsNumpy().tobytes() if tensor.RawDataLength() else b""
    return [values.number(tensor.Name()), tensor.DataType(), dims, raw]
