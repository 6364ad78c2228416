"""ONNX Runtime's own format, written and opened by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from ...device import OnnxRunner
from ...device.runtime import new_session, onnxruntime, runtime_errors
from .fixed_order import in_fixed_order


def converted(onnx: bytes) -> bytes:
    """The `.ort` of an ONNX file of ours, node for node; the same bytes every time."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "model.ort"

        def saving(ort: ModuleType, options: Any) -> None:
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
            options.optimized_model_filepath = str(file)
            options.add_session_config_entry("session.save_model_format", "ORT")

        new_session(onnx, None, saving)
        return in_fixed_order(file.read_bytes())


def opened(data: bytes, providers: tuple[str, ...]) -> OnnxRunner:
    """A Runner over the bytes of a `.ort`."""
    session = new_session(data, providers, None, "ORT")
    return OnnxRunner(session, runtime_errors(onnxruntime()))
