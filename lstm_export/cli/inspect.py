"""lstm-export inspect."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from . import show
from .model_options import Reading, reads_model

if TYPE_CHECKING:
    from ..chains import Checkpoint
    from ..model import Column, Model
    from ..reading import Contents

WIDTH = 110
LABEL = 9  # columns of the label in front of every line


@reads_model
def inspect(model: show.Model, reading: Reading, as_json: show.AsJson = False) -> None:
    """Show what a model file holds and what is assumed of it."""
    from ..verification.subject import read

    checkpoint = read(model, reading)
    if as_json:
        show.as_json("inspect", **_record(checkpoint, model))
    else:
        typer.echo("\n".join(_lines(checkpoint, model)))


def _record(checkpoint: Checkpoint, path: Path) -> dict[str, Any]:
    model, contents = checkpoint.model, checkpoint.contents
    return {
        "path": str(path),
        "size_bytes": path.stat().st_size,
        "how": contents.how if contents else "bundle",
        "key": contents.key if contents else "",
        "keys": list(contents.keys) if contents else [],
        "chain": model.chain_record(),
        "forward": checkpoint.forward or None,
        "origin": model.origin,
        "shapes": [{"stage": name, "y": shape} for name, _, shape in _steps(model)],
        "doubts": list(checkpoint.doubts),
        "ignored": list(contents.ignored) if contents else [],
        "scalers": _scalers(contents),
        "signature": model.signature.to_record(),
        "arrays": {name: list(array.shape) for name, array in model.arrays.items()},
        "parameters": model.parameters,
        "weights_sha256": model.weights_sha256,
        "facts": dict(checkpoint.facts),
        "notes": list(checkpoint.remarks),
    }


def _scalers(contents: Contents | None) -> list[dict[str, Any]]:
    found = contents.scalers if contents else ()
    return [
        {"name": scaler.name, "kind": scaler.kind, "columns": len(scaler.offset)}
        for scaler in found
    ]


def _steps(model: Model) -> Iterator[tuple[str, str, list[str | int]]]:
    """Every stage: its name, what it is, and the shape behind it."""
    width = model.signature.input_size
    axes: list[str | int] = ["batch", "seq"]
    for stage in model.stages:
        before, width = width, stage.output_size(width)
        axes = axes[:1] if stage.steps == "reduce" else axes
        yield stage.name, f"{stage.kind}{stage.sizes(before, width)}", [*axes, width]


def _lines(checkpoint: Checkpoint, path: Path) -> Iterator[str]:
    model, contents, signature = checkpoint.model, checkpoint.contents, checkpoint.model.signature
    yield from _block("file", f"{path}, {path.stat().st_size:,} bytes")
    saved = contents.how if contents else "bundle"
    yield from _block("saved as", f"{saved}, {len(model.arrays)} tensors in the chain")
    yield ""
    yield from _flow(model)
    yield ""
    yield from _block("chain", checkpoint.forward or model.chain)
    yield from _block("from", model.origin)
    yield from _items("doubts", checkpoint.doubts)
    if not checkpoint.doubts:
        yield from _block("doubts", "none")
    yield from _items(
        "notes", checkpoint.remarks[: len(checkpoint.remarks) - len(checkpoint.doubts)]
    )
    yield from _items("ignored", contents.ignored if contents else ())
    offers = (
        f"{one['name']}, a {one['kind']} of {one['columns']} columns: put it in front with --input-scaler "
        f"{one['name']}, or behind with --output-scaler {one['name']}"
        for one in _scalers(contents)
    )
    yield from _items("offered", tuple(offers))
    yield from _items(
        "others",
        tuple(f"--key {key}" for key in contents.keys if key != contents.key) if contents else (),
    )
    yield ""
    yield from _block(
        "x", f"(batch, seq, {signature.input_size})  {_names(signature.features)}".rstrip()
    )
    steps, outputs = "batch, seq" if model.returns_every_step else "batch", signature.outputs
    yield from _block(
        "y",
        f"({steps}, {signature.output_size})  {_names(outputs if signature.targets else ())}".rstrip(),
    )
    window, horizon = (
        value if value is not None else "unknown" for value in (signature.window, signature.horizon)
    )
    yield from _block("steps", f"window {window}, horizon {horizon}")
    yield from _block(
        "size", f"{model.parameters:,} values, {4 * model.parameters:,} bytes as float32"
    )
    yield from (f"{'':{LABEL}}{name} {array.shape}" for name, array in model.arrays.items())


def _flow(model: Model) -> Iterator[str]:
    """The chain from x to y, with the shape at every arrow."""
    start: tuple[str, str, list[str | int]] = (
        "x",
        "",
        ["batch", "seq", model.signature.input_size],
    )
    steps = [start, *_steps(model)]
    names, kinds = max(len(name) for name, _, _ in steps), max(len(kind) for _, kind, _ in steps)
    counts = [
        "",
        *(
            f"{sum(a.size for a in stage.arrays.values()):,}" if stage.arrays else ""
            for stage in model.stages
        ),
    ]
    for (name, kind, shape), count in zip(steps, counts, strict=True):
        arrow, values = (
            ("   " if name == "x" and not kind else "-> "),
            f"{count} values" if count else "",
        )
        shown = f"({', '.join(map(str, shape))})"
        yield f"{'':{LABEL}}{arrow}{name:{names}}  {kind:{kinds}}  {shown:22}  {values}".rstrip()


def _block(label: str, text: str) -> list[str]:
    """A label and its text, wrapped beside it."""
    lines = textwrap.wrap(text, WIDTH - LABEL, break_long_words=False, break_on_hyphens=False) or [
        ""
    ]
    return [f"{label if index == 0 else '':{LABEL}}{line}" for index, line in enumerate(lines)]


def _items(label: str, texts: tuple[str, ...]) -> Iterator[str]:
    for index, text in enumerate(texts):
        first, *rest = textwrap.wrap(
            text, WIDTH - LABEL - 2, break_long_words=False, break_on_hyphens=False
        )
        yield f"{label if index == 0 else '':{LABEL}}- {first}"
        yield from (f"{'':{LABEL}}  {line}" for line in rest)


def _names(columns: tuple[Column, ...]) -> str:
    return ", ".join(
        f"{column.name} [{column.unit}]" if column.unit else column.name for column in columns
    )
