"""lstm-export run."""

from __future__ import annotations

import csv
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..files import is_folder
from . import show
from .folder import answer_folder, folder_to_write, start_workers
from .options import choices, prediction, shared
from .stream import run_stream

if TYPE_CHECKING:
    from ..device import Predictions, Progress, Session
    from ..model import Array, Column

# What a stream does about empty cells, by what the option is called for tables.
_UNUSABLE = {"refuse": "refuse", "drop": "skip", "ffill": "hold"}


def run(  # noqa: PLR0913, PLR0917 - the options of a command
    source: prediction.Source,
    data: prediction.Data,
    output: prediction.Output = None,
    window: prediction.Window = None,
    missing: shared.Missing = choices.Missing.refuse,
    engine: prediction.Engine = None,
    provider: prediction.Provider = None,
    stream: prediction.Stream = False,
    mode: prediction.Mode = None,
    state: prediction.State = None,
    late: prediction.Late = choices.Late.error,
    duplicate: prediction.Duplicate = choices.Duplicate.error,
    most_unanswered: prediction.MostUnanswered = 0.5,
    on: prediction.On = choices.On.local,
    workers: prediction.Workers = None,
    carry: prediction.Carry = False,
    key: shared.Key = None,
    trust: shared.Trust = False,
    as_json: shared.AsJson = False,
) -> None:
    """Predict from a table or an array: one row a prediction.

    From a table, or a .npy array (seq, input_size), a window of the stored length, or of --window,
    is taken at every row; without either the data are one sequence. A .npy array (batch, seq,
    input_size) is answered row by row. Tables in a folder are answered one by one; those that were
    answered before are skipped.
    """
    decides_rows = late is not choices.Late.error or duplicate is not choices.Duplicate.error
    is_for_streams = bool(mode or state or decides_rows)
    _check_usage(data, stream, writes_all=bool(output or as_json), is_for_streams=is_for_streams)
    is_for_folders = bool(carry or workers or on is not choices.On.local)
    if is_folder(data):
        start_workers(on.value, workers)  # they import their modules while the model is opened
    from .. import pipeline

    load = partial(pipeline.load, source, engine, provider or (), trust=trust, key=key)
    table_options = {"window": window, "missing": missing.value}
    if stream and not is_for_folders:
        run_stream(
            _loaded(load),
            data,
            state,
            most_unanswered,
            mode=mode and mode.value,
            nonfinite=_UNUSABLE[missing.value],
            window=window,
            late=late.value,
            duplicate=duplicate.value,
        )
    elif is_folder(data) or is_for_folders:
        sharing = {"engine": on.value, "workers": workers, "carry": carry}
        folder = folder_to_write(data, output, stream)
        answer_folder(_loaded(load), data, folder, as_json, table_options, **sharing)
    else:
        _answer_file(load, source, data, output, as_json, table_options)


def _loaded(load: Callable[[], Session]) -> Session:
    with _caught_warnings() as notes:
        session = load()
    _echo(notes)
    return session


def _answer_file(  # noqa: PLR0913, PLR0917 - the options of a command
    load: Callable[[], Session],
    source: Path,
    data: Path,
    output: Path | None,
    as_json: bool,
    table_options: Mapping[str, Any],
) -> None:
    """A table or an array."""
    from ..device import check_prediction_output, predict_file

    if output:
        check_prediction_output(output, source, data)
    with _caught_warnings() as notes:
        session = load()
        predictions = predict_file(session, data, **table_options, progress=_progress())
    outputs = session.signature.outputs
    if output:
        predictions.write(output)
    if as_json:
        show.as_json("run", **_fields(predictions, outputs, output), warnings=notes)
    else:
        _print(predictions, outputs, output, notes)


@contextmanager
def _caught_warnings() -> Iterator[list[str]]:
    """The texts of warnings, filled in at the end."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield notes
    notes += [str(warning.message) for warning in caught]


def _echo(notes: Sequence[str]) -> None:
    for note in notes:
        typer.echo(f"warning: {note}", err=True)


def _check_usage(data: Path, stream: bool, *, writes_all: bool, is_for_streams: bool) -> None:
    """Refuse options that do not go with a stream, or with anything else.

    Args:
        data: what is answered.
        stream: whether it is streamed.
        writes_all: whether the answers are asked for all at once, by --output or --json.
        is_for_streams: whether an option is given that only streams have.
    """
    if not stream and str(data) == "-":
        raise typer.BadParameter(
            "standard input can only be streamed: add --stream", param_hint="DATA"
        )
    if stream and data.suffix.lower() in (".npy", ".parquet", ".gz"):
        raise typer.BadParameter(
            "--stream takes lines of CSV, from a text file or - for standard input; "
            f"leave it out for {data.name}",
            param_hint="DATA",
        )
    if stream and writes_all:
        raise typer.BadParameter(
            "a stream answers on stdout, as CSV: leave out --output and --json"
        )
    if is_for_streams and not stream:
        raise typer.BadParameter(
            "--mode, --state, --late and --duplicate are for a stream: add --stream"
        )


def _print(
    predictions: Predictions, outputs: Sequence[Column], output: Path | None, notes: list[str]
) -> None:
    """The predictions on stdout unless they went to a file; everything about them on stderr."""
    if not output:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(predictions.table.names)
        columns = [column.astype(str) for column in predictions.table.columns.values()]
        writer.writerows(zip(*columns, strict=True))
    _echo(notes)
    names = [f"{column.name} ({column.unit})" if column.unit else column.name for column in outputs]
    shown = names if len(names) <= 4 else [*names[:2], "...", names[-1]]
    where = f" -> {output}" if output else ""
    typer.echo(f"{len(predictions.table):,} predictions of {', '.join(shown)}{where}", err=True)


def _fields(
    predictions: Predictions, outputs: Sequence[Column], output: Path | None
) -> dict[str, Any]:
    columns = None
    if not output:
        columns = {name: _listed(column) for name, column in predictions.table.columns.items()}
    return {
        "predictions": len(predictions.table),
        "outputs": [{"name": column.name, "unit": column.unit} for column in outputs],
        "path": str(output) if output else None,
        "columns": columns,
    }


def _listed(column: Array) -> list[Any]:
    """A column for JSON: times as text."""
    shown = column.astype(str) if column.dtype.kind == "M" else column
    return list(shown.tolist())


def _progress() -> Progress | None:
    """A line on stderr that counts predictions, from the first second on; nothing where stderr is
    no terminal."""
    if not sys.stderr.isatty():
        return None
    start = time.monotonic()

    def count(done: int, total: int) -> None:
        if time.monotonic() - start > 1:
            typer.echo(f"\r{done:,} of {total:,} predictions", nl=done == total, err=True)

    return count
