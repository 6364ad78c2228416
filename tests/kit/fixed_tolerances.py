"""The fixed tolerances of other tools, as they stand in those tools' sources.

Each takes the artifact's answer and PyTorch's, both float32, and says whether the tool would let it
pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

Passes = Callable[[np.ndarray, np.ndarray], bool]


def _torch_onnx(y: np.ndarray, expected: np.ndarray) -> bool:
    """torch.onnx.export(verify=True): torch/onnx/_internal/exporter/_core.py and _verification.py,
    torch 2.13.

    It warns at a difference of 5e-3, or of 0.1 times |expected| + 1e-7. NaN is not at least 5e-3,
    so that it passes.
    """
    difference = np.abs(y - expected)
    relative = difference / (np.abs(expected) + 1e-7)
    return not (difference.max() >= 5e-3 or relative.max() >= 0.1)


def _close(rtol: float, atol: float) -> Passes:
    """`|y - expected| <= atol + rtol * |expected|` everywhere; NaN fails."""
    return lambda y, expected: bool(np.allclose(y, expected, rtol=rtol, atol=atol))


FIXED: Mapping[str, Passes] = {
    "torch.onnx.export(verify=True)": _torch_onnx,
    # torch/testing/_comparison.py, the defaults for float32.
    "torch.testing.assert_close": _close(1.3e-6, 1e-5),
    # optimum/exporters/onnx/convert.py: np.allclose with atol=ATOL_FOR_VALIDATION, 1e-5, and
    # numpy's own rtol.
    "optimum": _close(1e-5, 1e-5),
    # PyTorch's tutorial on ONNX Runtime, super_resolution_with_onnxruntime.
    "PyTorch's tutorial": _close(1e-3, 1e-5),
    # onnx/backend/test/loader/__init__.py.
    "ONNX backend tests": _close(1e-3, 1e-7),
}
