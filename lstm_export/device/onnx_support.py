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
    """The smallest ONNX model, `y = x`, in protobuf's wire format: field numbers of onnx.proto."""
    node = _message(1, b"x") + _message(2, b"y") + _message(4, b"Identity")
    # A tensor type: elem_type FLOAT, a shape without axes.
    scalar = _message(1, b"\x08\x01" + _message(2, b""))
    x = _message(1, b"x") + _message(2, scalar)
    y = _message(1, b"y") + _message(2, scalar)
    graph = _message(1, node) + _message(2, b"g") + _message(11, x) + _message(12, y)
    return bytes([0x08, ir]) + _message(7, graph) + _message(8, bytes([0x10, opset]))


def _message(number: int, content: bytes) -> bytes:
    """A field of fewer than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content


if __name__ == "__main__":
    print(json.dumps(asdict(onnx_support())))
