"""What runs on a device: numpy and onnxruntime, never torch, never onnx."""

from .guards import Nonfinite, checked_input
from .onnx_runner import OnnxRunner, load_onnx
from .self_test import self_test
from .session import InputRangeWarning, Progress, Session

__all__ = [
    "InputRangeWarning",
    "Nonfinite",
    "OnnxRunner",
    "Progress",
    "Session",
    "checked_input",
    "load_onnx",
    "self_test",
]
