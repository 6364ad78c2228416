"""lstm-export inspect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from . import show

if TYPE_CHECKING:
    from ..intake import Checkpoint
    from ..model import Column


def inspect(model: show.Model, as_json: show.AsJson = False) -> None:
    """Show what a checkpoint or a bundle holds."""
    from .. import pipeline

    checkpoint = pipeline.read(model)
    if as_json:
        show.as_json("inspect", **_record(checkpoint))
    else:
        show.chain(checkpoint)
        typer.echo("\n".join(_lines(checkpoint)))


def _record(checkpoint: Checkpoint) -> dict[str, object]:
    model = checkpoint.model
    return {
        "chain": model.chain_record(),
        "origin": model.origin,
        "signature": model.signature.to_record(),
        "arrays": {name: list(array.shape) for name, array in model.arrays.items()},
        "parameters": model.parameters,
        "weights_sha256": model.weights_sha256,
        "facts": dict(checkpoint.facts),
        "notes": list(checkpoint.remarks),
    }


def _lines(checkpoint: Checkpoint) -> list[str]:
    model, signature = checkpoint.model, checkpoint.model.signature
    steps = "batch, seq" if model.returns_every_step else "batch"
    window, horizon = (value if value is not None else "unknown" for value in (signature.window, signature.horizon))
    return [
        f"x      (batch, seq, {signature.input_size})  {_names(signature.features)}".rstrip(),
        f"y      ({steps}, {signature.output_size})  {_names(signature.outputs if signature.targets else ())}".rstrip(),
        f"steps  window {window}, horizon {horizon}",
        f"size   {model.parameters:,} values, {4 * model.parameters:,} bytes",
        *(f"       {name} {array.shape}" for name, array in model.arrays.items()),
        *(f"note   {note}" for note in checkpoint.remarks),
    ]


def _names(columns: tuple[Column, ...]) -> str:
    return ", ".join(f"{column.name} [{column.unit}]" if column.unit else column.name for column in columns)
