"""A model as a chain of stages with numpy arrays: what every other part of this package works on."""

from .arrays import Array
from .forward import forward
from .model import Model
from .runner import Runner
from .signature import Column, Signature
from .stages import LSTM, Affine, LastStep, Linear, Stage

__all__ = [
    "LSTM",
    "Affine",
    "Array",
    "Column",
    "LastStep",
    "Linear",
    "Model",
    "Runner",
    "Signature",
    "Stage",
    "forward",
]
