"""What runs on a device: numpy and onnxruntime, never torch, never onnx."""

from .guards import Nonfinite, checked_input
from .onnx_runner import OnnxRunner, load_onnx
from .onnx_stream import OnnxStreamRunner, load_onnx_stream
from .predict import Predictions, check_prediction_output, predict_file
from .self_test import self_test
from .session import InputRangeWarning, Progress, Session

__all__ = [
    "InputRangeWarning",
    "Nonfinite",
    "OnnxRunner",
    "OnnxStreamRunner",
    "Predictions",
    "Progress",
    "Session",
    "check_prediction_output",
    "checked_input",
    "load_onnx",
    "load_onnx_stream",
    "predict_file",
    "self_test",
]
