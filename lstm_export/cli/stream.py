"""`lstm-export run BUNDLE - --stream`: a line in, a line out, until input or a signal ends it."""

from __future__ import annotations

import csv
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

import typer

from ..errors import InputError
from ..files import check_output, read_bytes, unreadable, write_bytes
from .signals import not_ignored

if TYPE_CHECKING:
    from ..device import Session
    from ..device.row_counts import RowCounts
    from ..model import TableFormat

MAX_LINE = 2**20
INTERRUPTED = 130
_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl-C, a request to end, a terminal that hangs up


class _Stopped(Exception):
    """Raised out of waiting for a line."""


class _Signals:
    """Ends the stream between two lines: one that was read is answered first.

    Attributes:
        came: the signal that came; 0 for none.
    """

    def __init__(self) -> None:
        self.came = 0
        self._waits = False

    def line(self, file: TextIO) -> str:
        """The next line; empty at the end of the input, or when a signal has come."""
        self._waits = True
        try:
            return "" if self.came else file.readline(MAX_LINE + 1)
        except _Stopped:
            return ""
        except UnicodeDecodeError as error:
            raise InputError(
                f"the input is not UTF-8 text ({error.reason}); --stream takes lines of CSV"
            ) from error
        finally:
            self._waits = False

    @contextmanager
    def caught(self) -> Iterator[None]:
        """The signals that ask to end; one that the caller ignores stays ignored."""
        before = {number: signal.signal(number, self._note) for number in not_ignored(_ENDING)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.came = number
        if self._waits:
            raise _Stopped


def run_stream(
    session: Session, data: Path, state: Path | None, most_unanswered: float, **options: Any
) -> None:
    """Answer every line of `data`, `-` for standard input; load and save the state where one is
    named.

    Raises:
        InputError: a larger share of the rows than `most_unanswered` got no answer; or a line or
            the state is refused, and the state after the last good line is saved all the same.
    """
    from ..device import RowStream
    from ..model import USUAL

    rows = RowStream(session, **options, say=_note)
    table_format = session.signature.table_format or USUAL
    signals = _Signals()
    if state:
        check_output(state, None if str(data) == "-" else data)
        if state.exists():
            rows.restore(read_bytes(state, "a saved state"))
    with signals.caught(), _warnings_on_stderr(), _opened(data) as file:
        try:
            _answer_all(rows, signals, file, _of_source(table_format, data))
        finally:
            _note_counts(rows.counts)
            if state:
                write_bytes(state, rows.state())
    if signals.came == signal.SIGINT:
        typer.echo("interrupted", err=True)
        raise typer.Exit(INTERRUPTED)
    if rows.counts.share_unanswered > most_unanswered:
        raise InputError(
            f"{rows.counts.share_unanswered:.0%} of the rows went unanswered, "
            f"more than {most_unanswered:.0%}; repair the source, or choose --most-unanswered"
        )


def _of_source(table_format: TableFormat, data: Path) -> TableFormat:
    """A file is of the form of the table that was trained on; what comes as it is measured has no
    lines before its header."""
    return replace(table_format, skip_rows=0) if str(data) == "-" else table_format


def _answer_all(rows: Any, signals: _Signals, file: TextIO, table_format: TableFormat) -> None:
    from ..series.table_files import delimiter_of

    delimiter = ","
    number = 0
    while line := signals.line(file):
        number += 1
        if number <= table_format.skip_rows:
            continue
        _check_length(line, number)
        if not line.strip():
            continue
        if not rows.names:
            line = line.removeprefix("\ufeff")
            delimiter = delimiter_of(line, table_format)
        cells = _cells(line, delimiter, number)
        if not rows.names:
            is_header = rows.begin(cells)
            if not _print(rows.names):
                return
            if is_header:
                continue
        answer = rows.answer(cells, number)
        if answer is not None and not _print(answer):
            return


def _check_length(line: str, number: int) -> None:
    if len(line) > MAX_LINE:
        raise InputError(f"line {number} has more than {MAX_LINE} characters; repair the source")


def _cells(line: str, delimiter: str, number: int) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except csv.Error as error:
        raise InputError(f"line {number} is not CSV: {error}; repair the source") from error


def _print(cells: tuple[str, ...]) -> bool:
    """One line of CSV, at once; whether anybody reads on."""
    try:
        csv.writer(sys.stdout, lineterminator="\n").writerow(cells)
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would try to flush once more at its end, and complain.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        return False
    return True


def _note_counts(counts: RowCounts) -> None:
    text = counts.describe()
    if text:
        _note(text)


def _note(text: str) -> None:
    typer.echo(f"note: {text}", err=True)


@contextmanager
def _warnings_on_stderr() -> Iterator[None]:
    """Warnings of samples out of range as lines on stderr, when they come."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = lambda message, *_, **__: typer.echo(f"warning: {message}", err=True)
        yield


@contextmanager
def _opened(data: Path) -> Iterator[TextIO]:
    if str(data) == "-":
        yield sys.stdin
        return
    try:
        with data.open(encoding="utf-8-sig", newline="") as file:
            yield file
    except OSError as error:
        raise unreadable(data, error, "a .csv file, or - for standard input") from error
