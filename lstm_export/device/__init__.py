"""What runs on a device: numpy, onnxruntime where it is installed, never torch, never onnx."""

from ..bundle import Mode
from .guards import Nonfinite, checked_input
from .numpy_engine import NumpyRunner, numpy_runner
from .onnx_runner import OnnxRunner, load_onnx
from .onnx_stream_runner import OnnxStreamRunner, load_onnx_stream
from .onnx_weights import check_own_weights
from .pool import StreamPool
from .predict_file import Predictions, check_prediction_output, predict_file
from .ranges import InputRangeWarning
from .row_stream import RowStream
from .self_test import packaged_structure, recomputed, self_test
from .session import Session
from .stream import Stream, Unusable
from .table_predictions import Progress

__all__ = [
    "InputRangeWarning",
    "Mode",
    "Nonfinite",
    "NumpyRunner",
    "OnnxRunner",
    "OnnxStreamRunner",
    "Predictions",
    "Progress",
    "RowStream",
    "Session",
    "Stream",
    "StreamPool",
    "Unusable",
    "check_own_weights",
    "check_prediction_output",
    "checked_input",
    "load_onnx",
    "load_onnx_stream",
    "numpy_runner",
    "packaged_structure",
    "predict_file",
    "recomputed",
    "self_test",
]
