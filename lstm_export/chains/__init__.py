"""Contents -> Model: a chain of stages, recognised, given, or proved against a live module."""

from .checkpoint import Checkpoint, write_checkpoint
from .options import ASSUME, ReadingOptions
from .understand import from_state_dict, read_checkpoint, understand

__all__ = [
    "ASSUME",
    "Checkpoint",
    "ReadingOptions",
    "from_state_dict",
    "read_checkpoint",
    "understand",
    "write_checkpoint",
]
