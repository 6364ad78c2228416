"""Anyone's model file, read once into a Model without running anything that it holds, and understood as a chain."""

from .checkpoint import Checkpoint, write_checkpoint
from .contents import Contents, FoundScaler
from .options import ASSUME, ReadingOptions
from .read import read_contents
from .understand import from_state_dict, read_checkpoint, understand

__all__ = [
    "ASSUME",
    "Checkpoint",
    "Contents",
    "FoundScaler",
    "ReadingOptions",
    "from_state_dict",
    "read_checkpoint",
    "read_contents",
    "understand",
    "write_checkpoint",
]
