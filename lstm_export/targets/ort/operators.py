"""The operators of the onnx target as ONNX Runtime stores them in its own format.

Each has the version that it is of, and every attribute that has a default: what the writer of the
onnx target leaves out stands there, too.
Source: onnx/defs, github.com/onnx/onnx, for the operator set that is written.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...device.onnx_file import AttributeValue
from ..onnx import DEFAULT_OPSET
from .flatbuffer import damaged

# The set in which each got the form that it has in the set DEFAULT_OPSET.
SINCE: Mapping[int, str] = {
    1: "Softplus Softsign",
    6: "Elu HardSigmoid Selu",
    11: "Range",
    12: "Celu",
    13: "Cast Clip Concat Equal Erf Expand Gather GatherND Gemm Less MatMul Max ReduceMax "
    "ReduceMean ReduceSum Sigmoid Slice Split Sqrt Squeeze Sum Tanh Transpose Unsqueeze",
    14: "Add Div GRU LSTM Mul RNN Relu Reshape Sub",
    15: "Shape",
    16: "LeakyRelu PRelu Where",
    17: "LayerNormalization",
}
_SINCE_OF = {operator: since for since, names in SINCE.items() for operator in names.split()}

DEFAULTS: Mapping[str, Mapping[str, AttributeValue]] = {
    "GRU": {"direction": b"forward", "layout": 0},
    "Gemm": {"alpha": 1.0, "beta": 1.0, "transA": 0},
    "LSTM": {"direction": b"forward", "input_forget": 0, "layout": 0},
    "LayerNormalization": {"stash_type": 1},
    "RNN": {"activations": [b"Tanh", b"Tanh"], "direction": b"forward", "layout": 0},
    "ReduceSum": {"noop_with_empty_axes": 0},
    "Reshape": {"allowzero": 0},
    "Selu": {"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875},
    "Shape": {"start": 0},
}


def is_written(operator: str, since: int, opset: int) -> bool:
    """Whether the onnx target writes this version of an operator."""
    return opset == DEFAULT_OPSET and _SINCE_OF.get(operator) == since


def without_defaults(
    operator: str, attributes: Mapping[str, AttributeValue]
) -> dict[str, AttributeValue]:
    """The attributes as the writer of the onnx target gives them.

    Raises:
        BundleError: one that has a default is missing.
    """
    defaults = DEFAULTS.get(operator, {})
    missing = sorted(defaults.keys() - attributes.keys())
    if missing:
        raise damaged(f"{operator} lacks {', '.join(missing)}")
    return {name: value for name, value in attributes.items() if defaults.get(name) != value}
