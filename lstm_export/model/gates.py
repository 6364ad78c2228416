"""The order in which the gates of an LSTM or a GRU are stacked in its weights."""

from __future__ import annotations

import numpy as np

from .arrays import Array

# torch.nn.LSTM: weight_ih_l[k] is (W_ii|W_if|W_ig|W_io); the candidate g is called "cell" by ONNX.
PYTORCH_GATES = ("input", "forget", "cell", "output")
# ONNX operator LSTM: W is W[iofc].
ONNX_GATES = ("input", "output", "forget", "cell")
# torch.nn.GRU: (W_ir|W_iz|W_in). ONNX calls the new gate n "hidden"; its operator GRU has W[zrh].
PYTORCH_GRU_GATES = ("reset", "update", "new")
ONNX_GRU_GATES = ("update", "reset", "new")
# torch.nn.RNN and the operator RNN have one block and no gate.
RNN_GATES = ("hidden",)
ONNX_ORDERS = {"LSTM": ONNX_GATES, "GRU": ONNX_GRU_GATES, "RNN": RNN_GATES}  # by operator


def gate_slices(gates: tuple[str, ...], hidden_size: int) -> dict[str, slice]:
    """Where each gate stands along an axis of `len(gates) * hidden_size`."""
    slices = {}
    for k, gate in enumerate(gates):
        first = k * hidden_size
        slices[gate] = slice(first, first + hidden_size)
    return slices


def reorder_gates(array: Array, source: tuple[str, ...], target: tuple[str, ...]) -> Array:
    """Restack the gates of `array (gates * hidden_size, ...)` from one order to another.

    >>> reorder_gates(np.array([1, 2, 3, 4]), PYTORCH_GATES, ONNX_GATES).tolist()
    [1, 4, 2, 3]
    """
    blocks = np.split(array, len(source))  # (hidden_size, ...) each
    by_gate = dict(zip(source, blocks, strict=True))
    return np.concatenate([by_gate[gate] for gate in target])
