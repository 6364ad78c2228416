"""The model and the operators in a file of ONNX Runtime's own format, read without ONNX Runtime.

Fields as onnxruntime/core/flatbuffers/schema/ort.fbs numbers them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from math import prod

import numpy as np

from ...device.onnx_file import FLOAT
from ...device.onnx_metadata import SIGNATURE, WEIGHTS_SHA256, stored_signature
from ...device.onnx_weights import arrays_in_graph, stored_chain
from ...errors import UnsupportedModel
from ...model import Array, Model
from ..target import EditedArtifact
from .flatbuffer import Table, damaged

# InferenceSession
_MODEL = 1
# Model
_GRAPH = 7
_METADATA = 9
# Graph
_INITIALIZERS = 0
_NODES = 2
# Node
_NAME = 0
_DOMAIN = 2
_SINCE_VERSION = 3
_OP_TYPE = 5
# Tensor, whose name is a node's
_DIMS = 2
_DATA_TYPE = 3
_RAW_DATA = 4

# What a record of the wrong kind can lead to, such as a number where a name belongs.
_OTHER_FORM = (ArithmeticError, AttributeError, KeyError, TypeError, ValueError)


def model_in(data: bytes) -> Model:
    """The model: its weights from the graph, its chain from the metadata.

    Raises:
        BundleError: the file is damaged.
        UnsupportedModel: it was not written by this package, or holds other weights than it says.
    """
    model = Table.root(data).table(_MODEL)
    metadata = {entry.text(0): entry.text(1) for entry in model.tables(_METADATA)}
    if SIGNATURE not in metadata:
        raise UnsupportedModel(f"this .ort file was not written by lstm-export: no {SIGNATURE}")
    try:
        found = _found(model.table(_GRAPH), metadata)
    except _OTHER_FORM as error:
        raise damaged(f"it describes no valid model ({error})") from error
    if metadata.get(WEIGHTS_SHA256) != found.weights_sha256:
        raise EditedArtifact("the file holds other weights than its own metadata says", found)
    return found


def _found(graph: Table, metadata: Mapping[str, str]) -> Model:
    operators = {node.text(_NAME): node.text(_OP_TYPE) for node in graph.tables(_NODES)}
    arrays = arrays_in_graph(metadata, dict(_constants(graph)), operators)
    return Model.from_record(stored_chain(metadata), arrays, stored_signature(metadata), "stored")


def _constants(graph: Table) -> Iterator[tuple[str, Array]]:
    """The float32 arrays by name."""
    for tensor in graph.tables(_INITIALIZERS):
        if tensor.number(_DATA_TYPE) != FLOAT:
            continue
        shape = tensor.numbers(_DIMS)
        raw = tensor.raw(_RAW_DATA)
        if min(shape, default=1) < 0 or len(raw) != 4 * prod(shape):
            raise damaged(f"it holds {len(raw)} bytes for an array of the shape {shape}")
        yield tensor.text(_NAME), np.frombuffer(raw, "<f4").reshape(shape)


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
