"""The stages without memory, by what they do to a value."""

from .columns import Slice
from .elementwise import ACTIVATIONS, Activation, Clamp
from .joins import Add, Concat, Divide, Join, Multiply, Subtract
from .read_outs import LastHidden, LastStep, Pool
from .skip import Skip
from .weighted import Affine, LayerNorm, Linear

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "Add",
    "Affine",
    "Clamp",
    "Concat",
    "Divide",
    "Join",
    "LastHidden",
    "LastStep",
    "LayerNorm",
    "Linear",
    "Multiply",
    "Pool",
    "Skip",
    "Slice",
    "Subtract",
]
