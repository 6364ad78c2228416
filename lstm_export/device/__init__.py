"""What runs on a device: numpy and onnxruntime, never torch, never onnx."""

from ..bundle import Mode
from .guards import InputRangeWarning, Nonfinite, checked_input
from .onnx_runner import OnnxRunner, load_onnx
from .onnx_stream import OnnxStreamRunner, load_onnx_stream
from .pool import StreamPool
from .predict import Predictions, check_prediction_output, predict_file
from .rows import RowStream
from .self_test import self_test
from .session import Progress, Session
from .stream import Stream, Unusable

__all__ = [
    "InputRangeWarning",
    "Mode",
    "Nonfinite",
    "OnnxRunner",
    "OnnxStreamRunner",
    "Predictions",
    "Progress",
    "RowStream",
    "Session",
    "Stream",
    "StreamPool",
    "Unusable",
    "check_prediction_output",
    "checked_input",
    "load_onnx",
    "load_onnx_stream",
    "predict_file",
    "self_test",
]
