"""A model as a small graph of stages with numpy arrays: what all other parts work on."""

from .arrays import Array
from .forward import forward
from .model import Model
from .recurrent import GRU, LSTM, RNN, Cell, Recurrent
from .runner import LengthsRunner, Runner, StatefulRunner
from .signature import Column, Signature
from .stage import Shape, Stage
from .stages import (
    Activation,
    Add,
    Affine,
    Clamp,
    Concat,
    Divide,
    Flatten,
    Join,
    LastHidden,
    LastStep,
    LastSteps,
    LayerNorm,
    Linear,
    Multiply,
    Pool,
    PReLU,
    Replace,
    RMSNorm,
    Slice,
    Subtract,
)
from .state import State, StateTensor, initial_state, state_layout
from .table_format import USUAL, TableFormat

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "USUAL",
    "Activation",
    "Add",
    "Affine",
    "Array",
    "Cell",
    "Clamp",
    "Column",
    "Concat",
    "Divide",
    "Flatten",
    "Join",
    "LastHidden",
    "LastStep",
    "LastSteps",
    "LayerNorm",
    "LengthsRunner",
    "Linear",
    "Model",
    "Multiply",
    "PReLU",
    "Pool",
    "RMSNorm",
    "Recurrent",
    "Replace",
    "Runner",
    "Shape",
    "Signature",
    "Slice",
    "Stage",
    "State",
    "StateTensor",
    "StatefulRunner",
    "Subtract",
    "TableFormat",
    "forward",
    "initial_state",
    "state_layout",
]
