"""A model file, read once into a Model without running anything that it holds."""

from .checkpoint import Checkpoint, from_module, read_checkpoint, write_checkpoint

__all__ = ["Checkpoint", "from_module", "read_checkpoint", "write_checkpoint"]
