"""A file of ours that was edited, run in a process of its own: a runtime may end the process on it.

The process is `isolated_child`. Files of other tools have `foreign_onnx`.
"""

from __future__ import annotations

import json

import numpy as np

from ..child_process import ChildProcess, packed, unpacked
from ..errors import BundleError, InputError
from ..model import Array, Signature

LIMIT_S = 120  # for an answer

_CHILD = "lstm_export.verification.isolated_child"


class IsolatedRunner:
    """A Runner, and a LengthsRunner where the file takes lengths.

    Attributes:
        signature: the interface.
        takes_lengths: whether it can be told how many steps of each row count.

    Raises:
        BundleError: the file cannot be opened there.
    """

    def __init__(self, target: str, data: bytes) -> None:
        try:
            self._child = ChildProcess(_CHILD, (target,), "the process that runs the file")
            self._child.receive(LIMIT_S)
            record = json.loads(self._child.ask(data, LIMIT_S))
        except InputError as error:
            raise BundleError(str(error)) from error
        self.signature: Signature = Signature.from_record(record["signature"])
        self.takes_lengths: bool = record["takes_lengths"]

    def __call__(self, x: Array, lengths: Array | None = None) -> Array:
        arrays = {"x": np.asarray(x, np.float32)}
        if lengths is not None:
            arrays["lengths"] = lengths
        answer = self._child.ask(packed(arrays), LIMIT_S)
        return unpacked(answer)["y"]
