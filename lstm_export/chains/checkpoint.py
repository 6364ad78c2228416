"""A model with what is known of it, written as this package's own model.pt."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..files import write_bytes
from ..model import Array, Model, Runner
from ..reading import CHECKPOINT_FORMAT_VERSION, Contents
from .forward_text import forward_text
from .program import program_of

ASSUMED = (
    "the chain is assumed from names and shapes, since a state_dict does not hold the forward; "
    "give it with --forward, or prove it: export the live module, or name its class with "
    "--module, or recorded answers with --reference"
)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A model and what is known of it besides.

    Attributes:
        model: the chain.
        windows: real inputs `(n, window, input_size)` in raw units, or None.
        facts: how it was trained, JSON-ready; empty where unknown.
        notes: what a user should know, such as weights that were cast.
        source: the file that it was read from.
        doubts: what is open about the chain, a sentence each.
        forward: the chain as `--forward` reads it; empty where the file stores its chain.
        reference: the user's own module, where it is at hand and was proved to compute the chain.
        contents: what else the file holds.
        proof: on what the chain was proved; empty where it was not.
        unused_scalers: scalers that lie in the file and are not used, a sentence each.
    """

    model: Model
    windows: Array | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    source: Path | None = None
    doubts: tuple[str, ...] = ()
    forward: str = ""
    reference: Runner | None = None
    contents: Contents | None = None
    proof: str = ""
    unused_scalers: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The forward as text: as `--forward` reads it, or what the file stores."""
        if self.forward or self.model.is_chain:
            return self.forward or self.model.chain
        return forward_text(program_of(self.model).ordered())

    @property
    def explanations(self) -> tuple[str, ...]:
        """The notes, on what the chain was proved, and that it is assumed where it is."""
        assumed = (ASSUMED,) if self.model.origin == "assumed" else ()
        proof = (self.proof,) if self.proof else ()
        return (*self.notes, *proof, *assumed)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What may make every answer wrong though the file is right: scalers that are not used."""
        return tuple(f"not used is the scaler {offer}" for offer in self.unused_scalers)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Everything that a user should know, what is open about the chain last."""
        return (*self.warnings, *self.explanations, *self.doubts)


def write_checkpoint(
    path: Path, checkpoint: Checkpoint, more: Mapping[str, Any] | None = None
) -> None:
    """Write model.pt, whole or not at all; `more` is stored beside the model."""
    import torch

    model = checkpoint.model
    windows = checkpoint.windows
    content = {
        "format_version": CHECKPOINT_FORMAT_VERSION,
        "state_dict": {name: torch.tensor(array) for name, array in model.arrays.items()},
        "chain": model.chain_record(),
        "signature": model.signature.to_record(),
        "facts": dict(checkpoint.facts),
        "windows": None if windows is None else torch.tensor(windows),
        **(more or {}),
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())
