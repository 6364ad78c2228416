"""Ask the installed ONNX Runtime what it can do; `doctor` runs this file in a child for the JSON.

An ONNX Runtime that was built for another processor ends the process that imports it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import TELEMETRY_SWITCH, MissingDependency
from .onnx_schema import (
    FLOAT,
    GraphField,
    ModelField,
    NodeField,
    OpsetField,
    TensorField,
    TypeField,
    ValueField,
)
from .protobuf import WireType
from .runtime import CPU, onnxruntime, runtime_errors


@dataclass(frozen=True)
class OnnxSupport:
    """The abilities of the installed ONNX Runtime; `reason` says why it cannot be used, if so."""

    providers: tuple[str, ...] = ()
    newest_opset: int | None = None
    newest_ir: int | None = None
    reason: str = ""
    telemetry_switch: str = ""  # the value of ORT_DISABLE_TELEMETRY; 1 turns it off


def support_from(text: str) -> OnnxSupport | None:
    """Read the last line that a process of this file printed; None where it is no record."""
    try:
        *_, last_line = text.splitlines() or [""]
        record = json.loads(last_line)
        record["providers"] = tuple(record.get("providers", ()))
        return OnnxSupport(**record)
    except (ValueError, TypeError, AttributeError):
        return None


def onnx_support() -> OnnxSupport:
    """Import it, and try."""
    try:
        ort = onnxruntime()
    except MissingDependency as error:
        return OnnxSupport(reason=str(error))
    return OnnxSupport(
        telemetry_switch=os.environ.get(TELEMETRY_SWITCH, ""),
        providers=tuple(ort.get_available_providers()),
        newest_opset=_newest(ort, lambda version: _identity(opset=version, ir=8)),
        newest_ir=_newest(ort, lambda version: _identity(opset=13, ir=version)),
    )


def _newest(ort: Any, model: Callable[[int], bytes]) -> int | None:
    """The newest version that loads, found by trying: ONNX Runtime does not say."""
    options = ort.SessionOptions()
    options.log_severity_level = 4  # failing is expected
    errors = runtime_errors(ort)
    newest = None
    for version in range(7, 64):
        try:
            ort.InferenceSession(model(version), options, providers=[CPU])
        except errors:
            if newest is not None:
                break
        else:
            newest = version
    return newest


def _identity(opset: int, ir: int) -> bytes:
    """The smallest ONNX model, `y = x`, in protobuf's wire format."""
    node = (
        _message(NodeField.INPUT, b"x")
        + _message(NodeField.OUTPUT, b"y")
        + _message(NodeField.OP_TYPE, b"Identity")
    )
    element_type = _number(TensorField.ELEM_TYPE, FLOAT)
    no_axes = _message(TensorField.SHAPE, b"")
    scalar = _message(TypeField.TENSOR_TYPE, element_type + no_axes)
    x = _message(ValueField.NAME, b"x") + _message(ValueField.TYPE, scalar)
    y = _message(ValueField.NAME, b"y") + _message(ValueField.TYPE, scalar)
    graph = (
        _message(GraphField.NODE, node)
        + _message(GraphField.NAME, b"g")
        + _message(GraphField.INPUT, x)
        + _message(GraphField.OUTPUT, y)
    )
    ir_version = _number(ModelField.IR_VERSION, ir)
    opset_import = _message(ModelField.OPSET_IMPORT, _number(OpsetField.VERSION, opset))
    return ir_version + _message(ModelField.GRAPH, graph) + opset_import


def _number(number: int, value: int) -> bytes:
    """A field with a number below 128."""
    return bytes([number << 3 | WireType.VARINT, value])


def _message(number: int, content: bytes) -> bytes:
    """A field of fewer than 128 bytes."""
    return bytes([number << 3 | WireType.LENGTH, len(content)]) + content


if __name__ == "__main__":
    print(json.dumps(asdict(onnx_support())))
