"""A file of ONNX Runtime's own format with the operators that it lists in a fixed order.

ONNX Runtime writes that list, its kernel type string resolver, in the order of a hash, another one
in every run. The list lies in front of the model, which is the same every time: it is written anew,
and the model stays behind it byte for byte. Fields as schema/ort.fbs numbers them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import require
from .flatbuffer import Table

# InferenceSession, of whose four fields the third is no longer used
_FIELDS = 4
_VERSION = 0
_MODEL = 1
_RESOLVER = 3

_IDENTIFIER = b"ORTM"
_ALIGNMENT = 8


def in_fixed_order(data: bytes) -> bytes:
    """The same model and the same list, by the names of operators and of their types."""
    flatbuffers = require("flatbuffers", "export", "writing .ort files")
    session = Table.root(data)
    model = session.table(_MODEL)
    kept = data[min(model.at, model.vtable) :]
    builder = flatbuffers.Builder(len(data))
    builder.Bytes[-len(kept) :] = kept  # a builder works from the end of its bytes to their front
    builder.head -= len(kept)
    builder.minalign = _ALIGNMENT
    resolver = _resolver(builder, session.table(_RESOLVER))
    builder.StartObject(_FIELDS)
    builder.PrependUOffsetTRelativeSlot(_VERSION, len(data) - session.place_of(_VERSION), 0)
    builder.PrependUOffsetTRelativeSlot(_MODEL, len(data) - model.at, 0)
    builder.PrependUOffsetTRelativeSlot(_RESOLVER, resolver, 0)
    builder.Finish(builder.EndObject(), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def _resolver(builder: Any, resolver: Table) -> int:
    """KernelTypeStrResolver: of each operator its types by name."""
    operators = []
    for operator in sorted(resolver.tables(0), key=_name):
        types = [_type(builder, each) for each in sorted(operator.tables(1), key=_name)]
        operators.append(_named(builder, operator, types))
    entries = _vector(builder, operators)
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(0, entries, 0)
    return int(builder.EndObject())


def _name(entry: Table) -> str:
    return entry.text(0)


def _type(builder: Any, entry: Table) -> int:
    """KernelTypeStrArgsEntry: a type's name, and the inputs and outputs that have it."""
    ends = []
    for end in entry.tables(1):
        builder.StartObject(2)
        builder.PrependInt8Slot(0, end.number(0, "<b"), 0)  # input or output
        builder.PrependUint32Slot(1, end.number(1, "<I"), 0)  # its index
        ends.append(builder.EndObject())
    return _named(builder, entry, ends)


def _named(builder: Any, entry: Table, parts: Sequence[int]) -> int:
    """A table of a name and a vector of tables."""
    name = builder.CreateString(_name(entry))
    vector = _vector(builder, parts)
    builder.StartObject(2)
    builder.PrependUOffsetTRelativeSlot(0, name, 0)
    builder.PrependUOffsetTRelativeSlot(1, vector, 0)
    return int(builder.EndObject())


def _vector(builder: Any, tables: Sequence[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return int(builder.EndVector())
