"""The output of commands, as text or as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..version import JSON_SCHEMA_VERSION

if TYPE_CHECKING:
    from ..chains import Checkpoint
    from ..parity import ParityReport


def as_json(command: str, **fields: Any) -> None:
    """Print `fields` as one JSON object."""
    record = {"schema_version": JSON_SCHEMA_VERSION, "command": command, **fields}
    typer.echo(json.dumps(record, indent=2))


def warnings_of(checkpoint: Checkpoint) -> None:
    """Say on stderr what may make every answer wrong."""
    for warning in checkpoint.warnings:
        typer.echo(f"warning: {warning}", err=True)


def chain(checkpoint: Checkpoint) -> None:
    """Print what a model is, and where its chain came from."""
    model = checkpoint.model
    typer.echo(f"model  {model.describe()}")
    typer.echo(f"chain  {checkpoint.text}  ({model.origin})")


def reports(  # noqa: PLR0913, PLR0917 - what is printed, and how
    judged: Sequence[ParityReport],
    json_wanted: bool,
    command: str,
    path: Path | None = None,
    tables: bool = True,
    more: Mapping[str, Any] | None = None,
) -> None:
    """Print parity reports, whole or one line each, and, where a file was written, its name and
    size."""
    from ..parity import all_ok

    written = {"path": str(path), "size_bytes": _size_bytes(path)} if path else {}
    if json_wanted:
        as_json(
            command,
            ok=all_ok(judged),
            reports=[report.to_record() for report in judged],
            **written,
            **(more or {}),
        )
        return
    for report in judged:
        if tables:
            typer.echo(f"\n{report.table()}")
        typer.echo(report.summary())
    if path:
        typer.echo(f"wrote {path} ({_size_bytes(path):,} bytes)")


def _size_bytes(path: Path) -> int:
    """The size of a file, or of the files in a folder."""
    files = path.iterdir() if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files)
