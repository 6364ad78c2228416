"""A model file, read once into a Model without running anything that it holds."""

from .checkpoint import Checkpoint, from_state_dict, read_checkpoint, write_checkpoint
from .contents import Contents, FoundScaler
from .read import read_contents

__all__ = [
    "Checkpoint",
    "Contents",
    "FoundScaler",
    "from_state_dict",
    "read_checkpoint",
    "read_contents",
    "write_checkpoint",
]
