"""lstm-export: take a PyTorch LSTM regressor to an edge device, with proof.

::

    lstm_export.export("model.pt", "onnx")         # an artifact, verified; or ParityError
    lstm_export.verify("model.onnx", "model.pt")   # a report for every artifact
    lstm_export.package("model.pt", "model.bundle")  # all that a device needs, in one file
    session = lstm_export.load("model.bundle")     # there: numpy and onnxruntime alone
    y = session(x)                                 # x (batch, seq, input_size), raw units
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .pipeline import export, load, package, train, verify

__all__ = ["__version__", "export", "load", "package", "train", "verify"]


def __getattr__(name: str) -> Any:
    """Import the verbs when they are first used: the command line's help must not wait for
    numpy."""
    if name in __all__:
        from . import pipeline

        return getattr(pipeline, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
