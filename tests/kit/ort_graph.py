"""The graph in a `.ort` file as ONNX Runtime's own classes read it, beside our reader of it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

SCALARS = ("SinceVersion", "Index", "Type")
TEXTS = ("Name", "Domain", "OpType")


def graph_by_onnxruntime(data: bytes) -> dict[str, list[Any]]:
    """Nodes, edges, constants, inputs and outputs."""
    importlib.import_module("onnxruntime.tools.ort_format_model")  # puts the classes on the path
    session = importlib.import_module("ort_flatbuffers_py.fbs.InferenceSession").InferenceSession
    model = session.GetRootAs(data).Model()
    graph = model.Graph()
    opsets = _each(model.OpsetImport, model.OpsetImportLength())
    return {
        "opsets": [(opset.Domain(), opset.Version()) for opset in opsets],
        "inputs": _each(graph.Inputs, graph.InputsLength()),
        "outputs": _each(graph.Outputs, graph.OutputsLength()),
        "nodes": [_node(node) for node in _each(graph.Nodes, graph.NodesLength())],
        "edges": [_edges(entry) for entry in _each(graph.NodeEdges, graph.NodeEdgesLength())],
        "constants": [
            _tensor(tensor) for tensor in _each(graph.Initializers, graph.InitializersLength())
        ],
    }


def _each(entry: Callable[[int], Any], count: int) -> list[Any]:
    return [entry(index) for index in range(count)]


def _node(node: Any) -> list[Any]:
    said = [getattr(node, field)() for field in (*TEXTS, *SCALARS)]
    attributes = _each(node.Attributes, node.AttributesLength())
    return [
        *said,
        _each(node.Inputs, node.InputsLength()),
        _each(node.Outputs, node.OutputsLength()),
        [_attribute(attribute) for attribute in attributes],
    ]


def _attribute(attribute: Any) -> list[Any]:
    kind = attribute.Type()
    value = {
        1: attribute.F,
        2: attribute.I,
        3: attribute.S,
        7: lambda: _each(attribute.Ints, attribute.IntsLength()),
        8: lambda: _each(attribute.Strings, attribute.StringsLength()),
    }[kind]()
    return [attribute.Name(), kind, value]


def _edges(entry: Any) -> list[Any]:
    into = _each(entry.InputEdges, entry.InputEdgesLength())
    out_of = _each(entry.OutputEdges, entry.OutputEdgesLength())
    return [entry.NodeIndex(), [_edge(edge) for edge in into], [_edge(edge) for edge in out_of]]


def _edge(edge: Any) -> tuple[int, int, int]:
    return edge.NodeIndex(), edge.SrcArgIndex(), edge.DstArgIndex()


def _tensor(tensor: Any) -> list[Any]:
    dims = _each(tensor.Dims, tensor.DimsLength())
    raw = tensor.RawDataAsNumpy().tobytes() if tensor.RawDataLength() else b""
    return [tensor.Name(), tensor.DataType(), dims, raw]
