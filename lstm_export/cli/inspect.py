"""lstm-export inspect."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import typer

from . import show
from .options import shared
from .reading_arguments import Reading, reads_model

if TYPE_CHECKING:
    from ..chains import Checkpoint
    from ..model import Column, Model
    from ..reading import Contents

WIDTH = 110
LABEL = 9  # columns of the label in front of every line


@reads_model
def inspect(model: shared.Model, reading: Reading, as_json: shared.AsJson = False) -> None:
    """Show what is in a model file, and what is assumed of it."""
    from ..verification.subject import read

    checkpoint = read(model, reading)
    if as_json:
        show.as_json("inspect", **_record(checkpoint, model))
    else:
        typer.echo("\n".join(_lines(checkpoint, model)))


def _record(checkpoint: Checkpoint, path: Path) -> dict[str, Any]:
    model = checkpoint.model
    contents = checkpoint.contents
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
    if contents is None:
        return []
    records = []
    for scaler in contents.scalers:
        record = {"name": scaler.name, "kind": scaler.kind, "columns": len(scaler.offset)}
        records.append({**record, "fault": scaler.fault or None})
    return records


Step: TypeAlias = "tuple[str, str, list[str | int]]"  # name, kind, shape of what comes out


def _steps(model: Model) -> Iterator[Step]:
    """Every stage: its name, what it is, and the shape after it."""
    for index, stage in enumerate(model.stages):
        before, width = model.widths(index)
        axes = ["batch", "seq"] if model.shapes[index].is_sequence else ["batch"]
        yield stage.name, f"{stage.kind}{stage.sizes(before, width)}", [*axes, width]


def _lines(checkpoint: Checkpoint, path: Path) -> Iterator[str]:
    model = checkpoint.model
    saved = checkpoint.contents.how if checkpoint.contents else "bundle"
    yield from _block("file", f"{path}, {path.stat().st_size:,} bytes")
    yield from _block("saved as", f"{saved}, {len(model.arrays)} tensors in the chain")
    yield ""
    yield from _flow(model)
    yield ""
    yield from _origin(checkpoint)
    yield from _beside(checkpoint)
    yield ""
    yield from _interface(model)
    yield from _block(
        "size", f"{model.parameters:,} values, {4 * model.parameters:,} bytes as float32"
    )
    for name, array in model.arrays.items():
        yield f"{'':{LABEL}}{name} {array.shape}"


def _origin(checkpoint: Checkpoint) -> Iterator[str]:
    """The origin of the chain, and the doubts about it."""
    yield from _block("chain", checkpoint.text)
    yield from _block("from", checkpoint.model.origin)
    if checkpoint.doubts:
        yield from _items("doubts", checkpoint.doubts)
    else:
        yield from _block("doubts", "none")
    yield from _items("notes", checkpoint.explanations)


def _beside(checkpoint: Checkpoint) -> Iterator[str]:
    """The rest of the file's contents."""
    contents = checkpoint.contents
    if contents is None:
        return
    yield from _items("ignored", contents.ignored)
    yield from _items("offered", checkpoint.unused_scalers)
    others = [f"--key {key}" for key in contents.keys if key != contents.key]
    yield from _items("others", tuple(others))


def _interface(model: Model) -> Iterator[str]:
    """x, y, and the steps that they stand for."""
    signature = model.signature
    x = f"(batch, seq, {signature.input_size})  {_names(signature.features)}"
    yield from _block("x", x.rstrip())
    axes = "batch, seq" if model.returns_every_step else "batch"
    outputs = signature.outputs if signature.targets else ()
    y = f"({axes}, {signature.output_size})  {_names(outputs)}"
    yield from _block("y", y.rstrip())
    window = "unknown" if signature.window is None else signature.window
    horizon = "unknown" if signature.horizon is None else signature.horizon
    yield from _block("steps", f"window {window}, horizon {horizon}")


def _flow(model: Model) -> Iterator[str]:
    """The way from x to y, with the shape at every arrow; what takes another value than the one
    above it says whose."""
    start: Step = ("x", "", ["batch", "seq", model.signature.input_size])
    steps = [start, *_wired(model)]
    name_width = max(len(name) for name, _, _ in steps)
    kind_width = max(len(kind) for _, kind, _ in steps)
    values = [0]  # of x, then of every stage
    for stage in model.stages:
        values.append(sum(array.size for array in stage.arrays.values()))
    for (name, kind, shape), count in zip(steps, values, strict=True):
        arrow = "-> " if kind else "   "
        axes = f"({', '.join(map(str, shape))})"
        size = f"{count:,} values" if count else ""
        line = f"{'':{LABEL}}{arrow}{name:{name_width}}  {kind:{kind_width}}  {axes:22}  {size}"
        yield line.rstrip()


def _wired(model: Model) -> Iterator[Step]:
    """Every stage, with the names of what it takes where that is not the stage before."""
    for stage, (name, kind, shape) in zip(model.stages, _steps(model), strict=True):
        inputs = f" of {', '.join(stage.inputs)}" if stage.inputs else ""
        yield name, f"{kind}{inputs}", shape


def _block(label: str, text: str) -> list[str]:
    """A label and its text, wrapped beside it."""
    first, *rest = _wrapped(text, WIDTH - LABEL)
    return [f"{label:{LABEL}}{first}", *_indented(rest)]


def _items(label: str, texts: tuple[str, ...]) -> Iterator[str]:
    """A label once, and beside it a list."""
    for text in texts:
        first, *rest = _wrapped(text, WIDTH - LABEL - 2)
        yield f"{label:{LABEL}}- {first}"
        yield from _indented(f"  {line}" for line in rest)
        label = ""


def _wrapped(text: str, width: int) -> list[str]:
    """At least one line, with no name broken."""
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return lines or [""]


def _indented(lines: Iterable[str]) -> Iterator[str]:
    """Beside no label."""
    for line in lines:
        yield f"{'':{LABEL}}{line}"


def _names(columns: tuple[Column, ...]) -> str:
    names = [f"{column.name} [{column.unit}]" if column.unit else column.name for column in columns]
    return ", ".join(names)
