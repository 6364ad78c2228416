"""A model file, read once into a Model without running anything that it holds."""

from .checkpoint import Checkpoint, from_state_dict, read_checkpoint, write_checkpoint

__all__ = ["Checkpoint", "from_state_dict", "read_checkpoint", "write_checkpoint"]
