"""The graph in a file of ONNX Runtime's own format, read without ONNX Runtime.

It becomes the record that an `.onnx` file is read into, so that one reader goes over the nodes of
both: each has to be one that the writer of the onnx target makes. What ONNX Runtime derives from
nodes and writes beside them is not needed for that: the edges between them are compared with their
names, the shapes of inner values and the list of kernels are not read.
Fields as onnxruntime/core/flatbuffers/schema/ort.fbs numbers them.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from math import prod

import numpy as np

from ...device.onnx_file import (
    DTYPES,
    FLOAT_ATTRIBUTE,
    INT_ATTRIBUTE,
    INTS_ATTRIBUTE,
    STRING_ATTRIBUTE,
    STRINGS_ATTRIBUTE,
    AttributeValue,
    Declared,
    Node,
    OnnxFile,
    once_each,
)
from ...model import Array
from .flatbuffer import Table, damaged
from .operators import is_written, without_defaults

# InferenceSession
_MODEL = 1
# Model
_OPSETS = 1
_GRAPH = 7
_METADATA = 9
# Graph
_INITIALIZERS = 0
_VALUES = 1
_NODES = 2
_EDGES = 4
_INPUTS = 5
_OUTPUTS = 6
_SPARSE = 7
_OPTIMIZATIONS = 8
# Node; its name comes first, as that of a tensor and a value does
_NAME = 0
_DOMAIN = 2
_SINCE_VERSION = 3
_INDEX = 4
_OP_TYPE = 5
_KIND = 6
_NODE_INPUTS = 8
_NODE_OUTPUTS = 9
_ATTRIBUTES = 10
_SUBGRAPH_INPUTS = 12
# Attribute, of whose types the numbers are ONNX's
_ATTRIBUTE_TYPE = 2
_FLOAT = 3
_INT = 4
_STRING = 5
_INTS = 9
_STRINGS = 10
# Tensor
_DIMS = 2
_DATA_TYPE = 3
_RAW_DATA = 4
_TEXTS = 5
_EXTERNAL = 6

_PRIMITIVE = 0  # NodeType: no nodes fused to one
_TENSOR = 1  # TypeInfoValue
_EDGE = struct.Struct("<I2i")  # the other node, which output of the one, which input of the other


# An edge: its first node, which of its outputs, its second node, which of its inputs.
Edge = tuple[int, int, int, int]


def graph_in(data: bytes) -> OnnxFile:
    """What the file holds as the file of the onnx target would hold it.

    Raises:
        BundleError: it is damaged, or holds what ONNX Runtime does not make of such a file.
    """
    model = Table.root(data).table(_MODEL)
    graph = model.table(_GRAPH)
    if graph.count(_SPARSE) or graph.has(_OPTIMIZATIONS):
        raise damaged("it holds sparse weights, or nodes that are to be replaced")
    opset = _opset(model)
    values = {value.text(_NAME): value for value in graph.tables(_VALUES)}
    nodes = (_node(index, node, opset) for index, node in enumerate(graph.tables(_NODES)))
    file = OnnxFile(
        nodes=tuple(nodes),
        constants=once_each(_constants(graph), "weights"),
        inputs=tuple(_declared(name, values) for name in graph.texts(_INPUTS)),
        outputs=tuple(_declared(name, values) for name in graph.texts(_OUTPUTS)),
        opset=opset,
        metadata=once_each(_metadata(model), "metadata"),
    )
    _check_edges(graph, file.nodes)
    return file


def _metadata(model: Table) -> Iterator[tuple[str, str]]:
    for entry in model.tables(_METADATA):
        yield entry.text(0), entry.text(1)


def _opset(model: Table) -> int:
    """The version of the standard operators; ONNX Runtime lists its own sets, too."""
    versions = []
    for entry in model.tables(_OPSETS):
        domain = entry.text(0)
        if domain in ("", "ai.onnx"):
            versions.append(entry.number(1, "<q"))
    if len(versions) != 1:
        raise damaged(f"it names {len(versions)} versions of the standard operators, expected 1")
    return versions[0]


def _node(index: int, node: Table, opset: int) -> Node:
    name = node.text(_NAME)
    operator = node.text(_OP_TYPE)
    is_plain = not node.text(_DOMAIN) and node.number(_KIND) == _PRIMITIVE
    if not is_plain or node.number(_INDEX, "<I") != index or node.count(_SUBGRAPH_INPUTS):
        raise damaged(f"its node {name!a} is none of the standard operators")
    since = node.number(_SINCE_VERSION)
    if not is_written(operator, since, opset):
        raise damaged(f"its node {name!a} is {operator!a} of opset {since}, which is not written")
    attributes = once_each(map(_attribute, node.tables(_ATTRIBUTES)), "an attribute")
    return Node(
        operator,
        name,
        node.texts(_NODE_INPUTS),
        node.texts(_NODE_OUTPUTS),
        without_defaults(operator, attributes),
    )


def _attribute(attribute: Table) -> tuple[str, AttributeValue]:
    kind = attribute.number(_ATTRIBUTE_TYPE)
    name = attribute.text(_NAME)
    if kind == FLOAT_ATTRIBUTE:
        return name, attribute.real(_FLOAT)
    if kind == INT_ATTRIBUTE:
        return name, attribute.number(_INT, "<q")
    if kind == STRING_ATTRIBUTE:
        return name, attribute.raw(_STRING)
    if kind == INTS_ATTRIBUTE:
        return name, list(attribute.numbers(_INTS))
    if kind == STRINGS_ATTRIBUTE:
        return name, [text.encode() for text in attribute.texts(_STRINGS)]
    raise damaged(f"the attribute {name!a} is of the type {kind}")


def _check_edges(graph: Table, nodes: Sequence[Node]) -> None:
    """ONNX Runtime puts nodes in order by edges, and hands values on by their names: they agree."""
    expected = set(_edges_of(nodes))
    into: list[Edge] = []
    out_of: list[Edge] = []
    for entry in graph.tables(_EDGES):
        index = entry.number(0, "<I")
        for other, output, place in entry.structs(1, _EDGE):
            into.append((other, output, index, place))
        for other, output, place in entry.structs(2, _EDGE):
            out_of.append((index, output, other, place))
    if sorted(into) != sorted(expected) or sorted(out_of) != sorted(expected):
        raise damaged("its edges are not those of its nodes' inputs and outputs")


def _edges_of(nodes: Sequence[Node]) -> Iterator[Edge]:
    """Where values that nodes give are taken, by their names."""
    sources = {}
    for index, node in enumerate(nodes):
        for output, value in enumerate(node.outputs):
            sources[value] = (index, output)
    for index, node in enumerate(nodes):
        for place, value in enumerate(node.inputs):
            if value and value in sources:
                yield (*sources[value], index, place)


def _constants(graph: Table) -> Iterator[tuple[str, Array]]:
    """The arrays by name, of the types that the writer uses."""
    for tensor in graph.tables(_INITIALIZERS):
        name = tensor.text(_NAME)
        dtype = DTYPES.get(tensor.number(_DATA_TYPE))
        if dtype is None or tensor.count(_TEXTS) or tensor.has(_EXTERNAL):
            raise damaged(f"it holds {name!a} of another type, or in another file")
        shape = tensor.numbers(_DIMS)
        raw = tensor.raw(_RAW_DATA)
        size_bytes = np.dtype(dtype).itemsize * prod(shape)
        if min(shape, default=1) < 0 or len(raw) != size_bytes:
            raise damaged(f"it holds {len(raw)} bytes for an array of the shape {shape}")
        try:
            yield name, np.frombuffer(raw, dtype).reshape(shape)
        except ValueError as error:  # more axes than numpy has, or an empty array of absurd ones
            raise damaged(f"no array has the shape {shape}") from error


def _declared(name: str, values: Mapping[str, Table]) -> Declared:
    """Name, data type and axes of an input or output."""
    if name not in values:
        raise damaged(f"the value {name!a} is missing")
    kind = values[name].table(2)
    if kind.number(1, "<B") != _TENSOR:
        raise damaged(f"the value {name!a} is no tensor")
    tensor = kind.table(2)
    axes = [_axis(dimension) for dimension in tensor.table(1).tables(0)]
    return name, tensor.number(0), axes


def _axis(dimension: Table) -> str | int:
    value = dimension.table(0)
    return value.text(2) or value.number(1, "<q")


def required_operators(data: bytes, name: str) -> str:
    """What `build.py --include_ops_by_config` of ONNX Runtime takes: a line an operator set."""
    graph = Table.root(data).table(_MODEL).table(_GRAPH)
    needed: Mapping[tuple[str, int], set[str]] = defaultdict(set)
    for node in graph.tables(_NODES):
        domain = node.text(_DOMAIN) or "ai.onnx"
        needed[domain, node.number(_SINCE_VERSION)].add(node.text(_OP_TYPE))
    lines = [f"# Operators that {name} needs"]
    for (domain, version), operators in sorted(needed.items()):
        lines.append(f"{domain};{version};{','.join(sorted(operators))}")
    return "\n".join(lines) + "\n"
