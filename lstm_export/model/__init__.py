"""A model as a chain of stages with numpy arrays: what every other part of the package works on."""

from .arrays import Array
from .forward import forward
from .model import Model
from .recurrent import GRU, LSTM, Cell, Recurrent
from .runner import LengthsRunner, Runner, StatefulRunner
from .signature import Column, Signature
from .stage import Stage
from .stages import Activation, Affine, Clamp, LastHidden, LastStep, LayerNorm, Linear, Skip
from .state import State, StateTensor, initial_state, state_layout
from .table_format import USUAL, TableFormat

__all__ = [
    "GRU",
    "LSTM",
    "USUAL",
    "Activation",
    "Affine",
    "Array",
    "Cell",
    "Clamp",
    "Column",
    "LastHidden",
    "LastStep",
    "LayerNorm",
    "LengthsRunner",
    "Linear",
    "Model",
    "Recurrent",
    "Runner",
    "Signature",
    "Skip",
    "Stage",
    "State",
    "StateTensor",
    "StatefulRunner",
    "TableFormat",
    "forward",
    "initial_state",
    "state_layout",
]
