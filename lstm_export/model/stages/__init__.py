"""The stages without memory, by what they do to a value."""

from .columns import Slice
from .elementwise import ACTIVATIONS, Activation, Clamp, Replace
from .joins import Add, Concat, Divide, Join, Multiply, Subtract
from .read_outs import Flatten, LastHidden, LastStep, LastSteps, Pool
from .weighted import Affine, LayerNorm, Linear, PReLU, RMSNorm

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "Add",
    "Affine",
    "Clamp",
    "Concat",
    "Divide",
    "Flatten",
    "Join",
    "LastHidden",
    "LastStep",
    "LastSteps",
    "LayerNorm",
    "Linear",
    "Multiply",
    "PReLU",
    "Pool",
    "RMSNorm",
    "Replace",
    "Slice",
    "Subtract",
]
